// Softmax and layer norm against double precision.
#include "op.h"

static const Layout layouts[] = {Layout::plain, Layout::transposed, Layout::spread};
static const aclDataType floats[] = {ACL_FLOAT, ACL_FLOAT16, ACL_BF16};
constexpr double softmaxUlps32 = 4, ulps16 = 0.52;

// Along the middle of [outer, n, inner].
static Values softmax(const Values &x, int64_t outer, int64_t n, int64_t inner) {
  Values y(x.size());
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      const auto at = [&](int64_t j) { return static_cast<size_t>((o * n + j) * inner + i); };
      double most = -INFINITY, sum = 0;
      for (int64_t j = 0; j < n; ++j) most = std::max(most, x[at(j)]);
      for (int64_t j = 0; j < n; ++j) sum += std::exp(x[at(j)] - most);
      for (int64_t j = 0; j < n; ++j) y[at(j)] = std::exp(x[at(j)] - most) / sum;
    }
  return y;
}

static void softmaxes() {
  for (const aclDataType dtype : floats)
    for (const Layout in : layouts)
      for (const Layout out : layouts) {
        const Values x = randoms(dtype, 3 * 5 * 7, 1, 10);
        const Device a(dtype, {3, 5, 7}, x, in), b(dtype, {3, 5, 7}, {}, out);
        const double ulps = dtype == ACL_FLOAT ? softmaxUlps32 : ulps16;
        // x - max is rounded: an error of 2^-24 * 20 in the exponent, relative in the result, which is below 1.
        const double absolute = 20 * 0x1p-24;
        RUN(aclnnSoftmax, a, -1, b);
        CHECK_CLOSE(b, softmax(x, 15, 7, 1), ulps, absolute);
        RUN(aclnnSoftmax, a, 1, b);
        CHECK_CLOSE(b, softmax(x, 3, 5, 7), ulps, absolute);
        RUN(aclnnSoftmax, a, 0, b);
        CHECK_CLOSE(b, softmax(x, 1, 3, 35), ulps, absolute);
      }
  const Device extreme(ACL_FLOAT, {3, 2}, {3e38, -3e38, -INFINITY, 1, NAN, 0}), out(ACL_FLOAT, {3, 2});
  RUN(aclnnSoftmax, extreme, 1, out);
  CHECK_EXACT(out, (Values{1, 0, 0, 1, NAN, NAN}));
  const Device wide(ACL_DOUBLE, {2}, {1, 2}), wideOut(ACL_DOUBLE, {2}), scalar(ACL_FLOAT, {}, {7}), one(ACL_FLOAT, {});
  RUN(aclnnSoftmax, wide, 0, wideOut);
  CHECK_CLOSE(wideOut, softmax({1, 2}, 1, 2, 1), 2);
  RUN(aclnnSoftmax, scalar, 0, one);
  CHECK_EXACT(one, (Values{1}));
  const Device empty(ACL_FLOAT, {2, 0}), emptyOut(ACL_FLOAT, {2, 0}), ints(ACL_INT32, {2});
  RUN(aclnnSoftmax, empty, 1, emptyOut);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "dim is 2; allowed: -2 to 1", aclnnSoftmax, extreme, 2, out);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "INT32", aclnnSoftmax, ints, 0, ints);
}

static void masked() {
  const Values mask{0, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0};  // [1, 1, 4, 3]; the third row is masked whole
  for (const aclDataType dtype : floats) {
    const Values x = randoms(dtype, 2 * 2 * 4 * 3, 9, 4);
    const Device a(dtype, {2, 2, 4, 3}, x, Layout::transposed), m(ACL_BOOL, {1, 1, 4, 3}, mask), y(dtype, {2, 2, 4, 3});
    RUN(aclnnScaledMaskedSoftmax, a, m, 0.125, false, y);
    Values filled;
    for (size_t i = 0; i < x.size(); ++i) filled.push_back(mask[i % 12] != 0 ? -10000 : x[i] * 0.125);
    CHECK_CLOSE(y, softmax(filled, 16, 3, 1), dtype == ACL_FLOAT ? softmaxUlps32 : ulps16, 4 * 0x1p-24);
    CHECK(std::fabs(y.read()[6] - 1.0 / 3) < 0x1p-8);
    CHECK(y.read()[1] == 0);
  }
  const Device x(ACL_FLOAT, {1, 1, 2, 2}), y(ACL_FLOAT, {1, 1, 2, 2}), view(ACL_FLOAT, {1, 1, 2, 2}, {}, Layout::spread), m(ACL_BOOL, {1, 1, 2, 2});
  REFUSED(ACLNN_ERR_PARAM_INVALID, "fixedTriuMask", aclnnScaledMaskedSoftmax, x, m, 1.0, true, y);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "not contiguous", aclnnScaledMaskedSoftmax, x, m, 1.0, false, view);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "mask has dtype FLOAT", aclnnScaledMaskedSoftmax, x, x, 1.0, false, y);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "rank 2", aclnnScaledMaskedSoftmax, Device(ACL_FLOAT, {2, 2}), m, 1.0, false, y);
}

struct Normed {
  Values y, mean, rstd;
};

static Normed norm(const Values &x, int64_t n, double eps, const Values &gamma, const Values &beta) {
  Normed r;
  for (size_t start = 0; start < x.size(); start += static_cast<size_t>(n)) {
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < n; ++i) mean += x[start + static_cast<size_t>(i)] / static_cast<double>(n);
    for (int64_t i = 0; i < n; ++i) variance += std::pow(x[start + static_cast<size_t>(i)] - mean, 2) / static_cast<double>(n);
    r.mean.push_back(mean);
    r.rstd.push_back(1 / std::sqrt(variance + eps));
    for (size_t i = 0; i < static_cast<size_t>(n); ++i) r.y.push_back((x[start + i] - mean) * r.rstd.back() * gamma[i] + beta[i]);
  }
  return r;
}

// fp32: the normalised value, the product and the sum round once each, at magnitudes below 4.
constexpr double normAbsolute = 3 * 0x1p-22;

static void layerNorms() {
  const Integers tail({5, 7}), last({35}), nothing({});
  for (const aclDataType dtype : floats)
    for (const aclDataType parameters : {dtype, ACL_FLOAT})
      for (const Layout layout : layouts) {
        const Values x = randoms(dtype, 3 * 35, 1, 3), gamma = randoms(parameters, 35, 2), beta = randoms(parameters, 35, 3);
        const Device in(dtype, {3, 5, 7}, x, layout), weight(parameters, {5, 7}, gamma), bias(parameters, {5, 7}, beta, layout);
        const Device out(dtype, {3, 5, 7}, {}, layout), mean(ACL_FLOAT, {3, 1, 1}), rstd(ACL_FLOAT, {3, 1, 1});
        const Normed expected = norm(x, 35, 1e-5, gamma, beta);
        const double ulps = dtype == ACL_FLOAT ? 1 : ulps16;
        RUN(aclnnLayerNorm, in, tail, weight, bias, 1e-5, out, mean, rstd);
        CHECK_CLOSE(out, expected.y, ulps, normAbsolute);
        CHECK_CLOSE(mean, expected.mean, 1);
        CHECK_CLOSE(rstd, expected.rstd, 1);
        RUN(aclnnLayerNormWithImplMode, in, tail, nullptr, nullptr, 1e-5, out, nullptr, nullptr, 0);
        CHECK_CLOSE(out, norm(x, 35, 1e-5, Values(35, 1), Values(35, 0)).y, ulps, normAbsolute);
      }
  const Device constant(ACL_FLOAT, {2, 3}, {5, 5, 5, 1, NAN, 2}), out(ACL_FLOAT, {2, 3});
  RUN(aclnnLayerNorm, constant, Integers({3}), nullptr, nullptr, 1e-5, out, nullptr, nullptr);
  CHECK_EXACT(out, (Values{0, 0, 0, NAN, NAN, NAN}));
  const Device empty(ACL_FLOAT, {0, 3}), emptyOut(ACL_FLOAT, {0, 3});
  RUN(aclnnLayerNorm, empty, Integers({3}), nullptr, nullptr, 1e-5, emptyOut, nullptr, nullptr);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "normalizedShape is [35]", aclnnLayerNorm, constant, last, nullptr, nullptr, 1e-5, out, nullptr, nullptr);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "normalizedShape is []", aclnnLayerNorm, constant, nothing, nullptr, nullptr, 1e-5, out, nullptr, nullptr);
  const Device half(ACL_FLOAT16, {3}), single(ACL_FLOAT, {2});
  REFUSED(ACLNN_ERR_PARAM_INVALID, "weightOptional has dtype FLOAT16", aclnnLayerNorm, constant, Integers({3}), half, nullptr, 1e-5, out, nullptr, nullptr);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "biasOptional has shape [2]", aclnnLayerNorm, constant, Integers({3}), nullptr, single, 1e-5, out, nullptr, nullptr);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "implMode is 3", aclnnLayerNormWithImplMode, constant, Integers({3}), nullptr, nullptr, 1e-5, out, nullptr, nullptr, 3);
  REFUSED(ACLNN_ERR_PARAM_NULLPTR, "normalizedShape", aclnnLayerNorm, constant, nullptr, nullptr, nullptr, 1e-5, out, nullptr, nullptr);
}

static void addLayerNorms() {
  for (const aclDataType dtype : floats)
    for (const bool withBias : {false, true}) {
      const Values a = randoms(dtype, 4 * 9, 1), b = randoms(dtype, 4 * 9, 2), c = randoms(dtype, 9, 3), gamma = randoms(dtype, 9, 4), beta = randoms(dtype, 9, 5);
      const Device x1(dtype, {2, 2, 9}, a), x2(dtype, {2, 2, 9}, b), bias(dtype, {9}, c), g(dtype, {9}, gamma), s(dtype, {9}, beta);
      const Device y(dtype, {2, 2, 9}), mean(ACL_FLOAT, {2, 2, 1}), rstd(ACL_FLOAT, {2, 2, 1}), x(dtype, {2, 2, 9});
      Values sum;
      for (size_t i = 0; i < a.size(); ++i) sum.push_back(a[i] + b[i] + (withBias ? c[i % 9] : 0));
      RUN(aclnnAddLayerNorm, x1, x2, g, s, withBias ? static_cast<aclTensor *>(bias) : nullptr, 1e-5, true, y, mean, rstd, x);
      const Normed expected = norm(sum, 9, 1e-5, gamma, beta);
      const double ulps = dtype == ACL_FLOAT ? 2 : ulps16;
      CHECK_CLOSE(y, expected.y, ulps, 4 * normAbsolute);
      CHECK_CLOSE(mean, expected.mean, 2, 0x1p-24);
      CHECK_CLOSE(rstd, expected.rstd, 4);
      CHECK_CLOSE(x, sum, ulps, 0x1p-23);
    }
  const Device a(ACL_FLOAT, {2, 3}), g(ACL_FLOAT, {3}), s(ACL_FLOAT, {2, 1}), empty(ACL_FLOAT, {0, 3}), half(ACL_FLOAT16, {2, 1});
  REFUSED(ACLNN_ERR_PARAM_INVALID, "x1 is empty", aclnnAddLayerNorm, empty, empty, g, g, nullptr, 1e-5, false, empty, s, s, empty);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "meanOut has dtype FLOAT16", aclnnAddLayerNorm, a, a, g, g, nullptr, 1e-5, false, a, half, s, a);
  REFUSED(ACLNN_ERR_PARAM_NULLPTR, "rstdOut", aclnnAddLayerNorm, a, a, g, g, nullptr, 1e-5, false, a, s, nullptr, a);
}

int main() {
  Session session;
  softmaxes();
  masked();
  layerNorms();
  addLayerNorms();
}
