// The matrix products: aclnnMatmul, Mm, BatchMatMul, Addmm, InplaceAddmm, Addbmm, Baddbmm.
//
// Inputs may be any views; the packing reads them as they are, where the 910B copies layouts other than a
// transpose of the last two axes.
// Assumptions: mixed fp16/bf16/fp32 inputs promote as the code does, not as the documents say (README.md
// section 10.2); cubeMathType 4 is 0, since sums are always taken in groups; beta 0 does not read self's values, as
// in PyTorch; the workspace is one tile row of the cube unit (16 KiB), asked for so that callers handle one.
#include <numeric>

#include "../numerics/gemm.h"
#include "../numerics/pool.h"
#include "operator.h"

namespace emulator {
namespace {

constexpr uint64_t cubeWorkspace = 16384;

// How inputs are rounded, from the dtypes and cubeMathType.
Rounding roundingOf(int8_t cubeMathType, aclDataType promoted) {
  require(cubeMathType >= 0 && cubeMathType <= 4, "cubeMathType is " + std::to_string(cubeMathType) + "; allowed: 0 to 4");
  if (promoted != ACL_FLOAT) return Rounding::none;
  if (cubeMathType == 1 || cubeMathType == 3) return Rounding::hf32;
  return cubeMathType == 2 ? Rounding::half : Rounding::none;
}

void requireOutput(aclDataType promoted, const char *name, const aclTensor *out) {
  requireDtype(name, out, cubeDtypes);
  require(get(out).dtype == promoted || get(out).dtype == ACL_FLOAT,
          std::string(name) + " has dtype " + dtypeName(get(out).dtype) + "; allowed for inputs of " + dtypeName(promoted) + ": " +
              dtypeName(promoted) + ", FLOAT");
}

void requireInner(const char *leftName, const Shape &left, const char *rightName, const Shape &right, int64_t leftInner, int64_t rightInner) {
  require(leftInner == rightInner, std::string(leftName) + " of shape " + shapeText(left) + " and " + rightName + " of shape " +
                                       shapeText(right) + " do not fit: the inner sizes are " + std::to_string(leftInner) + " and " +
                                       std::to_string(rightInner));
}

// An operand as a batch of matrices: rank 2 at least, leading axes broadcast to the batch.
View asBatch(View view, const Shape &batch, bool isLeft) {
  if (view.rank() == 1) {  // a row on the left, a column on the right
    view.shape.insert(isLeft ? view.shape.begin() : view.shape.end(), 1);
    view.strides.insert(isLeft ? view.strides.begin() : view.strides.end(), 0);
  }
  Shape shape = batch;
  shape.insert(shape.end(), view.shape.end() - 2, view.shape.end());
  Shape strides = broadcastStrides(Shape(view.shape.begin(), view.shape.end() - 2), Shape(view.strides.begin(), view.strides.end() - 2), batch);
  strides.insert(strides.end(), view.strides.end() - 2, view.strides.end());
  view.shape = shape;
  view.strides = strides;
  return view;
}

// Element [index..., 0, 0] of a batch, in elements from the view's data.
std::byte *matrixAt(const View &view, int64_t index) {
  int64_t offset = 0;
  for (size_t axis = view.shape.size() - 2; axis-- > 0; index /= view.shape[axis]) offset += index % view.shape[axis] * view.strides[axis];
  return view.first<std::byte>() + offset * static_cast<int64_t>(view.elementSize());
}

struct Scales {
  float alpha = 1, beta = 0;
};

// out = alpha * left x right + beta * addend, all as batches of matrices; the addend may be absent.
void multiply(const View &left, const View &right, const View &addend, const View &out, Rounding rounding, Scales scales) {
  const size_t rank = out.shape.size();
  const int64_t m = out.shape[rank - 2], n = out.shape[rank - 1], k = left.shape[rank - 1];
  const int64_t count = std::accumulate(out.shape.begin(), out.shape.end() - 2, int64_t{1}, std::multiplies<>());
  const bool adds = addend && scales.beta != 0;
  const auto one = [&](int64_t index) {
    const auto matrixOf = [&](const View &view) {
      return Matrix{view.dtype, matrixAt(view, index), view.strides[rank - 2], view.strides[rank - 1], rounding};
    };
    std::byte *target = matrixAt(out, index);
    const std::byte *term = adds ? matrixAt(addend, index) : nullptr;
    const auto outSize = static_cast<int64_t>(out.elementSize()), termSize = adds ? static_cast<int64_t>(addend.elementSize()) : 0;
    gemm(bestIsa(), m, n, k, matrixOf(left), matrixOf(right), [&](int64_t row, int64_t column, int64_t length, const float *sums) {
      float values[128], terms[128];  // a part of a row is no longer
      for (int64_t j = 0; j < length; ++j) values[j] = scales.alpha * sums[j];
      if (adds) {
        load(addend.dtype, term + (row * addend.strides[rank - 2] + column * addend.strides[rank - 1]) * termSize, addend.strides[rank - 1], length, terms);
        for (int64_t j = 0; j < length; ++j) values[j] += scales.beta * terms[j];
      }
      store(out.dtype, target + (row * out.strides[rank - 2] + column * out.strides[rank - 1]) * outSize, out.strides[rank - 1], length, values);
    });
  };
  if (count >= parallelThreads()) parallelFor(count, one);
  else for (int64_t i = 0; i < count; ++i) one(i);
}

Scales scalesOf(const aclScalar *beta, const aclScalar *alpha) {
  return {static_cast<float>(toDouble(alpha)), static_cast<float>(toDouble(beta))};
}

// Matmul's shapes: vectors, matrices and batches of them, as numpy's matmul.
Plan productPlan(const aclTensor *self, const aclTensor *mat2, aclTensor *out, int8_t cubeMathType, int64_t least, int64_t most) {
  requireNotNull({{"self", self}, {"mat2", mat2}, {"out", out}});
  requireRank("self", self, least, most);
  requireRank("mat2", mat2, least, most);
  requireDtype("self", self, cubeDtypes);
  requireDtype("mat2", mat2, cubeDtypes);
  const aclDataType promoted = promote(get(self).dtype, get(mat2).dtype);
  const Rounding rounding = roundingOf(cubeMathType, promoted);
  requireOutput(promoted, "out", out);
  const Shape &a = get(self).shape, &b = get(mat2).shape;
  const bool row = a.size() == 1, column = b.size() == 1;
  requireInner("self", a, "mat2", b, a.back(), column ? b[0] : b[b.size() - 2]);
  const Shape batch = broadcast(row ? Shape{} : Shape(a.begin(), a.end() - 2), column ? Shape{} : Shape(b.begin(), b.end() - 2));
  Shape expected = batch;
  if (!row) expected.push_back(a[a.size() - 2]);
  if (!column) expected.push_back(b.back());
  requireShape("out", out, expected);
  return {{self, mat2}, {out}, cubeWorkspace, [=](const Views &in, const Views &outs, std::byte *) {
            View target = outs[0];
            if (row) {
              target.shape.insert(target.shape.begin() + static_cast<int64_t>(batch.size()), 1);
              target.strides.insert(target.strides.begin() + static_cast<int64_t>(batch.size()), 0);
            }
            if (column) {
              target.shape.push_back(1);
              target.strides.push_back(0);
            }
            multiply(asBatch(in[0], batch, true), asBatch(in[1], batch, false), {}, target, rounding, {});
          }};
}

// beta*self + alpha*mat1 x mat2, with matrices of the given rank; self broadcasts to the result.
Plan addPlan(const char *selfName, const aclTensor *self, const char *leftName, const aclTensor *left, const char *rightName, const aclTensor *right,
             const aclScalar *beta, const aclScalar *alpha, const char *outName, const aclTensor *out, int8_t cubeMathType, int64_t rank) {
  requireNotNull({{selfName, self}, {leftName, left}, {rightName, right}, {"beta", beta}, {"alpha", alpha}, {outName, out}});
  requireRank(leftName, left, rank, rank);
  requireRank(rightName, right, rank, rank);
  for (const auto &[name, tensor] : {std::pair{selfName, self}, {leftName, left}, {rightName, right}}) requireDtype(name, tensor, cubeDtypes);
  const aclDataType promoted = promote(get(left).dtype, get(right).dtype);
  const Rounding rounding = roundingOf(cubeMathType, promoted);
  requireOutput(promoted, outName, out);
  const Shape &a = get(left).shape, &b = get(right).shape;
  const auto last = static_cast<size_t>(rank - 1);
  requireInner(leftName, a, rightName, b, a[last], b[last - 1]);
  if (rank == 3) require(a[0] == b[0], std::string(leftName) + " has batch size " + std::to_string(a[0]) + ", " + rightName + " has " + std::to_string(b[0]));
  Shape expected = a;
  expected[last] = b[last];
  requireShape(outName, out, expected);
  require(broadcast(get(self).shape, expected) == expected,
          std::string(selfName) + " has shape " + shapeText(get(self).shape) + ", which does not broadcast to " + shapeText(expected));
  return {{self, left, right}, {out}, cubeWorkspace, [=, scales = scalesOf(beta, alpha)](const Views &in, const Views &outs, std::byte *) {
            View addend = in[0];
            addend.strides = broadcastStrides(addend.shape, addend.strides, outs[0].shape);
            addend.shape = outs[0].shape;
            multiply(in[1], in[2], addend, outs[0], rounding, scales);
          }};
}

// beta*self + alpha * (sum over the batch of batch1 x batch2): the sum is kept in fp32 and rounded once.
Plan sumPlan(const aclTensor *self, const aclTensor *batch1, const aclTensor *batch2, const aclScalar *beta, const aclScalar *alpha, aclTensor *out,
             int8_t cubeMathType) {
  requireNotNull({{"self", self}, {"batch1", batch1}, {"batch2", batch2}, {"beta", beta}, {"alpha", alpha}, {"out", out}});
  requireRank("batch1", batch1, 3, 3);
  requireRank("batch2", batch2, 3, 3);
  for (const auto &[name, tensor] : {std::pair{"self", self}, {"batch1", batch1}, {"batch2", batch2}}) requireDtype(name, tensor, cubeDtypes);
  const aclDataType promoted = promote(get(batch1).dtype, get(batch2).dtype);
  const Rounding rounding = roundingOf(cubeMathType, promoted);
  requireOutput(promoted, "out", out);
  const Shape &a = get(batch1).shape, &b = get(batch2).shape;
  requireInner("batch1", a, "batch2", b, a[2], b[1]);
  require(a[0] == b[0], "batch1 has batch size " + std::to_string(a[0]) + ", batch2 has " + std::to_string(b[0]));
  const Shape expected{a[1], b[2]};
  requireShape("out", out, expected);
  require(broadcast(get(self).shape, expected) == expected,
          "self has shape " + shapeText(get(self).shape) + ", which does not broadcast to " + shapeText(expected));
  return {{self, batch1, batch2}, {out}, cubeWorkspace, [=, scales = scalesOf(beta, alpha)](const Views &in, const Views &outs, std::byte *) {
            std::vector<float> sum(static_cast<size_t>(numel(expected)));
            View total{ACL_FLOAT, expected, contiguousStrides(expected), 0, reinterpret_cast<std::byte *>(sum.data())};
            for (int64_t i = 0; i < in[1].shape[0]; ++i) {
              const auto matrix = [i](const View &v) {
                return View{v.dtype, {v.shape[1], v.shape[2]}, {v.strides[1], v.strides[2]}, v.offset + i * v.strides[0], v.data};
              };
              multiply(matrix(in[1]), matrix(in[2]), total, total, rounding, {1, 1});
            }
            Views terms{total};
            if (scales.beta != 0) terms.push_back(in[0]);
            elementwise<float>(terms, outs[0], [&](int64_t n, const float *const *x, float *y) {
              for (int64_t j = 0; j < n; ++j) y[j] = scales.alpha * x[0][j] + (scales.beta != 0 ? scales.beta * x[1][j] : 0.0f);
            });
          }};
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

aclnnStatus aclnnMatmulGetWorkspaceSize(const aclTensor *self, const aclTensor *mat2, aclTensor *out, int8_t cubeMathType,
                                        uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] { return productPlan(self, mat2, out, cubeMathType, 1, 6); });
}
EMULATOR_PHASE_TWO(aclnnMatmul)

aclnnStatus aclnnMmGetWorkspaceSize(const aclTensor *self, const aclTensor *mat2, aclTensor *out, int8_t cubeMathType,
                                    uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] { return productPlan(self, mat2, out, cubeMathType, 2, 2); });
}
EMULATOR_PHASE_TWO(aclnnMm)

aclnnStatus aclnnBatchMatMulGetWorkspaceSize(const aclTensor *self, const aclTensor *mat2, aclTensor *out, int8_t cubeMathType,
                                             uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] { return productPlan(self, mat2, out, cubeMathType, 3, 3); });
}
EMULATOR_PHASE_TWO(aclnnBatchMatMul)

aclnnStatus aclnnAddmmGetWorkspaceSize(const aclTensor *self, const aclTensor *mat1, const aclTensor *mat2, const aclScalar *beta,
                                       const aclScalar *alpha, aclTensor *out, int8_t cubeMathType, uint64_t *workspaceSize,
                                       aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor,
                [&] { return addPlan("self", self, "mat1", mat1, "mat2", mat2, beta, alpha, "out", out, cubeMathType, 2); });
}
EMULATOR_PHASE_TWO(aclnnAddmm)

aclnnStatus aclnnInplaceAddmmGetWorkspaceSize(const aclTensor *selfRef, const aclTensor *mat1, const aclTensor *mat2, const aclScalar *beta,
                                              const aclScalar *alpha, int8_t cubeMathType, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor,
                [&] { return addPlan("selfRef", selfRef, "mat1", mat1, "mat2", mat2, beta, alpha, "selfRef", selfRef, cubeMathType, 2); });
}
EMULATOR_PHASE_TWO(aclnnInplaceAddmm)

aclnnStatus aclnnAddbmmGetWorkspaceSize(const aclTensor *self, const aclTensor *batch1, const aclTensor *batch2, const aclScalar *beta,
                                        const aclScalar *alpha, aclTensor *out, int8_t cubeMathType, uint64_t *workspaceSize,
                                        aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] { return sumPlan(self, batch1, batch2, beta, alpha, out, cubeMathType); });
}
EMULATOR_PHASE_TWO(aclnnAddbmm)

aclnnStatus aclnnBaddbmmGetWorkspaceSize(const aclTensor *self, const aclTensor *batch1, const aclTensor *batch2, const aclScalar *beta,
                                         const aclScalar *alpha, aclTensor *out, int8_t cubeMathType, uint64_t *workspaceSize,
                                         aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor,
                [&] { return addPlan("self", self, "batch1", batch1, "batch2", batch2, beta, alpha, "out", out, cubeMathType, 3); });
}
EMULATOR_PHASE_TWO(aclnnBaddbmm)

}  // extern "C"
