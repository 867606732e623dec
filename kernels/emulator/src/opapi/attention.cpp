// The arithmetic of fused attention, one head at a time.
//
// Products accumulate in fp32, softmax is computed in fp32. As the cube unit takes 16-bit operands, exponentials are
// rounded to the dtype of value before the second product (the kernels in ops-transformer cast them too), the
// sum that it is divided by is that of the unrounded ones, and the result is rounded once.
// Assumptions: ties of those roundings go to even; fp32 inputs are multiplied in fp32, not HF32; the order of the
// sums, which on the 910B are taken block by block, is that of a whole row. A masked score is the lowest fp32 number
// (as in the kernels), so that a row that is masked wholly is uniform over its window, or 0 where rows are repaired.
// A row without a window, and one beyond the valid rows, is 0.
#include "attention.h"

#include <algorithm>
#include <limits>

#include "../numerics/functions.h"
#include "../numerics/gemm.h"
#include "../numerics/pool.h"

namespace emulator {

void requireTiling(bool condition, const std::string &message) {
  if (!condition) throw Failure(ACLNN_ERR_INNER_TILING_ERROR, message);
}

void requireAbsent(std::initializer_list<std::pair<const char *, const void *>> arguments) {
  for (const auto &[name, pointer] : arguments) require(!pointer, std::string(name) + " is not NULL; the emulator computes without it");
}

HeadShape headShape(const char *name, const aclTensor *tensor, const std::string &layout, int64_t heads) {
  const Shape &s = get(tensor).shape;
  if (s.size() != layout.size())
    refuse(std::string(name) + " has rank " + std::to_string(s.size()) + ", which is not layout " + layout);
  if (layout == "BSND") return {s[0], s[2], s[1], s[3]};
  if (layout == "BNSD") return {s[0], s[1], s[2], s[3]};
  if (layout == "BSH") return {s[0], heads, s[1], s[2] / heads};
  return {s[1], heads, s[0], s[2] / heads};
}

View asHeads(View view, const std::string &layout, int64_t heads) {
  if (layout.back() == 'H') {  // the last axis in two
    const int64_t size = view.shape[2] / heads, stride = view.strides[2];
    view.shape = {view.shape[0], view.shape[1], heads, size};
    view.strides = {view.strides[0], view.strides[1], size * stride, stride};
  }
  if (layout == "BNSD") return view;
  const Shape order = layout == "SBH" ? Shape{1, 2, 0, 3} : Shape{0, 2, 1, 3};
  View heads4 = view;
  for (size_t axis = 0; axis < 4; ++axis) {
    heads4.shape[axis] = view.shape[static_cast<size_t>(order[axis])];
    heads4.strides[axis] = view.strides[static_cast<size_t>(order[axis])];
  }
  return heads4;
}

void requireMask(const aclTensor *mask, const HeadShape &query, int64_t keys, const MaskRules &rules) {
  if (!mask) return;
  const aclDataType dtype = get(mask).dtype;
  requireTiling(std::find(rules.dtypes.begin(), rules.dtypes.end(), dtype) != rules.dtypes.end(),
                std::string("the mask has dtype ") + dtypeName(dtype));
  const Shape &s = get(mask).shape;
  const size_t rank = s.size();
  const auto fits = [&](int64_t found, int64_t size) { return rules.mayBeLarger ? found >= size : found == size; };
  const bool ranked = rank == 2 || rank == 4 || (rank == 3 && rules.threeAxes);
  const bool batched = ranked && (rank == 2 || s[0] == 1 || s[0] == query.batch);
  const bool headed = batched && (rank != 4 || s[1] == 1 || (rules.eachHead && s[0] == query.batch && s[1] == query.heads));
  requireTiling(headed && fits(s[rank - 2], query.rows) && fits(s[rank - 1], keys),
                "the mask has shape " + shapeText(s) + ", which does not fit batch " + std::to_string(query.batch) + ", heads " +
                    std::to_string(query.heads) + ", rows " + std::to_string(query.rows) + ", keys " + std::to_string(keys));
}

namespace {

// The mask as [batch, heads, rows, keys], repeated where it has one.
View wholeMask(View mask, int64_t batch, int64_t heads) {
  if (!mask) return mask;
  while (mask.rank() < 4) {
    const bool hasBatch = mask.rank() == 3;
    mask.shape.insert(mask.shape.begin() + hasBatch, 1);
    mask.strides.insert(mask.strides.begin() + hasBatch, 0);
  }
  for (const auto &[axis, size] : {std::pair{size_t{0}, batch}, {size_t{1}, heads}}) {
    if (mask.shape[axis] == 1) mask.strides[axis] = 0;
    mask.shape[axis] = size;
  }
  return mask;
}

std::byte *elementOf(const View &view, int64_t a, int64_t b, int64_t c = 0, int64_t d = 0) {
  const int64_t offset = a * view.strides[0] + b * view.strides[1] + c * view.strides[2] + d * view.strides[3];
  return view.first<std::byte>() + offset * static_cast<int64_t>(view.elementSize());
}

Matrix headOf(const View &view, int64_t a, int64_t b, bool transposed = false) {
  const int64_t rows = view.strides[2], columns = view.strides[3];
  return {view.dtype, elementOf(view, a, b), transposed ? columns : rows, transposed ? rows : columns};
}

struct RowStatistics {
  float most, sum;
};

// Scores of keys [first, last) of a row become exponentials.
RowStatistics exponentiate(float *scores, const float *masked, int64_t first, int64_t last, bool repairs) {
  constexpr float lowest = std::numeric_limits<float>::lowest();
  bool hidden = first < last;
  float most = -std::numeric_limits<float>::infinity();
  for (int64_t j = first; j < last; ++j) {
    if (masked && masked[j] != 0) scores[j] = lowest;
    else hidden = false;
    most = scores[j] > most ? scores[j] : most;
  }
  if (hidden && repairs) {
    std::fill(scores + first, scores + last, 0.0f);
    return {most, 0};
  }
  for (int64_t j = first; j < last; ++j) scores[j] -= most;
  expRun(bestIsa(), scores + first, scores + first, last - first);
  double sum = 0;
  for (int64_t j = first; j < last; ++j) sum += scores[j];
  return {most, static_cast<float>(sum)};
}

int64_t lengthOf(const std::optional<std::vector<int64_t>> &lengths, int64_t batch, int64_t all) {
  if (!lengths) return all;
  return (*lengths)[lengths->size() == 1 ? 0 : static_cast<size_t>(batch)];
}

}  // namespace

void attend(const Attention &attention, const View &queryIn, const View &keyIn, const View &valueIn, const View &maskIn, const View &outIn,
            const View &most, const View &sum) {
  const View query = asHeads(queryIn, attention.layout, attention.heads), out = asHeads(outIn, attention.outLayout, attention.heads);
  const View key = asHeads(keyIn, attention.layout, attention.keyHeads), value = asHeads(valueIn, attention.layout, attention.keyHeads);
  const int64_t batch = query.shape[0], heads = query.shape[1], rows = query.shape[2], size = query.shape[3];
  const int64_t keys = key.shape[2], valueSize = value.shape[3], shared = heads / attention.keyHeads;
  const View mask = wholeMask(maskIn, batch, heads);
  const auto one = [&](int64_t index) {
    const int64_t b = index / heads, n = index % heads, m = n / shared;
    const auto line = [&](int64_t row) { return static_cast<size_t>(row * keys); };
    std::vector<float> scores(line(rows)), masked(static_cast<size_t>(mask ? keys : 0));
    gemm(bestIsa(), rows, keys, size, headOf(query, b, n), headOf(key, b, m, true),
         [&](int64_t row, int64_t column, int64_t count, const float *sums) {
           for (int64_t j = 0; j < count; ++j) scores[line(row) + static_cast<size_t>(column + j)] = attention.scale * sums[j];
         });
    std::vector<RowStatistics> found(static_cast<size_t>(rows));
    const int64_t validRows = lengthOf(attention.queryLengths, b, rows), validKeys = lengthOf(attention.keyLengths, b, keys);
    std::vector<uint16_t> rounded(scores.size());
    for (int64_t i = 0; i < rows; ++i) {
      int64_t first = 0, last = i < validRows ? validKeys : 0;
      if (mask) {
        first = std::clamp<int64_t>(i - attention.preTokens, 0, last);
        last = std::clamp<int64_t>(i + attention.nextTokens + 1, first, last);
        load(mask.dtype, elementOf(mask, b, n, i), mask.strides[3], keys, masked.data());
      }
      float *row = scores.data() + line(i);
      std::fill(row, row + first, 0.0f);
      std::fill(row + last, row + keys, 0.0f);
      found[static_cast<size_t>(i)] = exponentiate(row, mask ? masked.data() : nullptr, first, last, attention.repairsRows);
      if (value.dtype != ACL_FLOAT) store(value.dtype, rounded.data() + line(i), 1, keys, row);
    }
    const void *weights = value.dtype == ACL_FLOAT ? static_cast<const void *>(scores.data()) : rounded.data();
    gemm(bestIsa(), rows, valueSize, keys, {value.dtype, weights, keys, 1}, headOf(value, b, m),
         [&](int64_t row, int64_t column, int64_t count, const float *sums) {
           float values[128];  // a part of a row is no longer
           const float divisor = found[static_cast<size_t>(row)].sum;
           for (int64_t j = 0; j < count; ++j) values[j] = divisor == 0 ? 0 : sums[j] / divisor;
           store(out.dtype, elementOf(out, b, n, row, column), out.strides[3], count, values);
         });
    if (!most) return;
    for (int64_t i = 0; i < rows; ++i) {
      float maxima[8], totals[8];
      std::fill(maxima, maxima + 8, found[static_cast<size_t>(i)].most);
      std::fill(totals, totals + 8, found[static_cast<size_t>(i)].sum);
      store(ACL_FLOAT, elementOf(most, b, n, i), most.strides[3], 8, maxima);
      store(ACL_FLOAT, elementOf(sum, b, n, i), sum.strides[3], 8, totals);
    }
  };
  const int64_t count = batch * heads;
  if (count >= parallelThreads()) parallelFor(count, one);
  else for (int64_t i = 0; i < count; ++i) one(i);
}

}  // namespace emulator
