// The product against a triple loop in double precision: odd sizes, both layouts, every format and instruction set.
#include "../../src/numerics/gemm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "../../src/numerics/convert.h"
#include "../../src/numerics/pool.h"
#include "check.h"

using namespace emulator;

static std::vector<float> numbers(int64_t n, uint32_t seed) {
  std::vector<float> values(static_cast<size_t>(n));
  for (float &v : values) {
    seed = seed * 1664525 + 1013904223;
    v = static_cast<float>(static_cast<int32_t>(seed >> 8) - (1 << 23)) * 0x1p-23f;
  }
  return values;
}

// The values after the format's and the mode's rounding.
static float rounded(float x, aclDataType dtype, Rounding rounding) {
  if (dtype == ACL_FLOAT16 || rounding == Rounding::half) return halfToFloat(floatToHalf(x));
  if (dtype == ACL_BF16) return bfloatToFloat(floatToBfloat(x));
  return rounding == Rounding::hf32 ? roundToHf32(x) : x;
}

static void product(Isa isa, aclDataType dtype, int64_t m, int64_t n, int64_t k, bool transposeA, bool transposeB,
                    Rounding rounding) {
  const auto a = numbers(m * k, 1), b = numbers(k * n, 2);
  std::vector<char> left(a.size() * 4 + 4), right(b.size() * 4 + 4);
  store(dtype, left.data(), 1, m * k, a.data());
  store(dtype, right.data(), 1, k * n, b.data());
  const Matrix am{dtype, left.data(), transposeA ? 1 : k, transposeA ? m : 1, rounding};
  const Matrix bm{dtype, right.data(), transposeB ? 1 : n, transposeB ? k : 1, rounding};
  std::vector<float> out(static_cast<size_t>(m * n), NAN);
  gemm(isa, m, n, k, am, bm, [&](int64_t row, int64_t column, int64_t count, const float *sums) {
    for (int64_t j = 0; j < count; ++j) out[static_cast<size_t>(row * n + column + j)] = sums[j];
  });
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0, magnitude = 0;
      for (int64_t p = 0; p < k; ++p) {
        const double term = double{rounded(a[static_cast<size_t>(i * am.rowStride + p * am.columnStride)], dtype, rounding)} *
                            rounded(b[static_cast<size_t>(p * bm.rowStride + j * bm.columnStride)], dtype, rounding);
        sum += term;
        magnitude += std::fabs(term);
      }
      // The usual bound of a sum of k fp32 terms, with room: blocks of 256 are added separately.
      const double tolerance = (static_cast<double>(std::min<int64_t>(k, 256)) + 16) * 0x1p-24 * magnitude;
      CHECK(std::fabs(out[static_cast<size_t>(i * n + j)] - sum) <= tolerance);
    }
}

int main() {
  CHECK(parallelThreads() >= 1);
  std::vector<Isa> versions{Isa::portable};
  if (bestIsa() >= Isa::avx2) versions.push_back(Isa::avx2);
  if (bestIsa() >= Isa::avx512) versions.push_back(Isa::avx512);
  for (const Isa isa : versions) {
    for (const aclDataType dtype : {ACL_FLOAT, ACL_FLOAT16, ACL_BF16})
      for (const int transposed : {0, 1, 2, 3}) {
        product(isa, dtype, 37, 101, 300, transposed & 1, transposed & 2, Rounding::none);
        product(isa, dtype, 1, 1, 1, transposed & 1, transposed & 2, Rounding::none);
        product(isa, dtype, 5, 3, 0, transposed & 1, transposed & 2, Rounding::none);
        product(isa, dtype, 13, 97, 257, transposed & 1, transposed & 2, Rounding::none);
      }
    product(isa, ACL_FLOAT, 33, 34, 35, false, true, Rounding::hf32);
    product(isa, ACL_FLOAT, 33, 34, 35, true, false, Rounding::half);
    product(isa, ACL_FLOAT, 1030, 7, 11, false, false, Rounding::none);
  }

  // 2^24 + 1 + 1 + ... in fp16 inputs: fp32 accumulation loses the ones, fp16 would overflow at once.
  std::vector<float> big(9, 1.0f);
  big[0] = 4096;
  std::vector<uint16_t> left(9), right(9);
  store(ACL_FLOAT16, left.data(), 1, 9, big.data());
  store(ACL_FLOAT16, right.data(), 1, 9, big.data());
  float sum = 0;
  gemm(bestIsa(), 1, 1, 9, {ACL_FLOAT16, left.data(), 9, 1}, {ACL_FLOAT16, right.data(), 1, 1},
       [&](int64_t, int64_t, int64_t, const float *sums) { sum = sums[0]; });
  CHECK(sum == 16777216.0f);

  // An exception reaches the caller; a loop inside a loop runs.
  bool thrown = false;
  try {
    parallelFor(100, [](int64_t i) { if (i == 57) throw 57; });
  } catch (int) {
    thrown = true;
  }
  CHECK(thrown);
  std::vector<int> hits(64 * 64);
  parallelFor(64, [&](int64_t i) { parallelFor(64, [&](int64_t j) { ++hits[static_cast<size_t>(i * 64 + j)]; }); });
  for (const int hit : hits) CHECK(hit == 1);
}
