// aclnnSoftmax and aclnnScaledMaskedSoftmax.
//
// Assumption: fp16 and bf16 lines are computed in fp32 and rounded once (README.md section 8 leaves it open). The
// sum is taken in double, so that the error is that of exp and one division.
#include <algorithm>
#include <cmath>
#include <limits>

#include "../numerics/functions.h"
#include "rows.h"

namespace emulator {
namespace {

void exponentials(float *x, int64_t n) { expRun(bestIsa(), x, x, n); }
void exponentials(double *x, int64_t n) { std::transform(x, x + n, x, [](double v) { return std::exp(v); }); }

// NaN anywhere makes the line NaN, as does an infinite maximum: inf - inf.
template <class T>
void softmaxLine(T *x, int64_t n) {
  T most = -std::numeric_limits<T>::infinity();
  for (int64_t i = 0; i < n; ++i) most = x[i] > most ? x[i] : most;
  for (int64_t i = 0; i < n; ++i) x[i] -= most;
  exponentials(x, n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(x[i] / sum);
}

template <class T>
void softmax(const View &in, const View &out, int64_t axis) {
  const View inStarts = dropAxis(in, axis), outStarts = dropAxis(out, axis);
  const bool scalar = in.shape.empty();
  const auto at = static_cast<size_t>(axis);
  const int64_t n = scalar ? 1 : in.shape[at], inStride = scalar ? 1 : in.strides[at], outStride = scalar ? 1 : out.strides[at];
  forEachLine(inStarts.numel(), n, [&](int64_t i) {
    std::vector<T> line(static_cast<size_t>(n));
    load(in.dtype, elementAt(inStarts, i), inStride, n, line.data());
    softmaxLine(line.data(), n);
    store(out.dtype, elementAt(outStarts, i), outStride, n, line.data());
  });
}

// The documents give the mask as a product; the meaning is a fill. The value, -10000 after scaling, is an
// assumption; a wholly masked row is uniform either way.
constexpr float maskedValue = -10000.0f;

void maskedSoftmax(const View &x, const View &mask, const View &y, float scale) {
  View broadcastMask = mask;
  broadcastMask.strides = broadcastStrides(mask.shape, mask.strides, x.shape);
  broadcastMask.shape = x.shape;
  const View xStarts = dropAxis(x, 3), maskStarts = dropAxis(broadcastMask, 3), yStarts = dropAxis(y, 3);
  const int64_t n = x.shape[3];
  forEachLine(xStarts.numel(), n, [&](int64_t i) {
    std::vector<float> line(static_cast<size_t>(n)), masked(static_cast<size_t>(n));
    load(x.dtype, elementAt(xStarts, i), x.strides[3], n, line.data());
    load(mask.dtype, elementAt(maskStarts, i), broadcastMask.strides[3], n, masked.data());
    for (size_t j = 0; j < line.size(); ++j) line[j] = masked[j] != 0 ? maskedValue : line[j] * scale;
    softmaxLine(line.data(), n);
    store(y.dtype, elementAt(yStarts, i), y.strides[3], n, line.data());
  });
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

aclnnStatus aclnnSoftmaxGetWorkspaceSize(const aclTensor *self, int64_t dim, aclTensor *out, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"self", self}, {"out", out}});
    requireRank("self", self, 0, mostAxes);
    requireDtype("self", self, {ACL_FLOAT, ACL_FLOAT16, ACL_BF16, ACL_DOUBLE});
    requireDtype("out", out, {ACL_FLOAT, ACL_FLOAT16, ACL_BF16, ACL_DOUBLE});
    requireShape("out", out, get(self).shape);
    const int64_t axis = requireAxis("dim", dim, get(self).rank());
    return {{self}, {out}, 0, [axis](const Views &in, const Views &outs, std::byte *) {
              if (in[0].dtype == ACL_DOUBLE) softmax<double>(in[0], outs[0], axis);
              else softmax<float>(in[0], outs[0], axis);
            }};
  });
}
EMULATOR_PHASE_TWO(aclnnSoftmax)

// The mask's first two axes may be 1 (assumption: as the fused kernel's).
aclnnStatus aclnnScaledMaskedSoftmaxGetWorkspaceSize(const aclTensor *x, const aclTensor *mask, double scale, bool fixedTriuMask, aclTensor *y,
                                                     uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"x", x}, {"mask", mask}, {"y", y}});
    requireRank("x", x, 4, 4);
    requireRank("mask", mask, 4, 4);
    requireDtype("x", x, {ACL_FLOAT, ACL_FLOAT16, ACL_BF16});
    requireDtype("mask", mask, {ACL_BOOL});
    requireSameDtype("x", x, "y", y);
    requireShape("y", y, get(x).shape);
    requireContiguous("y", y);
    require(!fixedTriuMask, "fixedTriuMask is true; allowed: false");
    const Shape &shape = get(x).shape, &masks = get(mask).shape;
    const bool fits = (masks[0] == shape[0] || masks[0] == 1) && (masks[1] == shape[1] || masks[1] == 1) && masks[2] == shape[2] && masks[3] == shape[3];
    require(fits, "mask has shape " + shapeText(masks) + "; expected: " + shapeText(shape) + ", the first two sizes of which may be 1");
    return {{x, mask}, {y}, 0, [scale](const Views &in, const Views &out, std::byte *) {
              maskedSoftmax(in[0], in[1], out[0], static_cast<float>(scale));
            }};
  });
}
EMULATOR_PHASE_TWO(aclnnScaledMaskedSoftmax)

}  // extern "C"
