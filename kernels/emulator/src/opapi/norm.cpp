// aclnnLayerNorm, aclnnLayerNormWithImplMode, aclnnAddLayerNorm.
//
// Assumptions: fp16 and bf16 are computed in fp32; mean and variance in double, two passes, so that the order of
// summation does not show; every implMode computes alike.
#include <algorithm>
#include <cmath>

#include "rows.h"

namespace emulator {
namespace {

struct Statistics {
  float mean, rstd;
};

Statistics normalise(std::vector<float> &line, double eps, const std::vector<float> &gamma, const std::vector<float> &beta) {
  double sum = 0, squares = 0;
  for (const float x : line) sum += x;
  const double mean = sum / static_cast<double>(line.size());
  for (const float x : line) squares += (x - mean) * (x - mean);
  const double rstd = 1 / std::sqrt(squares / static_cast<double>(line.size()) + eps);
  for (size_t i = 0; i < line.size(); ++i) {
    const float scaled = static_cast<float>((line[i] - mean) * rstd) * (gamma.empty() ? 1.0f : gamma[i]);
    line[i] = beta.empty() ? scaled : scaled + beta[i];
  }
  return {static_cast<float>(mean), static_cast<float>(rstd)};
}

std::vector<float> parameter(const View &view) {
  std::vector<float> values(view ? static_cast<size_t>(view.numel()) : 0);
  if (view) loadTail(view, view.first<std::byte>(), 0, values.data());
  return values;
}

// The leading axes of a view: where its lines start. [A.., 1..] for the statistics too.
View leading(View view, size_t axes) {
  view.shape.resize(axes);
  view.strides.resize(axes);
  return view;
}

void storeStatistic(const View &view, size_t axes, int64_t line, float value) {
  if (view) store(view.dtype, elementAt(leading(view, axes), line), 1, 1, &value);
}

// fill(line, numbers) reads a line.
template <class Fill>
void normaliseLines(const Shape &shape, size_t axes, double eps, const View &gamma, const View &beta, const View &out, const View &mean,
                    const View &rstd, Fill fill) {
  const std::vector<float> scales = parameter(gamma), shifts = parameter(beta);
  const int64_t lines = numel({shape.begin(), shape.begin() + static_cast<int64_t>(axes)});
  const int64_t length = numel({shape.begin() + static_cast<int64_t>(axes), shape.end()});
  const View starts = leading(out, axes);
  forEachLine(lines, length, [&](int64_t i) {
    std::vector<float> line(static_cast<size_t>(length));
    fill(i, line.data());
    const Statistics found = normalise(line, eps, scales, shifts);
    storeTail(out, elementAt(starts, i), axes, line.data());
    storeStatistic(mean, axes, i, found.mean);
    storeStatistic(rstd, axes, i, found.rstd);
  });
}

Shape statisticShape(Shape shape, size_t axes) {
  std::fill(shape.begin() + static_cast<int64_t>(axes), shape.end(), 1);
  return shape;
}

void requireParameter(const char *name, const aclTensor *tensor, const aclTensor *input, const Shape &expected) {
  if (!tensor) return;
  requireDtype(name, tensor, {get(input).dtype, ACL_FLOAT});
  requireShape(name, tensor, expected);
}

Plan layerNormPlan(const aclTensor *input, const aclIntArray *normalizedShape, const aclTensor *weight, const aclTensor *bias, double eps,
                   aclTensor *out, aclTensor *mean, aclTensor *rstd) {
  requireNotNull({{"input", input}, {"normalizedShape", normalizedShape}, {"out", out}});
  requireRank("input", input, 1, mostAxes);
  requireDtype("input", input, {ACL_FLOAT, ACL_FLOAT16, ACL_BF16});
  requireSameDtype("input", input, "out", out);
  const Shape &shape = get(input).shape, &tail = get(normalizedShape);
  const bool fits = !tail.empty() && tail.size() <= shape.size() && std::equal(tail.rbegin(), tail.rend(), shape.rbegin());
  require(fits, "normalizedShape is " + shapeText(tail) + "; expected: the last sizes of input's shape " + shapeText(shape));
  const size_t axes = shape.size() - tail.size();
  requireParameter("weightOptional", weight, input, tail);
  requireParameter("biasOptional", bias, input, tail);
  if (weight && bias) requireSameDtype("weightOptional", weight, "biasOptional", bias);
  requireShape("out", out, shape);
  for (const auto &[name, tensor] : {std::pair{"meanOutOptional", mean}, {"rstdOutOptional", rstd}}) {
    if (!tensor) continue;
    requireDtype(name, tensor, {ACL_FLOAT, ACL_FLOAT16, ACL_BF16});
    requireShape(name, tensor, statisticShape(shape, axes));
  }
  return {{input, weight, bias}, {out, mean, rstd}, 0, [axes, eps](const Views &in, const Views &outs, std::byte *) {
            const View starts = leading(in[0], axes);
            normaliseLines(in[0].shape, axes, eps, in[1], in[2], outs[0], outs[1], outs[2],
                           [&](int64_t i, float *line) { loadTail(in[0], elementAt(starts, i), axes, line); });
          }};
}

// x1 + x2 (+ bias) and its norm over the last axis. The sum is normalised as computed, before xOut rounds it
// (assumption).
void addLayerNorm(const Views &in, const Views &out, double eps, bool writeSum) {
  const size_t axes = in[0].shape.size() - 1;
  const View &sumOut = out[3];
  const int64_t length = in[0].shape.back();
  View bias = in[4];
  if (bias) {
    bias.strides = broadcastStrides(bias.shape, bias.strides, in[0].shape);
    bias.shape = in[0].shape;
  }
  normaliseLines(in[0].shape, axes, eps, in[2], in[3], out[0], out[1], out[2], [&](int64_t i, float *line) {
    std::vector<float> term(static_cast<size_t>(length));
    loadTail(in[0], elementAt(leading(in[0], axes), i), axes, line);
    for (const View *view : {&in[1], static_cast<const View *>(&bias)}) {
      if (!*view) continue;
      loadTail(*view, elementAt(leading(*view, axes), i), axes, term.data());
      for (size_t j = 0; j < term.size(); ++j) line[j] += term[j];
    }
    if (writeSum) storeTail(sumOut, elementAt(leading(sumOut, axes), i), axes, line);
  });
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

aclnnStatus aclnnLayerNormGetWorkspaceSize(const aclTensor *input, const aclIntArray *normalizedShape, const aclTensor *weightOptional,
                                           const aclTensor *biasOptional, double eps, aclTensor *out, aclTensor *meanOutOptional,
                                           aclTensor *rstdOutOptional, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    return layerNormPlan(input, normalizedShape, weightOptional, biasOptional, eps, out, meanOutOptional, rstdOutOptional);
  });
}
EMULATOR_PHASE_TWO(aclnnLayerNorm)

aclnnStatus aclnnLayerNormWithImplModeGetWorkspaceSize(const aclTensor *input, const aclIntArray *normalizedShape, const aclTensor *weightOptional,
                                                       const aclTensor *biasOptional, double eps, aclTensor *out, aclTensor *meanOutOptional,
                                                       aclTensor *rstdOutOptional, int32_t implMode, uint64_t *workspaceSize,
                                                       aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    require(implMode >= 0 && implMode <= 2, "implMode is " + std::to_string(implMode) + "; allowed: 0 to 2");
    return layerNormPlan(input, normalizedShape, weightOptional, biasOptional, eps, out, meanOutOptional, rstdOutOptional);
  });
}
EMULATOR_PHASE_TWO(aclnnLayerNormWithImplMode)

// Mixed dtypes: x1 and x2 of any of the three, the outputs of their promotion; gamma, beta and bias alike or fp32.
// The workspace, a line of fp32, is asked for as the 910B's kernel asks for one.
aclnnStatus aclnnAddLayerNormGetWorkspaceSize(const aclTensor *x1, const aclTensor *x2, const aclTensor *gamma, const aclTensor *beta,
                                              const aclTensor *biasOptional, double epsilon, bool additionalOutput, const aclTensor *yOut,
                                              const aclTensor *meanOut, const aclTensor *rstdOut, const aclTensor *xOut,
                                              uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"x1", x1}, {"x2", x2}, {"gamma", gamma}, {"beta", beta}, {"yOut", yOut}, {"meanOut", meanOut}, {"rstdOut", rstdOut}, {"xOut", xOut}});
    requireRank("x1", x1, 1, mostAxes);
    requireDtype("x1", x1, {ACL_FLOAT, ACL_FLOAT16, ACL_BF16});
    requireDtype("x2", x2, {ACL_FLOAT, ACL_FLOAT16, ACL_BF16});
    const Shape &shape = get(x1).shape;
    const Shape tail{shape.back()}, statistics = statisticShape(shape, shape.size() - 1);
    for (const auto &[name, tensor] : {std::pair{"x1", x1}, {"x2", x2}, {"gamma", gamma}, {"beta", beta}})
      require(get(tensor).numel() > 0, std::string(name) + " is empty: " + shapeText(get(tensor).shape));
    requireShape("x2", x2, shape);
    const aclDataType promoted = promote(get(x1).dtype, get(x2).dtype);
    for (const auto &[name, tensor] : {std::pair{"gamma", gamma}, {"beta", beta}}) {
      requireDtype(name, tensor, {promoted, ACL_FLOAT});
      requireShape(name, tensor, tail);
    }
    if (biasOptional) {
      requireDtype("biasOptional", biasOptional, {promoted, ACL_FLOAT});
      const Shape &found = get(biasOptional).shape;
      require(found == tail || found == shape, "biasOptional has shape " + shapeText(found) + "; expected: " + shapeText(tail) + " or " + shapeText(shape));
    }
    for (const auto &[name, tensor] : {std::pair{"yOut", yOut}, {"xOut", xOut}}) {
      requireDtype(name, tensor, {promoted});
      requireShape(name, tensor, shape);
    }
    for (const auto &[name, tensor] : {std::pair{"meanOut", meanOut}, {"rstdOut", rstdOut}}) {
      requireDtype(name, tensor, {ACL_FLOAT});
      requireShape(name, tensor, statistics);
    }
    return {{x1, x2, gamma, beta, biasOptional}, {yOut, meanOut, rstdOut, xOut}, static_cast<uint64_t>(shape.back()) * 4,
            [epsilon, additionalOutput](const Views &in, const Views &out, std::byte *) { addLayerNorm(in, out, epsilon, additionalOutput); }};
  });
}
EMULATOR_PHASE_TWO(aclnnAddLayerNorm)

}  // extern "C"
