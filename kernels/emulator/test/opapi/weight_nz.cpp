// Weights in the NZ format: the layout itself, products with it, and what is refused.
#include "op.h"

static const aclDataType halves[] = {ACL_FLOAT16, ACL_BF16};

// A descriptor over the memory of another tensor.
struct Described {
  Described(const Device &memory, const Shape &shape, const Shape &strides, aclFormat format, const Shape &storage) {
    void *address = nullptr;
    CHECK_OK(aclGetRawTensorAddr(memory, &address));
    handle = aclCreateTensor(shape.data(), shape.size(), memory.dtype, strides.data(), 0, format, storage.data(), storage.size(), address);
    CHECK(handle);
  }
  ~Described() { CHECK_OK(aclDestroyTensor(handle)); }
  Described(const Described &) = delete;
  operator aclTensor *() const { return handle; }
  aclTensor *handle;
};

static int64_t up(int64_t n) { return (n + 15) / 16 * 16; }

// Memory for a matrix of [rows, columns] in blocks, with its elements at the beginning, row after row.
static Values spaced(const Values &matrix, int64_t rows, int64_t columns) {
  Values all = matrix;
  all.resize(static_cast<size_t>(up(rows) * up(columns)), 7);
  return all;
}

static uint64_t sizeFor(const Shape &shape, aclDataType dtype) {
  uint64_t size = 0;
  CHECK_OK(aclnnCalculateMatmulWeightSizeV2(Integers(shape), dtype, &size));
  return size;
}

static void layout() {
  const int64_t rows = 18, columns = 35;
  for (const aclDataType dtype : halves) {
    const Values matrix = randoms(dtype, rows * columns, 1);
    const Device memory(dtype, {up(rows) * up(columns)}, spaced(matrix, rows, columns));
    CHECK(sizeFor({rows, columns}, dtype) == static_cast<uint64_t>(up(rows) * up(columns)));
    const Described weight(memory, {rows, columns}, {columns, 1}, ACL_FORMAT_ND, {up(rows) * up(columns)});
    RUN(aclnnTransMatmulWeight, static_cast<aclTensor *>(weight));
    Values blocks;  // columns of blocks, rows of blocks, rows, columns
    for (int64_t c = 0; c < up(columns) / 16; ++c)
      for (int64_t r = 0; r < up(rows) / 16; ++r)
        for (int64_t i = 16 * r; i < 16 * r + 16; ++i)
          for (int64_t j = 16 * c; j < 16 * c + 16; ++j)
            blocks.push_back(i < rows && j < columns ? matrix[static_cast<size_t>(i * columns + j)] : 0);
    CHECK_EXACT(memory, blocks);
    aclFormat format;
    CHECK_OK(aclGetFormat(weight, &format));
    CHECK(format == ACL_FORMAT_FRACTAL_NZ);
    int64_t *storage;
    uint64_t axes;
    CHECK_OK(aclGetStorageShape(weight, &storage, &axes));
    CHECK(axes == 4 && storage[0] == 3 && storage[1] == 2 && storage[2] == 16 && storage[3] == 16);
    delete[] storage;
  }
  uint64_t size = 0;
  CHECK_OK(aclnnCalculateMatmulWeightSize(Integers({510, 510}), &size));
  CHECK(size == 262144);
  CHECK(sizeFor({510, 270}, ACL_INT8) == 147456);
  CHECK(sizeFor({3, 17, 16}, ACL_BF16) == 3 * 32 * 16);
}

// The same bits as with the ordinary product.
static void products() {
  const int64_t m = 5, k = 18, n = 35;
  for (const aclDataType dtype : halves)
    for (const aclDataType outType : {dtype, ACL_FLOAT}) {
      const Values x = randoms(dtype, m * k, 1), w = randoms(dtype, k * n, 2), b = randoms(dtype, n, 3);
      Values turned(w.size());
      for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < n; ++j) turned[static_cast<size_t>(j * k + i)] = w[static_cast<size_t>(i * n + j)];
      const Device left(dtype, {m, k}, x, Layout::transposed), bias(dtype, {n}, b), ordinary(dtype, {k, n}, w);
      const Device memory(dtype, {up(k) * up(n)}, spaced(w, k, n)), other(dtype, {up(k) * up(n)}, spaced(turned, n, k));
      const Device expected(outType, {m, n}), out(outType, {m, n}, {}, Layout::spread);
      const Scalar one(1.0f), half(0.5f), none(0.0f);
      const Described weight(memory, {k, n}, {n, 1}, ACL_FORMAT_ND, {up(k) * up(n)}), rows(other, {n, k}, {k, 1}, ACL_FORMAT_ND, {up(k) * up(n)});
      RUN(aclnnTransMatmulWeight, static_cast<aclTensor *>(weight));
      RUN(aclnnTransMatmulWeight, static_cast<aclTensor *>(rows));
      const int8_t keep = 0;
      RUN(aclnnMm, left, ordinary, static_cast<aclTensor *>(expected), keep);
      RUN(aclnnMatmulWeightNz, left, weight, static_cast<aclTensor *>(out), keep);
      CHECK_EXACT(out, expected.read());
      // Another descriptor of the same memory, as who transformed long ago makes one; and a transposed view.
      const Described again(memory, {k, n}, {n, 1}, ACL_FORMAT_FRACTAL_NZ, {3, 2, 16, 16});
      const Described view(other, {k, n}, {1, k}, ACL_FORMAT_FRACTAL_NZ, {2, 3, 16, 16});
      for (const Described *each : {&again, &view}) {
        const Device result(outType, {m, n});
        RUN(aclnnMatmulWeightNz, left, *each, static_cast<aclTensor *>(result), keep);
        CHECK_EXACT(result, expected.read());
      }
      RUN(aclnnAddmm, bias, left, ordinary, half, one, static_cast<aclTensor *>(expected), keep);
      RUN(aclnnAddmmWeightNz, bias, left, again, half, one, static_cast<aclTensor *>(out), keep);
      CHECK_EXACT(out, expected.read());
      RUN(aclnnAddmm, bias, left, ordinary, none, one, static_cast<aclTensor *>(expected), keep);
      RUN(aclnnAddmmWeightNz, bias, left, again, none, one, static_cast<aclTensor *>(out), keep);
      CHECK_EXACT(out, expected.read());
    }
}

static void refusals() {
  uint64_t size = 0;
  CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclnnCalculateMatmulWeightSizeV2(nullptr, ACL_FLOAT16, &size));
  CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclnnCalculateMatmulWeightSizeV2(Integers({16}), ACL_FLOAT16, &size));
  CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclnnCalculateMatmulWeightSizeV2(Integers({16, 0}), ACL_FLOAT16, &size));
  CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclnnCalculateMatmulWeightSizeV2(Integers({16, 2}), ACL_FLOAT, &size));
  const Device x(ACL_FLOAT16, {2, 16}), out(ACL_FLOAT16, {2, 16}), memory(ACL_FLOAT16, {256}), single(ACL_FLOAT, {16, 16}), plain(ACL_FLOAT16, {16, 16});
  const Described weight(memory, {16, 16}, {16, 1}, ACL_FORMAT_FRACTAL_NZ, {1, 1, 16, 16});
  const Described flat(memory, {16, 16}, {16, 1}, ACL_FORMAT_FRACTAL_NZ, {256}), thin(memory, {16, 1}, {1, 1}, ACL_FORMAT_FRACTAL_NZ, {1, 1, 16, 16});
  const Described small(memory, {16, 8}, {8, 1}, ACL_FORMAT_FRACTAL_NZ, {1, 1, 16, 8});
  const auto product = [&](const aclTensor *left, const aclTensor *right, const char *word) {
    REFUSED(ACLNN_ERR_PARAM_INVALID, word, aclnnMatmulWeightNz, left, right, out, 0);
  };
  product(x, plain, "not in the format FRACTAL_NZ");
  product(x, flat, "expected: 4 axes");
  product(x, thin, "neither size may be 1");
  product(x, small, "expected: [1, 1, 16, 16]");
  product(single, weight, "FLOAT;");
  product(Device(ACL_BF16, {2, 16}), weight, "they must be equal");
  product(Device(ACL_FLOAT16, {2, 15}), weight, "15 columns");
  REFUSED(ACLNN_ERR_PARAM_NULLPTR, "mat2", aclnnMatmulWeightNz, x, nullptr, out, 0);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "does not take", aclnnMm, x, weight, out, 0);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "format ND", aclnnTransMatmulWeight, weight);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "dtype FLOAT", aclnnTransMatmulWeight, single);
  aclOpExecutor *executor = nullptr;
  CHECK_OK(aclnnTransMatmulWeightGetWorkspaceSize(plain, &size, &executor));
  CHECK_STATUS(ACLNN_ERR_INNER, aclSetAclOpExecutorRepeatable(executor));
  CHECK_OK(aclDestroyAclOpExecutor(executor));
  // Memory that has no room for the blocks.
  const Device tight(ACL_FLOAT16, {2, 2});
  CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, perform(aclnnTransMatmulWeightGetWorkspaceSize, aclnnTransMatmulWeight, static_cast<aclTensor *>(tight)));
  CHECK_VIOLATION("out-of-bounds", "aclnnTransMatmulWeight");
}

int main() {
  Session session;
  layout();
  products();
  refusals();
}
