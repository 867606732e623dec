// Weights in the NZ format: aclnnCalculateMatmulWeightSize and V2, aclnnTransMatmulWeight, aclnnMatmulWeightNz and
// aclnnAddmmWeightNz, for fp16 and bf16.
//
// NZ lays a matrix out in blocks of 16 x 16, column of blocks after column of blocks, each row-major: [columns / 16,
// rows / 16, 16, 16]. What is beyond the matrix in its last blocks is 0. As in the sources of ops-math and ops-nn 8.5.0:
// - phase 1 of aclnnTransMatmulWeight changes the descriptor to NZ at once, and its executor is not repeatable;
// - aclnnMatmulWeightNz recognises a transposed view by its strides, and phase 1 swaps the descriptor's sizes; it takes
//   the descriptor only once then. aclnnAddmmWeightNz takes no transposed view.
#include <numeric>

#include "../numerics/gemm.h"
#include "operator.h"

namespace emulator {
namespace {

constexpr int64_t blockSize = 16;

int64_t blocksOf(int64_t n) { return (n + blockSize - 1) / blockSize; }

Shape blockShape(int64_t rows, int64_t columns) { return {blocksOf(columns), blocksOf(rows), blockSize, blockSize}; }

// Where element [i, j] of a matrix with so many rows of blocks lies.
size_t placeInBlocks(int64_t rowBlocks, int64_t i, int64_t j) {
  return static_cast<size_t>(((j / blockSize * rowBlocks + i / blockSize) * blockSize + i % blockSize) * blockSize + j % blockSize);
}

uint64_t weightSize(const Shape &shape, aclDataType dtype) {
  require(shape.size() >= 2 && shape.size() <= 6, "the shape has " + std::to_string(shape.size()) + " axes; allowed: 2 to 6");
  const auto aligned = [](int64_t n, int64_t to) { return (n + to - 1) / to * to; };
  const int64_t batch = numel(Shape(shape.begin(), shape.end() - 2));
  return static_cast<uint64_t>(batch * aligned(shape[shape.size() - 2], 16) * aligned(shape.back(), dtype == ACL_INT8 ? 32 : 16));
}

// What mat2 is, as [k, n].
struct Weight {
  int64_t k, n;
  bool transposed;  // its blocks are those of [n, k]
};

Weight weightOf(const aclTensor *mat2, bool mayBeTransposed) {
  const Tensor &t = get(mat2);
  require(t.format == ACL_FORMAT_FRACTAL_NZ, "mat2 is not in the format FRACTAL_NZ");
  requireRank("mat2", mat2, 2, 2);
  require(t.storageShape.size() == 4, "the storage of mat2 has shape " + shapeText(t.storageShape) + "; expected: 4 axes");
  require(t.shape[0] != 1 && t.shape[1] != 1, "mat2 has shape " + shapeText(t.shape) + "; neither size may be 1");
  const bool transposed = mayBeTransposed && t.strides[0] == 1 && t.strides[1] == t.shape[0];
  const Shape expected = transposed ? blockShape(t.shape[1], t.shape[0]) : blockShape(t.shape[0], t.shape[1]);
  require(numel(t.storageShape) == numel(expected),
          "the storage of mat2 has shape " + shapeText(t.storageShape) + "; expected: " + shapeText(expected));
  return {t.shape[0], t.shape[1], transposed};
}

Plan nzPlan(const aclTensor *self, const aclTensor *mat1, const aclTensor *mat2, float beta, float alpha, const aclTensor *out,
            int8_t cubeMathType, bool mayBeTransposed) {
  requireDtype("the left matrix", mat1, {ACL_FLOAT16, ACL_BF16});
  requireSameDtype("mat2", mat2, "the left matrix", mat1);
  requireDtype("out", out, {get(mat1).dtype, ACL_FLOAT});
  require(cubeMathType >= 0 && cubeMathType <= 4, "cubeMathType is " + std::to_string(cubeMathType) + "; allowed: 0 to 4");
  requireRank("the left matrix", mat1, 2, 2);
  const Weight weight = weightOf(mat2, mayBeTransposed);
  const int64_t m = get(mat1).shape[0], k = get(mat1).shape[1];
  require(k == weight.k, "the left matrix has " + std::to_string(k) + " columns, mat2 has " + std::to_string(weight.k) + " rows");
  requireShape("out", out, {m, weight.n});
  if (self) {
    requireDtype("self", self, cubeDtypes);
    require(broadcast(get(self).shape, get(out).shape) == get(out).shape, "self has shape " + shapeText(get(self).shape) + ", which does not broadcast to out");
  }
  if (weight.transposed) {
    Tensor swapped = get(mat2);
    std::swap(swapped.shape[0], swapped.shape[1]);
    describeAnew(mat2, swapped);
  }
  Plan plan{{self, mat1, mat2}, {out}, 16384, [=](const Views &in, const Views &outs, std::byte *) {
              // The matrix as it was before its transformation.
              std::vector<uint16_t> dense(static_cast<size_t>(weight.k * weight.n));
              const int64_t rows = weight.transposed ? weight.n : weight.k, columns = weight.transposed ? weight.k : weight.n;
              for (int64_t i = 0; i < rows; ++i)
                for (int64_t j = 0; j < columns; ++j)
                  dense[static_cast<size_t>(i * columns + j)] = in[2].first<uint16_t>()[placeInBlocks(blocksOf(rows), i, j)];
              const View &left = in[1], &target = outs[0];
              const auto addends = in[0] && beta != 0 ? broadcastStrides(in[0].shape, in[0].strides, target.shape) : Shape{};
              gemm(bestIsa(), m, weight.n, weight.k, {left.dtype, left.first<void>(), left.strides[0], left.strides[1]},
                   {left.dtype, dense.data(), weight.transposed ? 1 : weight.n, weight.transposed ? weight.k : 1},
                   [&](int64_t row, int64_t column, int64_t count, const float *sums) {
                     float values[128], terms[128];  // a part of a row is no longer
                     for (int64_t j = 0; j < count; ++j) values[j] = alpha * sums[j];
                     if (!addends.empty()) {
                       const auto size = static_cast<int64_t>(in[0].elementSize());
                       load(in[0].dtype, in[0].first<std::byte>() + (row * addends[0] + column * addends[1]) * size, addends[1], count, terms);
                       for (int64_t j = 0; j < count; ++j) values[j] += beta * terms[j];
                     }
                     const auto size = static_cast<int64_t>(target.elementSize());
                     store(target.dtype, target.first<std::byte>() + (row * target.strides[0] + column * target.strides[1]) * size, target.strides[1],
                           count, values);
                   });
            }};
  plan.takesNz = true;
  return plan;
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

aclnnStatus aclnnCalculateMatmulWeightSize(const aclIntArray *tensorShape, uint64_t *weightTensorSize) {
  return call(__func__, [&] {
    requireNotNull({{"tensorShape", tensorShape}, {"weightTensorSize", weightTensorSize}});
    *weightTensorSize = weightSize(get(tensorShape), ACL_FLOAT16);
  });
}

aclnnStatus aclnnCalculateMatmulWeightSizeV2(const aclIntArray *tensorShape, aclDataType dataType, uint64_t *weightTensorSize) {
  return call(__func__, [&] {
    requireNotNull({{"tensorShape", tensorShape}, {"weightTensorSize", weightTensorSize}});
    require(dataType == ACL_FLOAT16 || dataType == ACL_BF16 || dataType == ACL_INT8, std::string("dataType is ") + dtypeName(dataType) + "; allowed: FLOAT16, BF16, INT8");
    for (const int64_t size : get(tensorShape)) require(size > 0, "the shape " + shapeText(get(tensorShape)) + " is empty");
    *weightTensorSize = weightSize(get(tensorShape), dataType);
  });
}

// The emulator transforms matrices alone, without a batch.
aclnnStatus aclnnTransMatmulWeightGetWorkspaceSize(aclTensor *mmWeightRef, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"mmWeightRef", mmWeightRef}});
    requireDtype("mmWeightRef", mmWeightRef, {ACL_FLOAT16, ACL_BF16});
    const Tensor given = get(mmWeightRef);
    require(given.format == ACL_FORMAT_ND, "mmWeightRef is not in the format ND");
    requireRank("mmWeightRef", mmWeightRef, 2, 2);
    Tensor changed = given;
    if (given.numel() > 0) {
      changed.format = ACL_FORMAT_FRACTAL_NZ;
      changed.storageShape = blockShape(given.shape[0], given.shape[1]);
      describeAnew(mmWeightRef, changed);
    }
    Plan plan{{mmWeightRef}, {mmWeightRef}, weightSize(given.shape, given.dtype) * 2, [given](const Views &, const Views &out, std::byte *) {
                const int64_t rows = given.shape[0], columns = given.shape[1];
                std::vector<uint16_t> blocks(static_cast<size_t>(out[0].numel()));
                auto *elements = out[0].first<uint16_t>();
                for (int64_t i = 0; i < rows; ++i)
                  for (int64_t j = 0; j < columns; ++j)
                    blocks[placeInBlocks(blocksOf(rows), i, j)] = elements[i * given.strides[0] + j * given.strides[1]];
                memcpy(elements, blocks.data(), blocks.size() * sizeof(uint16_t));
              }};
    plan.repeatable = false;
    plan.takesNz = true;
    return plan;
  });
}
EMULATOR_PHASE_TWO(aclnnTransMatmulWeight)

aclnnStatus aclnnMatmulWeightNzGetWorkspaceSize(const aclTensor *self, const aclTensor *mat2, aclTensor *out, int8_t cubeMathType,
                                                uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"self", self}, {"mat2", mat2}, {"out", out}});
    return nzPlan(nullptr, self, mat2, 0, 1, out, cubeMathType, true);
  });
}
EMULATOR_PHASE_TWO(aclnnMatmulWeightNz)

aclnnStatus aclnnAddmmWeightNzGetWorkspaceSize(const aclTensor *self, const aclTensor *mat1, const aclTensor *mat2, const aclScalar *beta,
                                               const aclScalar *alpha, aclTensor *out, int8_t cubeMathType, uint64_t *workspaceSize,
                                               aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"self", self}, {"mat1", mat1}, {"mat2", mat2}, {"beta", beta}, {"alpha", alpha}, {"out", out}});
    return nzPlan(self, mat1, mat2, static_cast<float>(toDouble(beta)), static_cast<float>(toDouble(alpha)), out, cubeMathType, false);
  });
}
EMULATOR_PHASE_TWO(aclnnAddmmWeightNz)

}  // extern "C"
