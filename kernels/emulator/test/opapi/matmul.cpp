// The matrix products against triple loops in double precision.
#include "op.h"

static const Layout layouts[] = {Layout::plain, Layout::transposed, Layout::spread};

// [batch, m, k] x [batch, k, n] in double precision, inputs rounded by f.
static Values product(const Values &a, const Values &b, int64_t batch, int64_t m, int64_t n, int64_t k, double (*f)(double) = nullptr) {
  Values out;
  for (int64_t s = 0; s < batch; ++s)
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t p = 0; p < k; ++p) {
          const double x = a[static_cast<size_t>((s * m + i) * k + p)], y = b[static_cast<size_t>((s * k + p) * n + j)];
          sum += f ? f(x) * f(y) : x * y;
        }
        out.push_back(sum);
      }
  return out;
}

// Terms are below 1: a sum of k of them in fp32 is off by k 2^-24 at most per addition of a value up to k; the
// result is rounded once more to its format.
static double sumError(int64_t k) { return static_cast<double>(k) * 0x1p-24 * std::sqrt(static_cast<double>(k)); }
constexpr double ulps = 0.51;

static void products() {
  const int64_t m = 17, n = 35, k = 67;
  for (const aclDataType dtype : {ACL_FLOAT, ACL_FLOAT16, ACL_BF16}) {
    const Values a = randoms(dtype, 3 * m * k, 1), b = randoms(dtype, 3 * k * n, 2);
    const Values a1(a.begin(), a.begin() + m * k), b1(b.begin(), b.begin() + k * n);
    for (const Layout in : layouts)
      for (const Layout out : layouts) {
        const Device x(dtype, {m, k}, a1, in), y(dtype, {k, n}, b1, in), z(dtype, {m, n}, {}, out);
        RUN(aclnnMatmul, x, y, z, 0);
        CHECK_CLOSE(z, product(a1, b1, 1, m, n, k), ulps, sumError(k));
        RUN(aclnnMm, x, y, z, 4);
        CHECK_CLOSE(z, product(a1, b1, 1, m, n, k), ulps, sumError(k));
        const Device xs(dtype, {3, m, k}, a, in), ys(dtype, {3, k, n}, b, in), zs(dtype, {3, m, n}, {}, out);
        RUN(aclnnBatchMatMul, xs, ys, zs, 0);
        CHECK_CLOSE(zs, product(a, b, 3, m, n, k), ulps, sumError(k));
        RUN(aclnnMatmul, xs, ys, zs, 0);
        CHECK_CLOSE(zs, product(a, b, 3, m, n, k), ulps, sumError(k));
      }
    // A matrix meets each of a batch; fp16 and bf16 may leave fp32.
    const Device xs(dtype, {3, 1, m, k}, a), y(dtype, {k, n}, b1), z(ACL_FLOAT, {3, 1, m, n});
    RUN(aclnnMatmul, xs, y, z, 0);
    Values repeated;
    for (int i = 0; i < 3; ++i) repeated.insert(repeated.end(), b1.begin(), b1.end());
    CHECK_CLOSE(z, product(a, repeated, 3, m, n, k), ulps, sumError(k));
  }
  const Device v(ACL_FLOAT, {3}, {1, 2, 3}), w(ACL_FLOAT, {3}, {4, 5, 6}), dot(ACL_FLOAT, {});
  RUN(aclnnMatmul, v, w, dot, 0);
  CHECK_EXACT(dot, (Values{32}));
  const Device matrix(ACL_FLOAT, {2, 3}, {1, 2, 3, 4, 5, 6}), column(ACL_FLOAT, {2}), square(ACL_FLOAT, {3, 2}, {1, 2, 3, 4, 5, 6}), row(ACL_FLOAT, {2});
  RUN(aclnnMatmul, matrix, v, column, 0);
  CHECK_EXACT(column, (Values{14, 32}));
  RUN(aclnnMatmul, v, square, row, 0);
  CHECK_EXACT(row, (Values{22, 28}));

  const Device none(ACL_FLOAT, {2, 0}), none2(ACL_FLOAT, {0, 2}), zeros(ACL_FLOAT, {2, 2});
  RUN(aclnnMatmul, none, none2, zeros, 0);
  CHECK_EXACT(zeros, (Values{0, 0, 0, 0}));
  const Device empty(ACL_FLOAT, {0, 0});
  RUN(aclnnMatmul, none2, Device(ACL_FLOAT, {2, 0}), empty, 0);
  const Device extreme(ACL_FLOAT16, {1, 2}, {60000, 60000}), ones(ACL_FLOAT16, {2, 2}, {1, 1, 1, -1}), result(ACL_FLOAT16, {1, 2});
  RUN(aclnnMm, extreme, ones, result, 0);
  CHECK_EXACT(result, (Values{INFINITY, 0}));
  const Device nan(ACL_FLOAT, {1, 2}, {NAN, 1}), unit(ACL_FLOAT, {2, 2}, {1, 0, 0, 1}), spread(ACL_FLOAT, {1, 2});
  RUN(aclnnMm, nan, unit, spread, 0);
  CHECK_EXACT(spread, (Values{NAN, NAN}));
}

static double toHf32(double x) { return x == 0 ? 0 : std::ldexp(std::nearbyint(std::ldexp(x, 11 - std::ilogb(x))), std::ilogb(x) - 11); }
static double toHalf(double x) { return rounded(ACL_FLOAT16, x); }

static void mathTypes() {
  const int64_t m = 5, n = 7, k = 33;
  const Values a = randoms(ACL_FLOAT, m * k, 5), b = randoms(ACL_FLOAT, k * n, 6);
  const Device x(ACL_FLOAT, {m, k}, a), y(ACL_FLOAT, {k, n}, b), z(ACL_FLOAT, {m, n});
  for (const int8_t hf32 : {int8_t{1}, int8_t{3}}) {
    RUN(aclnnMatmul, x, y, z, hf32);
    CHECK_CLOSE(z, product(a, b, 1, m, n, k, toHf32), ulps, sumError(k));
  }
  RUN(aclnnMatmul, x, y, z, 2);
  CHECK_CLOSE(z, product(a, b, 1, m, n, k, toHalf), ulps, sumError(k));
}

static void sums() {
  const int64_t m = 9, n = 11, k = 13;
  const Scalar beta(0.5f), alpha(2.0f), zero(0.0f), one(1.0f);
  for (const aclDataType dtype : {ACL_FLOAT, ACL_FLOAT16, ACL_BF16}) {
    const Values a = randoms(dtype, 3 * m * k, 1), b = randoms(dtype, 3 * k * n, 2), bias = randoms(dtype, n, 3), full = randoms(dtype, 3 * m * n, 4);
    const Values a1(a.begin(), a.begin() + m * k), b1(b.begin(), b.begin() + k * n), full1(full.begin(), full.begin() + m * n);
    const Device x(dtype, {m, k}, a1, Layout::transposed), y(dtype, {k, n}, b1, Layout::transposed), xs(dtype, {3, m, k}, a), ys(dtype, {3, k, n}, b);
    const Device line(dtype, {n}, bias), z(dtype, {m, n}, {}, Layout::transposed);
    const Values single = product(a1, b1, 1, m, n, k), batched = product(a, b, 3, m, n, k);

    Values expected;
    for (size_t i = 0; i < single.size(); ++i) expected.push_back(0.5 * bias[i % static_cast<size_t>(n)] + 2 * single[i]);
    RUN(aclnnAddmm, line, x, y, beta, alpha, z, 0);
    CHECK_CLOSE(z, expected, ulps, 4 * sumError(k));
    for (size_t i = 0; i < single.size(); ++i) expected[i] = 0.5 * full1[i] + 2 * single[i];
    const Device inplace(dtype, {m, n}, full1, Layout::spread);
    RUN(aclnnInplaceAddmm, inplace, x, y, beta, alpha, 0);
    CHECK_CLOSE(inplace, expected, ulps, 4 * sumError(k));

    expected.clear();
    for (size_t i = 0; i < batched.size(); ++i) expected.push_back(0.5 * full[i] + 2 * batched[i]);
    const Device self(dtype, {3, m, n}, full), out(dtype, {3, m, n});
    RUN(aclnnBaddbmm, self, xs, ys, beta, alpha, out, 0);
    CHECK_CLOSE(out, expected, ulps, 4 * sumError(k));

    expected.assign(single.size(), 0);
    for (size_t i = 0; i < batched.size(); ++i) expected[i % single.size()] += 2 * batched[i];
    for (size_t i = 0; i < expected.size(); ++i) expected[i] += 0.5 * bias[i % static_cast<size_t>(n)];
    RUN(aclnnAddbmm, line, xs, ys, beta, alpha, z, 0);
    CHECK_CLOSE(z, expected, ulps, 12 * sumError(k));
  }
  const Device unknown(ACL_FLOAT, {2}, {NAN, NAN}), unit(ACL_FLOAT, {2, 2}, {1, 0, 0, 1}), out(ACL_FLOAT, {2, 2});
  RUN(aclnnAddmm, unknown, unit, unit, zero, one, out, 0);  // beta 0 does not read
  CHECK_EXACT(out, (Values{1, 0, 0, 1}));
}

static void refusals() {
  const Device a(ACL_FLOAT, {2, 3}), b(ACL_FLOAT, {3, 4}), c(ACL_FLOAT, {2, 4}), wrong(ACL_FLOAT, {4, 2}), ints(ACL_INT32, {2, 3}), half(ACL_FLOAT16, {2, 4});
  const Device scalar(ACL_FLOAT, {}, {1}), deep(ACL_FLOAT, {1, 1, 1, 1, 1, 1, 1}), wide(ACL_DOUBLE, {2, 4}), batch(ACL_FLOAT, {2, 2, 3});
  const Scalar one(1.0f);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "inner sizes are 3 and 2", aclnnMatmul, a, a, c, 0);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "out has shape [4, 2]; expected: [2, 4]", aclnnMatmul, a, b, wrong, 0);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "self has dtype INT32", aclnnMatmul, ints, b, c, 0);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "out has dtype FLOAT16", aclnnMatmul, a, b, half, 0);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "out has dtype DOUBLE", aclnnMatmul, a, b, wide, 0);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "cubeMathType is 5", aclnnMatmul, a, b, c, 5);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "rank 0", aclnnMatmul, scalar, b, c, 0);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "rank 7", aclnnMatmul, deep, deep, deep, 0);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "rank 3; allowed: 2", aclnnMm, batch, b, c, 0);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "rank 2; allowed: 3", aclnnBatchMatMul, a, b, c, 0);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "does not broadcast", aclnnAddmm, Device(ACL_FLOAT, {2, 2, 4}), a, b, one, one, c, 0);
  REFUSED(ACLNN_ERR_PARAM_NULLPTR, "beta", aclnnAddmm, c, a, b, nullptr, one, c, 0);
  REFUSED(ACLNN_ERR_PARAM_NULLPTR, "mat2", aclnnMatmul, a, nullptr, c, 0);
}

// Phase 1 asks for memory: without it phase 2 refuses and that is recorded.
static void workspace() {
  const Device a(ACL_FLOAT, {2, 2}, {1, 2, 3, 4}), out(ACL_FLOAT, {2, 2});
  uint64_t size = 0;
  aclOpExecutor *executor = nullptr;
  CHECK_OK(aclnnMmGetWorkspaceSize(a, a, out, 0, &size, &executor));
  CHECK(size > 0);
  StreamHandle stream;
  CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclnnMm(nullptr, size, executor, stream));
  CHECK_VIOLATION("missing-workspace", "aclnnMm");
}

int main() {
  Session session;
  products();
  mathTypes();
  sums();
  refusals();
  workspace();
}
