// The blocked product: the left matrix is packed whole for up to 1024 rows, the right one in slices of some
// columns, which are what threads share; a tile of registers runs over packed panels that stay in cache.
#include "gemm.h"

#include <algorithm>
#include <vector>

#include "convert.h"
#include "pool.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace emulator {
namespace {

constexpr int64_t rowsAtOnce = 1024, depthAtOnce = 256, sliceColumns = 96;

// tile += panel a (depth x rows) times panel b (depth x columns); tile rows are stride apart.
using TileKernel = void (*)(int64_t depth, const float *a, const float *b, float *tile, int64_t stride);

struct Tile {
  int64_t rows, columns;
  TileKernel kernel;
};

template <int rows, int columns>
void portableTile(int64_t depth, const float *a, const float *b, float *tile, int64_t stride) {
  float sums[rows][columns] = {};
  for (int64_t p = 0; p < depth; ++p, a += rows, b += columns)
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j) sums[i][j] += a[i] * b[j];
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) tile[i * stride + j] += sums[i][j];
}

#ifdef __x86_64__
EMULATOR_AVX2 void avx2Tile(int64_t depth, const float *a, const float *b, float *tile, int64_t stride) {
  __m256 sums[6][2];
  for (auto &row : sums) row[0] = row[1] = _mm256_setzero_ps();
  for (int64_t p = 0; p < depth; ++p, a += 6, b += 16) {
    const __m256 b0 = _mm256_loadu_ps(b), b1 = _mm256_loadu_ps(b + 8);
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) {
      const __m256 ai = _mm256_broadcast_ss(a + i);
      sums[i][0] = _mm256_fmadd_ps(ai, b0, sums[i][0]);
      sums[i][1] = _mm256_fmadd_ps(ai, b1, sums[i][1]);
    }
  }
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 2; ++j) {
      float *at = tile + i * stride + j * 8;
      _mm256_storeu_ps(at, _mm256_add_ps(_mm256_loadu_ps(at), sums[i][j]));
    }
}

EMULATOR_AVX512 void avx512Tile(int64_t depth, const float *a, const float *b, float *tile, int64_t stride) {
  __m512 sums[12][2];
  for (auto &row : sums) row[0] = row[1] = _mm512_setzero_ps();
  for (int64_t p = 0; p < depth; ++p, a += 12, b += 32) {
    const __m512 b0 = _mm512_loadu_ps(b), b1 = _mm512_loadu_ps(b + 16);
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i) {
      const __m512 ai = _mm512_set1_ps(a[i]);
      sums[i][0] = _mm512_fmadd_ps(ai, b0, sums[i][0]);
      sums[i][1] = _mm512_fmadd_ps(ai, b1, sums[i][1]);
    }
  }
  for (int i = 0; i < 12; ++i)
    for (int j = 0; j < 2; ++j) {
      float *at = tile + i * stride + j * 16;
      _mm512_storeu_ps(at, _mm512_add_ps(_mm512_loadu_ps(at), sums[i][j]));
    }
}
#endif

Tile tileOf(Isa isa) {
#ifdef __x86_64__
  if (isa == Isa::avx512) return {12, 32, avx512Tile};
  if (isa == Isa::avx2) return {6, 16, avx2Tile};
#endif
  (void)isa;
  return {4, 8, portableTile<4, 8>};
}

int64_t roundUp(int64_t x, int64_t multiple) { return (x + multiple - 1) / multiple * multiple; }

void round(Rounding rounding, int64_t n, float *x) {
  if (rounding == Rounding::hf32)
    for (int64_t i = 0; i < n; ++i) x[i] = roundToHf32(x[i]);
  if (rounding == Rounding::half)
    for (int64_t i = 0; i < n; ++i) x[i] = halfToFloat(floatToHalf(x[i]));
}

// A panel: width lines (rows of the left, columns of the right matrix) side by side, depth after depth; lines
// that do not exist are 0. Memory is read along whichever direction is contiguous.
struct Lines {
  aclDataType dtype;
  const std::byte *data;
  int64_t lineStride, depthStride;  // in bytes
  int64_t elementSize;
  Rounding rounding;

  void pack(int64_t line, int64_t lines, int64_t width, int64_t start, int64_t depth, float *panel) const {
    const std::byte *first = data + line * lineStride + start * depthStride;
    if (lines < width) std::fill(panel, panel + width * depth, 0.0f);
    if (lineStride == elementSize) {
      for (int64_t p = 0; p < depth; ++p) {
        load(dtype, first + p * depthStride, 1, lines, panel + p * width);
        round(rounding, lines, panel + p * width);
      }
      return;
    }
    // 8 lines at a time: one pass over the panel per line would write each of its cache lines width times.
    constexpr int64_t group = 8;
    float read[group][depthAtOnce];
    for (int64_t i = 0; i < lines; i += group) {
      const int64_t count = std::min(group, lines - i);
      for (int64_t g = 0; g < count; ++g) {
        load(dtype, first + (i + g) * lineStride, depthStride / elementSize, depth, read[g]);
        round(rounding, depth, read[g]);
      }
      for (int64_t p = 0; p < depth; ++p)
        for (int64_t g = 0; g < count; ++g) panel[p * width + i + g] = read[g][p];
    }
  }
};

Lines linesOf(const Matrix &matrix, bool rows) {
  const int64_t size = matrix.dtype == ACL_FLOAT ? 4 : 2;
  return {matrix.dtype, static_cast<const std::byte *>(matrix.data), (rows ? matrix.rowStride : matrix.columnStride) * size,
          (rows ? matrix.columnStride : matrix.rowStride) * size, size, matrix.rounding};
}

// Rows [row, row+rows) of the product.
void multiplyRows(const Tile &tile, int64_t row, int64_t rows, int64_t n, int64_t k, const Lines &a, const Lines &b,
                  const Finish &finish) {
  const int64_t padded = roundUp(rows, tile.rows), slice = std::max(tile.columns, sliceColumns);
  std::vector<float> left(static_cast<size_t>(padded * k));  // blocks of depth, in each the panels
  parallelFor(padded / tile.rows, [&](int64_t panel) {
    const int64_t line = panel * tile.rows;
    for (int64_t start = 0; start < k; start += depthAtOnce) {
      const int64_t depth = std::min(depthAtOnce, k - start);
      a.pack(row + line, std::min(tile.rows, rows - line), tile.rows, start, depth, left.data() + padded * start + line * depth);
    }
  });
  parallelFor((n + slice - 1) / slice, [&](int64_t index) {
    const int64_t column = index * slice, columns = std::min(slice, n - column);
    const int64_t width = roundUp(columns, tile.columns);
    std::vector<float> sums(static_cast<size_t>(padded * width)), right(static_cast<size_t>(width * depthAtOnce));
    for (int64_t start = 0; start < k; start += depthAtOnce) {
      const int64_t depth = std::min(depthAtOnce, k - start);
      for (int64_t j = 0; j < width; j += tile.columns)
        b.pack(column + j, std::min(tile.columns, columns - j), tile.columns, start, depth, right.data() + j * depth);
      for (int64_t i = 0; i < padded; i += tile.rows)
        for (int64_t j = 0; j < width; j += tile.columns)
          tile.kernel(depth, left.data() + padded * start + i * depth, right.data() + j * depth,
                      sums.data() + i * width + j, width);
    }
    for (int64_t i = 0; i < rows; ++i) finish(row + i, column, columns, sums.data() + i * width);
  });
}

}  // namespace

void gemm(Isa isa, int64_t m, int64_t n, int64_t k, const Matrix &a, const Matrix &b, const Finish &finish) {
  const Tile tile = tileOf(isa);
  const Lines left = linesOf(a, true), right = linesOf(b, false);
  for (int64_t row = 0; row < m; row += rowsAtOnce)
    multiplyRows(tile, row, std::min(rowsAtOnce, m - row), n, k, left, right, finish);
}

}  // namespace emulator
