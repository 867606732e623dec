// Activations, sums and products, casts and copies, against double precision.
#include "op.h"

static const Layout layouts[] = {Layout::plain, Layout::transposed, Layout::spread};
static const aclDataType floats[] = {ACL_FLOAT, ACL_FLOAT16, ACL_BF16};

static double geluErf(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }
static double geluTanh(double x) { return x / (1 + std::exp(-2 * std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x))); }
static double geluFast(double x) { return x / (1 + std::exp(-1.702 * x)); }
static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

static Values map(const Values &x, double (*f)(double)) {
  Values y;
  for (const double v : x) y.push_back(f(v));
  return y;
}

// fp32: 4 ulp of the result, and of 8 for the differences in a GELU (2^-21); fp16 and bf16: one rounding.
constexpr double ulps32 = 4, absolute32 = 0x1p-21, ulps16 = 0.51;

static void activations() {
  for (const aclDataType dtype : floats)
    for (const Layout in : layouts)
      for (const Layout out : layouts) {
        const Values x = randoms(dtype, 3 * 5 * 7, 11, 8);
        const double ulps = dtype == ACL_FLOAT ? ulps32 : ulps16;
        const double absolute = absolute32;
        const Device a(dtype, {3, 5, 7}, x, in), b(dtype, {3, 5, 7}, {}, out);
        RUN(aclnnGelu, a, b);
        CHECK_CLOSE(b, map(x, geluTanh), ulps, absolute);
        RUN(aclnnGeluV2, a, 0, b);
        CHECK_CLOSE(b, map(x, geluErf), ulps, absolute);
        RUN(aclnnGeluV2, a, 1, b);
        CHECK_CLOSE(b, map(x, geluTanh), ulps, absolute);
        RUN(aclnnGeluV2, a, 7, b);
        CHECK_CLOSE(b, map(x, geluErf), ulps, absolute);
        RUN(aclnnFastGelu, a, b);
        CHECK_CLOSE(b, map(x, geluFast), ulps, absolute);
        RUN(aclnnTanh, a, b);
        CHECK_CLOSE(b, map(x, std::tanh), ulps);
        RUN(aclnnSigmoid, a, b);
        CHECK_CLOSE(b, map(x, sigmoid), ulps);
        const Device inplace(dtype, {3, 5, 7}, x, in);
        RUN(aclnnInplaceTanh, inplace);
        CHECK_CLOSE(inplace, map(x, std::tanh), ulps);
      }

  const Device special(ACL_FLOAT, {3}, {NAN, INFINITY, -INFINITY}), result(ACL_FLOAT, {3});
  RUN(aclnnTanh, special, result);
  CHECK_EXACT(result, (Values{NAN, 1, -1}));
  RUN(aclnnSigmoid, special, result);
  CHECK_EXACT(result, (Values{NAN, 1, 0}));
  RUN(aclnnGeluV2, special, 0, result);
  CHECK_EXACT(result, (Values{NAN, INFINITY, NAN}));  // -inf * 0, as in every fp32 evaluation

  const Device wide(ACL_DOUBLE, {2}, {0.5, -3}), wideOut(ACL_DOUBLE, {2}), whole(ACL_INT32, {2}, {0, 2}), single(ACL_FLOAT, {2});
  RUN(aclnnSigmoid, wide, wideOut);
  CHECK_CLOSE(wideOut, map({0.5, -3}, sigmoid), 2);
  RUN(aclnnTanh, whole, single);
  CHECK_CLOSE(single, map({0, 2}, std::tanh), 2);

  const Device empty(ACL_FLOAT, {0, 4}), emptyOut(ACL_FLOAT, {0, 4});
  RUN(aclnnGelu, empty, emptyOut);
  const Device deep(ACL_FLOAT, Shape(9, 1)), deepOut(ACL_FLOAT, Shape(9, 1));
  REFUSED(ACLNN_ERR_PARAM_INVALID, "rank 9", aclnnGelu, deep, deepOut);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "INT32", aclnnGelu, whole, single);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "DOUBLE", aclnnGeluV2, wide, 0, wideOut);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "shape [2]", aclnnTanh, special, single);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "INT32", aclnnSigmoid, single, whole);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "INT32", aclnnInplaceTanh, whole);
  REFUSED(ACLNN_ERR_PARAM_NULLPTR, "self", aclnnFastGelu, nullptr, single);
}

static void sumsAndProducts() {
  const Scalar one(1.0f), half(0.5f), two(int32_t{2}, ACL_INT32);
  for (const aclDataType dtype : floats)
    for (const Layout layout : layouts) {
      const Values x = randoms(dtype, 5 * 3 * 7, 1), y = randoms(dtype, 3, 2);
      const Device a(dtype, {5, 3, 7}, x, layout), b(dtype, {3, 1}, y), out(dtype, {5, 3, 7}, {}, layout);
      Values sum, product, sums, products;
      for (size_t i = 0; i < x.size(); ++i) {
        const double other = y[i / 7 % 3];
        sum.push_back(x[i] + 0.5 * other);
        product.push_back(x[i] * other);
        sums.push_back(x[i] + 1.0);  // 0.5 * 2
        products.push_back(x[i] * 0.5);
      }
      // One rounding; twice in fp16 and bf16, where the first, to fp32, may move a tie.
      const double ulps = 0.51;
      RUN(aclnnAdd, a, b, half, out);
      CHECK_CLOSE(out, sum, ulps, 0x1p-24);
      RUN(aclnnMul, a, b, out);
      CHECK_CLOSE(out, product, ulps);
      RUN(aclnnAdds, a, two, half, out);
      CHECK_CLOSE(out, sums, ulps);
      RUN(aclnnMuls, a, half, out);
      CHECK_CLOSE(out, products, ulps);
      const Device addend(dtype, {5, 3, 7}, x, layout), factor(dtype, {5, 3, 7}, x, layout);
      RUN(aclnnInplaceAdd, addend, b, half);
      CHECK_CLOSE(addend, sum, ulps, 0x1p-24);
      RUN(aclnnInplaceMul, factor, b);
      CHECK_CLOSE(factor, product, ulps);
      const Device shifted(dtype, {5, 3, 7}, x, layout), scaled(dtype, {5, 3, 7}, x, layout);
      RUN(aclnnInplaceAdds, shifted, two, half);
      CHECK_CLOSE(shifted, sums, ulps);
      RUN(aclnnInplaceMuls, scaled, half);
      CHECK_CLOSE(scaled, products, ulps);
    }

  const Device bytes(ACL_INT8, {3}, {127, -128, 5}), bytes2(ACL_INT8, {3}, {1, -1, 2}), byteSum(ACL_INT8, {3});
  RUN(aclnnAdd, bytes, bytes2, two, byteSum);
  CHECK_EXACT(byteSum, (Values{-127, 126, 9}));  // wraps
  const Device yes(ACL_BOOL, {4}, {0, 0, 1, 1}), no(ACL_BOOL, {4}, {0, 1, 0, 1}), logic(ACL_BOOL, {4});
  const Scalar truth(uint8_t{1}, ACL_BOOL);
  RUN(aclnnAdd, yes, no, truth, logic);
  CHECK_EXACT(logic, (Values{0, 1, 1, 1}));
  RUN(aclnnMul, yes, no, logic);
  CHECK_EXACT(logic, (Values{0, 0, 0, 1}));
  const Device big(ACL_INT64, {2}, {4503599627370497, 3}), bigOut(ACL_INT64, {2});
  RUN(aclnnMul, big, big, bigOut);
  CHECK(bigOut.read()[1] == 9);
  const Device h(ACL_FLOAT16, {2}, {1, 2}), b(ACL_BF16, {2}, {0x1p-7, 0x1p-7}), f(ACL_FLOAT, {2}), hOut(ACL_FLOAT16, {2});
  RUN(aclnnAdd, h, b, one, f);
  CHECK_EXACT(f, (Values{1.0078125, 2.0078125}));  // promoted to fp32
  const Device ints(ACL_INT32, {3}, {1, 2, 3}), real(ACL_FLOAT, {3});
  RUN(aclnnMuls, ints, half, real);
  CHECK_EXACT(real, (Values{0.5, 1, 1.5}));
  const Device maximum(ACL_FLOAT16, {2}, {65504, 65504}), over(ACL_FLOAT16, {2});
  RUN(aclnnAdd, maximum, maximum, one, over);
  CHECK_EXACT(over, (Values{INFINITY, INFINITY}));
  const Device empty(ACL_FLOAT, {0}), emptyOut(ACL_FLOAT, {0});
  RUN(aclnnAdd, empty, empty, one, emptyOut);

  REFUSED(ACLNN_ERR_PARAM_NULLPTR, "alpha", aclnnAdd, h, b, nullptr, f);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "do not broadcast", aclnnAdd, h, ints, one, f);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "INT32", aclnnInplaceMuls, ints, half);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "alpha", aclnnAdd, ints, ints, half, ints);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "selfRef has shape [2]", aclnnInplaceAdd, h, Device(ACL_FLOAT16, {3, 2}), one);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "COMPLEX64", aclnnMul, Device(ACL_COMPLEX64, {0}), empty, emptyOut);
}

static void movement() {
  const Device source(ACL_FLOAT, {6}, {1.9, -1.9, NAN, 300, -300, 0}, Layout::spread);
  const Device bytes(ACL_INT8, {6}), flags(ACL_BOOL, {6}), halves(ACL_FLOAT16, {6}, {}, Layout::spread), longs(ACL_INT64, {6});
  RUN(aclnnCast, source, ACL_INT8, bytes);
  CHECK_EXACT(bytes, (Values{1, -1, 0, 127, -128, 0}));
  RUN(aclnnCast, source, ACL_BOOL, flags);
  CHECK_EXACT(flags, (Values{1, 1, 1, 1, 1, 0}));
  RUN(aclnnCast, source, ACL_FLOAT16, halves);
  CHECK_EXACT(halves, (Values{1.9, -1.9, NAN, 300, -300, 0}));
  RUN(aclnnCast, bytes, ACL_INT64, longs);
  CHECK_EXACT(longs, (Values{1, -1, 0, 127, -128, 0}));
  REFUSED(ACLNN_ERR_PARAM_INVALID, "dtype asks for FLOAT", aclnnCast, source, ACL_FLOAT, halves);

  // Every pair of dtypes, with numbers that all of them hold.
  const aclDataType dtypes[] = {ACL_FLOAT, ACL_FLOAT16, ACL_BF16,  ACL_DOUBLE, ACL_INT8,   ACL_UINT8, ACL_INT16,
                                ACL_UINT16, ACL_INT32,  ACL_UINT32, ACL_INT64, ACL_UINT64, ACL_BOOL};
  for (const aclDataType from : dtypes)
    for (const aclDataType to : dtypes) {
      const Values numbers{0, 1, from == ACL_BOOL ? 1.0 : 100}, kept{0, 1, from == ACL_BOOL || to == ACL_BOOL ? 1.0 : 100};
      const Device in(from, {3}, numbers, Layout::spread), out(to, {3}, {}, Layout::spread);
      RUN(aclnnCast, in, to, out);
      CHECK_EXACT(out, kept);
    }
  const Device unsigned64(ACL_UINT64, {1}), widest(ACL_DOUBLE, {1}, {18446744073709549568.0}), bfloat(ACL_BF16, {1});
  RUN(aclnnCast, widest, ACL_UINT64, unsigned64);  // 2^64 - 2048
  RUN(aclnnCast, unsigned64, ACL_BF16, bfloat);
  CHECK_EXACT(bfloat, (Values{0x1p64}));

  Values x(2 * 3 * 5), y;
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i);
  for (int k = 0; k < 5; ++k)
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 3; ++j) y.push_back(i * 15 + j * 5 + k);
  for (const aclDataType dtype : {ACL_FLOAT, ACL_BF16, ACL_INT8, ACL_INT64, ACL_FLOAT16})
    for (const Layout layout : layouts) {
      const Device in(dtype, {2, 3, 5}, x, layout), out(dtype, {5, 2, 3}, {}, layout), copy(dtype, {4, 2, 3, 5}, {}, layout);
      const Integers dims({2, 0, -2});
      RUN(aclnnPermute, in, dims, out);
      CHECK_EXACT(out, y);
      RUN(aclnnInplaceCopy, copy, in);
      const Values found = copy.read();
      for (size_t i = 0; i < found.size(); ++i) CHECK(found[i] == x[i % x.size()]);
    }
  const Device in(ACL_FLOAT, {2, 3}), out(ACL_FLOAT, {3, 2});
  REFUSED(ACLNN_ERR_PARAM_INVALID, "twice", aclnnPermute, in, Integers({1, 1}), out);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "dims is 2", aclnnPermute, in, Integers({2, 0}), out);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "do not broadcast", aclnnInplaceCopy, in, out);
  const Device empty(ACL_FLOAT, {0, 3}), emptyOut(ACL_FLOAT, {3, 0});
  RUN(aclnnPermute, empty, Integers({1, 0}), emptyOut);
}

int main() {
  Session session;
  activations();
  sumsAndProducts();
  movement();
}
