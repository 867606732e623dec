// Fused attention against double precision: layouts, masks, windows, what is repaired, and what is refused.
#include "op.h"

constexpr int64_t everything = 2147483647;
static const aclDataType halves[] = {ACL_FLOAT16, ACL_BF16};

struct Case {
  int64_t batch = 2, heads = 3, keyHeads = 3, rows = 5, keys = 7, size = 16;
  double scale = 0.25;
  int64_t preTokens = everything, nextTokens = everything;
  bool repairs = false;
};

struct Expected {
  Values out, most, sum;  // [batch, heads, rows, size], and [batch, heads, rows]
};

// hidden(b, row, key) says what the mask removes. Row and key beyond the window are not computed at all.
static Expected exact(const Case &c, const Values &q, const Values &k, const Values &v,
                      const std::function<bool(int64_t, int64_t, int64_t)> &hidden = {}) {
  Expected e;
  const auto at = [&](const Values &x, int64_t b, int64_t n, int64_t heads, int64_t i, int64_t rows, int64_t d) {
    return x[static_cast<size_t>(((b * heads + n) * rows + i) * c.size + d)];
  };
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t n = 0; n < c.heads; ++n)
      for (int64_t i = 0; i < c.rows; ++i) {
        const int64_t m = n / (c.heads / c.keyHeads);
        std::vector<int64_t> seen;
        Values scores;
        bool all = true;
        for (int64_t j = 0; j < c.keys; ++j) {
          if (hidden && (j < i - c.preTokens || j > i + c.nextTokens)) continue;
          double s = 0;
          for (int64_t d = 0; d < c.size; ++d) s += at(q, b, n, c.heads, i, c.rows, d) * at(k, b, m, c.keyHeads, j, c.keys, d);
          const bool masked = hidden && hidden(b, i, j);
          all = all && masked;
          seen.push_back(j);
          scores.push_back(masked ? -3.4028234663852886e38 : s * c.scale);
        }
        const bool nothing = seen.empty() || (all && c.repairs);
        double most = -INFINITY, sum = 0;
        for (const double s : scores) most = std::max(most, s);
        for (double &s : scores) sum += s = std::exp(s - most);
        for (int64_t d = 0; d < c.size; ++d) {
          double y = 0;
          for (size_t j = 0; j < seen.size(); ++j) y += scores[j] / sum * at(v, b, m, c.keyHeads, seen[j], c.keys, d);
          e.out.push_back(nothing ? 0 : y);
        }
        e.most.push_back(most);
        e.sum.push_back(nothing ? 0 : sum);
      }
  return e;
}

// [batch, heads, rows, size] as a layout has it.
static Values laidOut(const Values &x, const std::string &layout, int64_t batch, int64_t heads, int64_t rows, int64_t size) {
  Values y(x.size());
  size_t from = 0;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t n = 0; n < heads; ++n)
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t d = 0; d < size; ++d) {
          const int64_t to = layout == "BNSD"  ? ((b * heads + n) * rows + i) * size + d
                             : layout == "SBH" ? ((i * batch + b) * heads + n) * size + d
                                               : ((b * rows + i) * heads + n) * size + d;
          y[static_cast<size_t>(to)] = x[from++];
        }
  return y;
}

static Shape shapeOf(const std::string &layout, int64_t batch, int64_t heads, int64_t rows, int64_t size) {
  if (layout == "BNSD") return {batch, heads, rows, size};
  if (layout == "BSND") return {batch, rows, heads, size};
  if (layout == "SBH") return {rows, batch, heads * size};
  return {batch, rows, heads * size};
}

// Query, key, value and result on the device, as a layout has them.
struct Tensors {
  Tensors(const Case &c, aclDataType dtype, std::string layout, Layout memory = Layout::plain, std::string outLayout = "")
      : outLayout(outLayout.empty() ? layout : outLayout), q(randoms(dtype, c.batch * c.heads * c.rows * c.size, 1, 2)),
        k(randoms(dtype, c.batch * c.keyHeads * c.keys * c.size, 2, 2)), v(randoms(dtype, c.batch * c.keyHeads * c.keys * c.size, 3, 2)), c(c),
        query(dtype, shapeOf(layout, c.batch, c.heads, c.rows, c.size), laidOut(q, layout, c.batch, c.heads, c.rows, c.size), memory),
        key(dtype, shapeOf(layout, c.batch, c.keyHeads, c.keys, c.size), laidOut(k, layout, c.batch, c.keyHeads, c.keys, c.size), memory),
        value(dtype, shapeOf(layout, c.batch, c.keyHeads, c.keys, c.size), laidOut(v, layout, c.batch, c.keyHeads, c.keys, c.size), memory),
        out(dtype, shapeOf(this->outLayout, c.batch, c.heads, c.rows, c.size), {}, memory), most(ACL_FLOAT, {c.batch, c.heads, c.rows, 8}),
        sum(ACL_FLOAT, {c.batch, c.heads, c.rows, 8}) {}

  // A probability's rounding costs half an ulp of 2 (the largest value), the result's own half an ulp.
  void check(const Expected &e) const {
    const double ulp = std::ldexp(1.0, -mantissaOf(out.dtype));
    const double absolute = out.dtype == ACL_FLOAT ? 2e-6 : 2 * ulp;
    CHECK_CLOSE(out, laidOut(e.out, outLayout, c.batch, c.heads, c.rows, c.size), out.dtype == ACL_FLOAT ? 4 : 0.52, absolute);
  }

  std::string outLayout;
  Values q, k, v;
  Case c;
  Device query, key, value, out, most, sum;
};

static void score(const Tensors &t, const char *layout, const aclTensor *mask, int64_t innerPrecise = 0, int64_t sparseMode = 0) {
  const aclTensor *none = nullptr;
  const aclIntArray *noPrefix = nullptr;
  RUN(aclnnFlashAttentionScore, t.query, t.key, t.value, none, none, none, mask, noPrefix, t.c.scale, 1.0, t.c.preTokens, t.c.nextTokens,
      t.c.heads, const_cast<char *>(layout), innerPrecise, sparseMode, t.most, t.sum, none, t.out);
}

static void prompt(const Tensors &t, const char *layout, const aclTensor *mask, int64_t innerPrecise = 0, int64_t sparseMode = 0,
                   const aclIntArray *lengths = nullptr, const aclIntArray *keyLengths = nullptr) {
  const aclTensor *none = nullptr;
  RUN(aclnnPromptFlashAttentionV3, t.query, t.key, t.value, none, mask, lengths, keyLengths, none, none, none, none, none, t.c.heads, t.c.scale,
      t.c.preTokens, t.c.nextTokens, const_cast<char *>(layout), t.c.keyHeads, sparseMode, innerPrecise, t.out);
}

static void fused(const Tensors &t, const char *layout, const aclTensor *mask, int64_t innerPrecise = 0) {
  const aclTensor *none = nullptr;
  const aclIntArray *noLengths = nullptr;
  // A list destroys its members: they are copies of the descriptors.
  const auto listOf = [](const Device &d) {
    const Shape storage{count(d.shape)};
    void *address = nullptr;
    CHECK_OK(aclGetRawTensorAddr(d, &address));
    const aclTensor *member =
        aclCreateTensor(d.shape.data(), d.shape.size(), d.dtype, nullptr, 0, ACL_FORMAT_ND, storage.data(), 1, address);
    return aclCreateTensorList(&member, 1);
  };
  aclTensorList *keys = listOf(t.key), *values = listOf(t.value);
  RUN(aclnnFusedInferAttentionScoreV3, t.query, keys, values, none, mask, noLengths, noLengths, none, none, none, none, none, none, none, none, none,
      none, none, none, none, none, none, none, noLengths, none, none, none, t.c.heads, t.c.scale, t.c.preTokens, t.c.nextTokens,
      const_cast<char *>(layout), t.c.keyHeads, int64_t{0}, innerPrecise, int64_t{0}, int64_t{0}, false, int64_t{0}, int64_t{0}, t.out, none);
  CHECK_OK(aclDestroyTensorList(keys));
  CHECK_OK(aclDestroyTensorList(values));
}

static void layouts() {
  Case c, shared;
  shared.heads = 4, shared.keyHeads = 2;
  for (const Case &each : {c, shared}) {
    for (const aclDataType dtype : {ACL_FLOAT, ACL_FLOAT16, ACL_BF16})
      for (const char *layout : {"BSH", "SBH", "BSND", "BNSD"})
        for (const Layout memory : {Layout::plain, Layout::transposed, Layout::spread}) {
          const Tensors t(each, dtype, layout, memory);
          score(t, layout, nullptr);
          const Expected e = exact(each, t.q, t.k, t.v);
          t.check(e);
          Values most, sum;
          for (size_t i = 0; i < e.most.size(); ++i)
            for (int copy = 0; copy < 8; ++copy) most.push_back(e.most[i]), sum.push_back(e.sum[i]);
          CHECK_CLOSE(t.most, most, 2, 1e-6);
          CHECK_CLOSE(t.sum, sum, 8, 4e-6);
        }
    for (const aclDataType dtype : halves) {
      for (const char *layout : {"BSH", "BSND", "BNSD"}) {
        const Tensors a(each, dtype, layout), b(each, dtype, layout);
        prompt(a, layout, nullptr);
        a.check(exact(each, a.q, a.k, a.v));
        fused(b, layout, nullptr);
        CHECK_EXACT(b.out, a.out.read());
      }
      const Tensors t(each, dtype, "BNSD", Layout::plain, "BSND");
      prompt(t, "BNSD_BSND", nullptr);
      t.check(exact(each, t.q, t.k, t.v));
    }
  }
}

// Key 6 of the first and keys 3 to 6 of the second batch element are padding; row 4 of the second is masked whole.
static bool padding(int64_t b, int64_t i, int64_t j) { return b == 0 ? j >= 6 : j >= 3 || i == 4; }

static Values maskValues(const Case &c, int64_t heads, bool (*hidden)(int64_t, int64_t, int64_t)) {
  Values mask;
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t n = 0; n < heads; ++n)
      for (int64_t i = 0; i < c.rows; ++i)
        for (int64_t j = 0; j < c.keys; ++j) mask.push_back(hidden(b, i, j));
  return mask;
}

static void masks() {
  Case c, repaired;
  repaired.repairs = true;
  for (const Case &each : {c, repaired}) {
    const int64_t mode = each.repairs ? 2 : 0;
    for (const aclDataType dtype : {ACL_FLOAT, ACL_FLOAT16, ACL_BF16}) {
      const Tensors t(each, dtype, "BSH");
      const Expected e = exact(each, t.q, t.k, t.v, padding);
      const Device one(ACL_BOOL, {2, 1, 5, 7}, maskValues(c, 1, padding), Layout::spread), all(ACL_UINT8, {2, 3, 5, 7}, maskValues(c, 3, padding));
      score(t, "BSH", one, mode);
      t.check(e);
      score(t, "BSH", all, mode);
      t.check(e);
      if (dtype == ACL_FLOAT) continue;
      for (const aclDataType maskType : {ACL_BOOL, ACL_INT8, ACL_UINT8}) {
        const Device mask(maskType, {2, 1, 5, 7}, maskValues(c, 1, padding)), three(maskType, {2, 5, 7}, maskValues(c, 1, padding));
        const Tensors a(each, dtype, "BSH"), b(each, dtype, "BSH"), d(each, dtype, "BSH");
        prompt(a, "BSH", mask, mode);
        a.check(e);
        prompt(b, "BSH", three, mode + 1);
        CHECK_EXACT(b.out, a.out.read());
        fused(d, "BSH", mask, mode);
        CHECK_EXACT(d.out, a.out.read());
      }
    }
  }
  // Two axes serve every element of the batch; a larger mask's surplus is not looked at.
  const auto second = [](int64_t, int64_t i, int64_t j) { return padding(1, i, j); };
  const Tensors t(c, ACL_FLOAT16, "BSH");
  const Expected e = exact(c, t.q, t.k, t.v, second);
  Values small, large(8 * 9, 1);
  for (int64_t i = 0; i < 5; ++i)
    for (int64_t j = 0; j < 7; ++j) small.push_back(second(0, i, j)), large[static_cast<size_t>(i * 9 + j)] = second(0, i, j);
  const Device mask(ACL_BOOL, {5, 7}, small), wide(ACL_BOOL, {8, 9}, large);
  score(t, "BSH", mask);
  t.check(e);
  prompt(t, "BSH", wide);
  t.check(e);
}

// sparseMode 0 with a mask computes what lies between preTokens and nextTokens alone: 0, the suggestion for
// nextTokens in the documents, makes bidirectional attention causal. Without a mask neither counts.
static void windows() {
  const auto nothing = [](int64_t, int64_t, int64_t) { return false; };
  Case whole;
  whole.keys = whole.rows = 6;
  for (const aclDataType dtype : halves) {
    const Device mask(ACL_BOOL, {2, 1, 6, 6}, Values(2 * 36, 0));
    for (const auto &[before, after] : {std::pair{everything, int64_t{0}}, {int64_t{1}, int64_t{1}}, {int64_t{3}, int64_t{-1}}}) {
      Case c = whole;
      c.preTokens = before, c.nextTokens = after;
      const Tensors t(c, dtype, "BSH"), free(whole, dtype, "BSH");
      const Expected narrow = exact(c, t.q, t.k, t.v, nothing), wide = exact(whole, t.q, t.k, t.v);
      for (const auto &run : std::vector<std::function<void(const Tensors &, const aclTensor *)>>{
               [](const Tensors &x, const aclTensor *m) { score(x, "BSH", m); },
               [](const Tensors &x, const aclTensor *m) { prompt(x, "BSH", m); },
               [](const Tensors &x, const aclTensor *m) { fused(x, "BSH", m); }}) {
        run(t, mask);
        t.check(narrow);
        const Values causal = t.out.read();
        run(t, nullptr);
        t.check(wide);
        run(free, mask);
        free.check(wide);
        CHECK(free.out.read() != causal);
      }
      prompt(t, "BSH", mask, 0, 1);  // sparseMode 1 looks at the mask alone
      t.check(wide);
    }
  }
}

static void lengths() {
  const Case c;
  const Tensors t(c, ACL_FLOAT16, "BSH");
  prompt(t, "BSH", nullptr, 0, 0, Integers({5, 4}), Integers({6, 3}));
  Case masked = c;
  masked.repairs = true;
  t.check(exact(masked, t.q, t.k, t.v, padding));  // key lengths as a mask, and a row beyond the valid ones
  const aclTensor *none = nullptr;
  const auto refused = [&](const aclIntArray *query, const aclIntArray *keys, const char *word) {
    REFUSED(ACLNN_ERR_INNER_TILING_ERROR, word, aclnnPromptFlashAttentionV3, t.query, t.key, t.value, none, none, query, keys, none, none, none,
            none, none, 3, 0.25, everything, everything, const_cast<char *>("BSH"), 0, 0, 0, t.out);
  };
  refused(Integers({5, 6}), nullptr, "lengths of query has 6");
  refused(nullptr, Integers({-1}), "lengths of key has -1");
  const Device q(ACL_FLOAT16, {3, 2, 16}), k(ACL_FLOAT16, {3, 0, 16}), out(ACL_FLOAT16, {3, 2, 16});
  RUN(aclnnPromptFlashAttentionV3, q, k, k, none, none, static_cast<aclIntArray *>(nullptr), static_cast<aclIntArray *>(nullptr), none, none,
      none, none, none, int64_t{1}, 1.0, everything, everything, const_cast<char *>("BSH"), int64_t{0}, int64_t{0}, int64_t{0}, out);
  CHECK_EXACT(out, Values(3 * 2 * 16, 0));
}

// What is not finite stays in its rows and columns.
static void specials() {
  Values q(4, 0.5), k(4, 0.25), v{1, INFINITY, 2, 3};
  q[0] = NAN;
  const Device query(ACL_FLOAT, {1, 2, 2}, q), key(ACL_FLOAT, {1, 2, 2}, k), value(ACL_FLOAT, {1, 2, 2}, v), out(ACL_FLOAT, {1, 2, 2});
  const Device most(ACL_FLOAT, {1, 1, 2, 8}), sum(ACL_FLOAT, {1, 1, 2, 8});
  const aclTensor *none = nullptr;
  const aclIntArray *noPrefix = nullptr;
  RUN(aclnnFlashAttentionScore, query, key, value, none, none, none, none, noPrefix, 1.0, 1.0, everything, everything, int64_t{1},
      const_cast<char *>("BSH"), int64_t{0}, int64_t{0}, most, sum, none, out);
  CHECK_EXACT(out, (Values{NAN, NAN, 1.5, INFINITY}));
}

static void refusals() {
  const Device q(ACL_FLOAT16, {2, 4, 32}), out(ACL_FLOAT16, {2, 4, 32}), single(ACL_FLOAT, {2, 4, 32}), view(ACL_FLOAT16, {2, 4, 32}, {}, Layout::spread);
  const Device most(ACL_FLOAT, {2, 2, 4, 8}), mask(ACL_BOOL, {2, 1, 4, 4}), three(ACL_BOOL, {2, 4, 4}), bytes(ACL_INT8, {2, 1, 4, 4});
  const Device narrow(ACL_FLOAT16, {2, 4, 20}), narrowOut(ACL_FLOAT16, {2, 4, 20}), odd(ACL_BOOL, {2, 1, 4, 5});
  const aclTensor *none = nullptr;
  const auto flash = [&](int code, const char *word, const aclTensor *query, const aclTensor *key, const aclTensor *m, double keep, int64_t heads,
                         const char *layout, int64_t sparse, const aclTensor *statistics, int64_t before = everything, int64_t after = everything) {
    REFUSED(code, word, aclnnFlashAttentionScore, query, key, key, none, none, none, m, nullptr, 0.25, keep, before, after, heads,
            const_cast<char *>(layout), 0, sparse, statistics, statistics, none, out);
  };
  flash(ACLNN_ERR_PARAM_NULLPTR, "query", nullptr, q, none, 1, 2, "BSH", 0, most);
  flash(ACLNN_ERR_PARAM_NULLPTR, "inputLayout", q, q, none, 1, 2, nullptr, 0, most);
  flash(ACLNN_ERR_PARAM_NULLPTR, "softmaxMaxOut", q, q, none, 1, 2, "BSH", 0, nullptr);
  flash(ACLNN_ERR_PARAM_INVALID, "dtype", q, single, none, 1, 2, "BSH", 0, most);
  flash(ACLNN_ERR_PARAM_INVALID, "not layout BSND", q, q, none, 1, 2, "BSND", 0, most);
  flash(ACLNN_ERR_PARAM_INVALID, "inputLayout is TND", q, q, none, 1, 2, "TND", 0, most);
  flash(ACLNN_ERR_PARAM_INVALID, "headNum is 0", q, q, none, 1, 0, "BSH", 0, most);
  flash(ACLNN_ERR_PARAM_INVALID, "softmaxMaxOut", q, q, none, 1, 2, "BSH", 0, q);
  flash(ACLNN_ERR_PARAM_INVALID, "no dropout", q, q, none, 0.5, 2, "BSH", 0, most);
  flash(ACLNN_ERR_INNER_TILING_ERROR, "keepProb", q, q, none, 0, 2, "BSH", 0, most);
  flash(ACLNN_ERR_INNER_TILING_ERROR, "the mask has shape [2, 4, 4]", q, q, three, 1, 2, "BSH", 0, most);
  flash(ACLNN_ERR_INNER_TILING_ERROR, "INT8", q, q, bytes, 1, 2, "BSH", 0, most);
  flash(ACLNN_ERR_INNER_TILING_ERROR, "[2, 1, 4, 5]", q, q, odd, 1, 2, "BSH", 0, most);
  flash(ACLNN_ERR_INNER_TILING_ERROR, "sparseMode is 2", q, q, mask, 1, 2, "BSH", 2, most);
  flash(ACLNN_ERR_INNER_TILING_ERROR, "no position", q, q, mask, 1, 2, "BSH", 0, most, -1, -1);
  const auto infer = [&](int code, const char *word, const aclTensor *query, const aclTensor *m, int64_t heads, const char *layout,
                         int64_t keyHeads, int64_t sparse, int64_t precise, const aclTensor *result) {
    REFUSED(code, word, aclnnPromptFlashAttentionV3, query, query, query, none, m, nullptr, nullptr, none, none, none, none, none, heads, 0.25,
            everything, everything, const_cast<char *>(layout), keyHeads, sparse, precise, result);
  };
  infer(ACLNN_ERR_PARAM_NULLPTR, "attentionOut", q, none, 2, "BSH", 0, 0, 0, nullptr);
  infer(ACLNN_ERR_PARAM_INVALID, "FLOAT;", single, none, 2, "BSH", 0, 0, 0, single);
  infer(ACLNN_ERR_PARAM_INVALID, "not contiguous", view, none, 2, "BSH", 0, 0, 0, out);
  infer(ACLNN_ERR_INNER_TILING_ERROR, "numHeads is 0", q, none, 0, "BSH", 0, 0, 0, out);
  infer(ACLNN_ERR_INNER_TILING_ERROR, "numKeyValueHeads is 3", q, none, 2, "BSH", 3, 0, 0, out);
  infer(ACLNN_ERR_INNER_TILING_ERROR, "does not divide", narrow, none, 3, "BSH", 0, 0, 0, narrowOut);
  infer(ACLNN_ERR_INNER_TILING_ERROR, "sparseMode is 1", q, none, 2, "BSH", 0, 1, 0, out);
  infer(ACLNN_ERR_INNER_TILING_ERROR, "innerPrecise is 4", q, none, 2, "BSH", 0, 0, 4, out);
  const Device many(ACL_FLOAT16, {129, 1, 10}), manyOut(ACL_FLOAT16, {129, 1, 10});
  infer(ACLNN_ERR_INNER_TILING_ERROR, "up to 128", many, none, 1, "BSH", 0, 0, 0, manyOut);
  const auto list = [&](const aclTensor *query, const aclTensor *m, const aclTensor *result, int code, const char *word) {
    const Device a(ACL_FLOAT16, result == narrowOut ? Shape{2, 4, 20} : Shape{2, 1, 32});
    const Shape shape = a.shape;
    void *address = nullptr;
    CHECK_OK(aclGetRawTensorAddr(a, &address));
    const aclTensor *member = aclCreateTensor(shape.data(), shape.size(), ACL_FLOAT16, nullptr, 0, ACL_FORMAT_ND, shape.data(), shape.size(), address);
    const aclTensorList *keys = aclCreateTensorList(&member, 1);
    REFUSED(code, word, aclnnFusedInferAttentionScoreV3, query, keys, keys, none, m, nullptr, nullptr, none, none, none, none, none, none, none, none,
            none, none, none, none, none, none, none, none, nullptr, none, none, none, 2, 0.25, everything, everything, const_cast<char *>("BSH"), 0,
            0, 0, 0, 0, false, 0, 0, result, none);
    CHECK_OK(aclDestroyTensorList(keys));
  };
  const Device row(ACL_FLOAT16, {2, 1, 32}), rowOut(ACL_FLOAT16, {2, 1, 32}), rowMask(ACL_BOOL, {2, 1, 1, 1});
  list(narrow, none, narrowOut, ACLNN_ERR_INNER_TILING_ERROR, "size 10; allowed: multiples of 16");
  list(row, rowMask, rowOut, ACLNN_ERR_INNER_TILING_ERROR, "one row");
}

int main() {
  Session session;
  layouts();
  masks();
  windows();
  lengths();
  specials();
  refusals();
}
