// Lookups, reductions and checks; an index out of range is a violation and a fault of the device.
#include "op.h"

static const Layout layouts[] = {Layout::plain, Layout::transposed, Layout::spread};
static const aclDataType all[] = {ACL_FLOAT, ACL_FLOAT16, ACL_BF16, ACL_DOUBLE, ACL_INT8, ACL_UINT8, ACL_INT32, ACL_INT64};

static Values counting(int64_t n) {
  Values x;
  for (int64_t i = 0; i < n; ++i) x.push_back(static_cast<double>(i));
  return x;
}

static void lookups() {
  const Values ids{2, 0, 3, 3, 1, 2};
  for (const aclDataType dtype : all)
    for (const aclDataType indexType : {ACL_INT32, ACL_INT64})
      for (const Layout layout : layouts) {
        const Device table(dtype, {4, 3}, counting(12), layout), index(indexType, {2, 3}, ids, layout), rows(dtype, {2, 3, 3}, {}, layout);
        Values expected, columns;
        for (const double id : ids)
          for (int j = 0; j < 3; ++j) expected.push_back(id * 3 + j);
        RUN(aclnnEmbedding, table, index, rows);
        CHECK_EXACT(rows, expected);
        RUN(aclnnGatherV2, table, 0, index, rows);
        CHECK_EXACT(rows, expected);
        const Device pick(indexType, {2}, {2, 0}), selected(dtype, {4, 2}, {}, layout);
        for (int i = 0; i < 4; ++i) columns.insert(columns.end(), {i * 3.0 + 2, i * 3.0});
        RUN(aclnnIndexSelect, table, -1, pick, selected);
        CHECK_EXACT(selected, columns);
      }
  const Device table(ACL_FLOAT, {4, 3}, counting(12)), out(ACL_FLOAT, {2, 3});
  const Device none(ACL_INT64, {0}), nothing(ACL_FLOAT, {0, 3}), scalar(ACL_INT32, {}, {1}), row(ACL_FLOAT, {3});
  RUN(aclnnEmbedding, table, none, nothing);
  RUN(aclnnGatherV2, table, 0, scalar, row);
  CHECK_EXACT(row, (Values{3, 4, 5}));
  for (const double bad : {-1.0, 4.0, 2e9}) {
    const Device index(ACL_INT32, {2}, {0, bad});
    CHECK_STATUS(ACL_ERROR_RT_VECTOR_CORE_EXCEPTION, perform(aclnnEmbeddingGetWorkspaceSize, aclnnEmbedding, table, index, out));
    CHECK_VIOLATION("index-out-of-range", "aclnnEmbedding");
    CHECK_STATUS(ACL_ERROR_RT_VECTOR_CORE_EXCEPTION, perform(aclnnIndexSelectGetWorkspaceSize, aclnnIndexSelect, table, 0, index, out));
    CHECK_VIOLATION("index-out-of-range", "aclnnIndexSelect");
    CHECK_STATUS(ACL_ERROR_RT_VECTOR_CORE_EXCEPTION, perform(aclnnGatherV2GetWorkspaceSize, aclnnGatherV2, table, 0, index, out));
    CHECK_VIOLATION("index-out-of-range", "aclnnGatherV2");
  }
  const Device floating(ACL_FLOAT, {2}), index(ACL_INT64, {2}), matrix(ACL_INT64, {2, 1});
  REFUSED(ACLNN_ERR_PARAM_INVALID, "indices has dtype FLOAT", aclnnEmbedding, table, floating, out);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "weight has rank 1", aclnnEmbedding, row, index, out);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "out has shape [3]; expected: [2, 3]", aclnnGatherV2, table, 0, index, row);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "index has rank 2", aclnnIndexSelect, table, 0, matrix, out);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "dim is 2", aclnnGatherV2, table, 2, index, out);
}

static void reductions() {
  for (const aclDataType dtype : all)
    for (const Layout layout : layouts) {
      const Values x = counting(2 * 3 * 4);
      const Device in(dtype, {2, 3, 4}, x, layout), outer(dtype, {3}), kept(dtype, {1, 3, 1}), total(dtype, {});
      Values expected(3), most, where;
      for (size_t i = 0; i < x.size(); ++i) expected[i / 4 % 3] += x[i];
      if (dtype != ACL_INT8 && dtype != ACL_UINT8) {  // sums up to 276
        RUN(aclnnReduceSum, in, Integers({0, -1}), false, dtype, outer);
        CHECK_EXACT(outer, expected);
        RUN(aclnnReduceSum, in, Integers({2, 0}), true, dtype, kept);
        CHECK_EXACT(kept, expected);
        RUN(aclnnReduceSum, in, Integers({}), false, dtype, total);
        CHECK_EXACT(total, (Values{276}));
      }
      const Device maxima(dtype, {2, 4}, {}, layout), indices(ACL_INT32, {2, 4}, {}, layout), keptMax(dtype, {2, 3, 1}), keptIndex(ACL_INT64, {2, 3, 1});
      for (const int base : {8, 20})
        for (int j = 0; j < 4; ++j) most.push_back(base + j);
      RUN(aclnnMaxDim, in, 1, false, maxima, indices);
      CHECK_EXACT(maxima, most);
      CHECK_EXACT(indices, Values(8, 2));
      RUN(aclnnMaxDim, in, -1, true, keptMax, keptIndex);
      CHECK_EXACT(keptIndex, Values(6, 3));
    }
  const Device ties(ACL_FLOAT, {2, 4}, {1, 3, 3, 2, 1, NAN, INFINITY, NAN}), most(ACL_FLOAT, {2}), where(ACL_INT64, {2});
  RUN(aclnnMaxDim, ties, 1, false, most, where);
  CHECK_EXACT(most, (Values{3, NAN}));
  CHECK_EXACT(where, (Values{1, 1}));
  const Device empty(ACL_FLOAT, {0, 2}), zeros(ACL_FLOAT, {2});
  RUN(aclnnReduceSum, empty, Integers({0}), false, ACL_FLOAT, zeros);
  CHECK_EXACT(zeros, (Values{0, 0}));
  const Device bytes(ACL_INT8, {3}, {100, 100, 100}), wide(ACL_INT64, {}), wrapped(ACL_INT8, {});
  RUN(aclnnReduceSum, bytes, Integers({0}), false, ACL_INT64, wide);
  CHECK_EXACT(wide, (Values{300}));
  RUN(aclnnReduceSum, bytes, Integers({0}), false, ACL_INT8, wrapped);
  CHECK_EXACT(wrapped, (Values{44}));
  const Device big(ACL_FLOAT16, {4}, {60000, 60000, -60000, -59008}), sum(ACL_FLOAT16, {});
  RUN(aclnnReduceSum, big, Integers({0}), false, ACL_FLOAT16, sum);
  CHECK_EXACT(sum, (Values{992}));

  REFUSED(ACLNN_ERR_PARAM_INVALID, "twice", aclnnReduceSum, ties, Integers({0, -2}), false, ACL_FLOAT, most);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "not converted", aclnnReduceSum, ties, Integers({1}), false, ACL_INT64, where);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "indices has dtype FLOAT", aclnnMaxDim, ties, 1, false, most, most);
  REFUSED(ACLNN_ERR_PARAM_INVALID, "no maximum", aclnnMaxDim, empty, 0, false, zeros, where);
}

static void finite() {
  for (const aclDataType dtype : {ACL_FLOAT, ACL_FLOAT16, ACL_BF16, ACL_DOUBLE}) {
    const Device in(dtype, {2, 3}, {0, INFINITY, -INFINITY, NAN, 65504, -1}, Layout::transposed), out(ACL_BOOL, {2, 3}, {}, Layout::spread);
    RUN(aclnnIsFinite, in, out);
    CHECK_EXACT(out, (Values{1, 0, 0, 0, 1, 1}));
  }
  const Device ints(ACL_INT32, {2}, {0, -1}), out(ACL_BOOL, {2});
  RUN(aclnnIsFinite, ints, out);
  CHECK_EXACT(out, (Values{1, 1}));
  REFUSED(ACLNN_ERR_PARAM_INVALID, "out has dtype INT32", aclnnIsFinite, ints, ints);
}

int main() {
  Session session;
  lookups();
  reductions();
  finite();
}
