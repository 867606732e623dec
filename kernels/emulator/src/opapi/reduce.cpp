// Reductions and checks: aclnnReduceSum, aclnnMaxDim, aclnnIsFinite.
#include <algorithm>
#include <cmath>

#include "rows.h"

namespace emulator {
namespace {

// The reduced axes last, so that what is summed is a tail; out keeps the order of the others.
View reducedLast(const View &view, const std::vector<bool> &reduced) {
  View result = view;
  result.shape.clear();
  result.strides.clear();
  for (const bool wanted : {false, true})
    for (size_t axis = 0; axis < reduced.size(); ++axis)
      if (reduced[axis] == wanted) {
        result.shape.push_back(view.shape[axis]);
        result.strides.push_back(view.strides[axis]);
      }
  return result;
}

// Floating sums are kept in double and rounded once (assumption: the 910B's order and accumulator are not
// published); integers wrap.
template <class T>
void sum(const View &in, const View &out, const std::vector<bool> &reduced) {
  const View lines = reducedLast(in, reduced);
  const auto kept = static_cast<size_t>(std::count(reduced.begin(), reduced.end(), false));
  View starts = lines;
  starts.shape.resize(kept);
  starts.strides.resize(kept);
  const int64_t length = numel({lines.shape.begin() + static_cast<int64_t>(kept), lines.shape.end()});
  forEachLine(starts.numel(), length, [&](int64_t i) {
    std::vector<T> line(static_cast<size_t>(length));
    if (length > 0) loadTail(lines, elementAt(starts, i), kept, line.data());
    if constexpr (std::is_integral_v<T>) {
      uint64_t total = 0;
      for (const T x : line) total += static_cast<uint64_t>(x);
      const auto result = static_cast<T>(total);
      store(out.dtype, elementAt(out, i), 1, 1, &result);
    } else {
      double total = 0;
      for (const T x : line) total += x;
      const auto result = static_cast<T>(total);
      store(out.dtype, elementAt(out, i), 1, 1, &result);
    }
  });
}

// The first of equal maxima; NaN is above everything, the first NaN wins (as PyTorch).
template <class T>
void maximum(const View &in, int64_t axis, const View &out, const View &indices) {
  const View starts = dropAxis(in, axis);
  const auto at = static_cast<size_t>(axis);
  const int64_t n = in.shape.empty() ? 1 : in.shape[at], stride = in.shape.empty() ? 1 : in.strides[at];
  forEachLine(starts.numel(), n, [&](int64_t i) {
    std::vector<T> line(static_cast<size_t>(n));
    load(in.dtype, elementAt(starts, i), stride, n, line.data());
    int64_t best = 0;
    for (int64_t j = 1; j < n; ++j) {
      const T challenger = line[static_cast<size_t>(j)], holder = line[static_cast<size_t>(best)];
      if (holder == holder && (challenger > holder || challenger != challenger)) best = j;
    }
    store(out.dtype, elementAt(out, i), 1, 1, &line[static_cast<size_t>(best)]);
    store(indices.dtype, elementAt(indices, i), 1, 1, &best);
  });
}

Shape reducedShape(const Shape &shape, const std::vector<bool> &reduced, bool keep) {
  Shape result;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!reduced[axis]) result.push_back(shape[axis]);
    else if (keep) result.push_back(1);
  }
  return result;
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

aclnnStatus aclnnIsFiniteGetWorkspaceSize(const aclTensor *self, aclTensor *out, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"self", self}, {"out", out}});
    requireRank("self", self, 0, mostAxes);
    requireDtype("self", self, realDtypes);
    requireDtype("out", out, {ACL_BOOL});
    requireShape("out", out, get(self).shape);
    return {{self}, {out}, 0, [](const Views &in, const Views &outs, std::byte *) {
              withNumber(in[0].dtype, [&](auto number) {
                using T = decltype(number);
                elementwise<T>(in, outs[0], [](int64_t n, const T *const *x, T *y) {
                  for (int64_t i = 0; i < n; ++i) y[i] = std::is_integral_v<T> || std::isfinite(static_cast<double>(x[0][i]));
                });
              });
            }};
  });
}
EMULATOR_PHASE_TWO(aclnnIsFinite)

// Summed in the wider of self's dtype and dtype; a floating sum is not converted to an integer (assumption). No dims: all of them. An empty sum is 0, so an empty self is not an empty result.
// The workspace, 32 bytes for each value of the result, is asked for so that callers handle one.
aclnnStatus aclnnReduceSumGetWorkspaceSize(const aclTensor *self, const aclIntArray *dims, bool keepDims, aclDataType dtype, aclTensor *out,
                                           uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"self", self}, {"dims", dims}, {"out", out}});
    requireRank("self", self, 0, mostAxes);
    requireDtype("self", self, realDtypes);
    requireDtype("out", out, realDtypes);
    require(get(out).dtype == dtype, std::string("out has dtype ") + dtypeName(get(out).dtype) + "; dtype asks for " + dtypeName(dtype));
    requireStorable(promote(get(self).dtype, dtype), "out", out);
    const Shape &shape = get(self).shape;
    std::vector<bool> reduced(shape.size(), get(dims).empty());
    for (const int64_t dim : get(dims)) {
      const auto axis = static_cast<size_t>(requireAxis("dims", dim, get(self).rank()));
      if (shape.empty()) continue;
      require(!reduced[axis], "dims " + shapeText(get(dims)) + " names an axis twice");
      reduced[axis] = true;
    }
    requireShape("out", out, reducedShape(shape, reduced, keepDims));
    return {{self}, {out}, static_cast<uint64_t>(get(out).numel()) * 32, [reduced](const Views &in, const Views &outs, std::byte *) {
              withNumber(promote(in[0].dtype, outs[0].dtype), [&](auto number) { sum<decltype(number)>(in[0], outs[0], reduced); });
            }};
  });
}
EMULATOR_PHASE_TWO(aclnnReduceSum)

aclnnStatus aclnnMaxDimGetWorkspaceSize(const aclTensor *self, int64_t dim, bool keepdim, aclTensor *out, aclTensor *indices,
                                        uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"self", self}, {"out", out}, {"indices", indices}});
    requireRank("self", self, 0, mostAxes);
    requireDtype("self", self, realDtypes);
    requireSameDtype("self", self, "out", out);
    requireDtype("indices", indices, {ACL_INT32, ACL_INT64});
    const Shape &shape = get(self).shape;
    const int64_t axis = requireAxis("dim", dim, get(self).rank());
    std::vector<bool> reduced(shape.size());
    if (!shape.empty()) {
      reduced[static_cast<size_t>(axis)] = true;
    }
    const Shape expected = reducedShape(shape, reduced, keepdim);
    require(numel(expected) == 0 || get(self).numel() > 0, "self has shape " + shapeText(shape) + ": there is no maximum along dim");
    requireShape("out", out, expected);
    requireShape("indices", indices, expected);
    return {{self}, {out, indices}, 0, [axis](const Views &in, const Views &outs, std::byte *) {
              withNumber(in[0].dtype, [&](auto number) { maximum<decltype(number)>(in[0], axis, outs[0], outs[1]); });
            }};
  });
}
EMULATOR_PHASE_TWO(aclnnMaxDim)

}  // extern "C"
