// aclnnPromptFlashAttentionV3 and aclnnFusedInferAttentionScoreV3, attention of inference in fp16 and bf16, without
// quantisation, position shift, pages, prefixes and rotary embeddings, and with whole masks (sparseMode 0 and 1).
//
// Assumption: innerPrecise 1 and 3, "high performance" in fp16, compute as 0 and 2.
#include <algorithm>

#include "attention.h"

namespace emulator {
namespace {

struct Inference {
  const aclTensor *query, *key, *value, *mask;
  const aclIntArray *queryLengths, *keyLengths;
  int64_t heads;
  double scale;
  int64_t preTokens, nextTokens;
  const char *inputLayout;
  int64_t keyHeads, sparseMode, innerPrecise;
  const aclTensor *out;
};

std::optional<std::vector<int64_t>> lengthsOf(const char *name, const aclIntArray *array, int64_t batch, int64_t most) {
  if (!array || get(array).empty()) return {};
  const std::vector<int64_t> &lengths = get(array);
  const auto count = static_cast<int64_t>(lengths.size());
  requireTiling(count == 1 || count >= batch, std::string(name) + " has " + std::to_string(count) + " values; allowed: 1, or one for each of batch " + std::to_string(batch));
  for (const int64_t length : lengths)
    requireTiling(length >= 0 && length <= most, std::string(name) + " has " + std::to_string(length) + "; allowed: 0 to " + std::to_string(most));
  return lengths;
}

Attention checked(const Inference &a) {
  requireDtype("query", a.query, {ACL_FLOAT16, ACL_BF16});
  requireSameDtype("key", a.key, "query", a.query);
  requireSameDtype("value", a.value, "query", a.query);
  requireSameDtype("attentionOut", a.out, "query", a.query);
  for (const auto &[name, tensor] : {std::pair{"query", a.query}, {"key", a.key}, {"value", a.value}, {"attentionOut", a.out}})
    requireContiguous(name, tensor);
  if (a.mask) requireContiguous("the mask", a.mask);
  const std::string given = a.inputLayout, layout = given == "BNSD_BSND" ? "BNSD" : given, outLayout = given == "BNSD_BSND" ? "BSND" : given;
  require(layout == "BSH" || layout == "BSND" || layout == "BNSD", "inputLayout is " + given + "; the emulator has BSH, BSND, BNSD, BNSD_BSND");
  requireTiling(a.heads > 0 && a.heads <= mostHeads, "numHeads is " + std::to_string(a.heads) + "; allowed: 1 to 256");
  const int64_t keyHeads = a.keyHeads == 0 ? a.heads : a.keyHeads;
  requireTiling(keyHeads > 0 && a.heads % keyHeads == 0 && a.heads / keyHeads <= 64,
                "numKeyValueHeads is " + std::to_string(a.keyHeads) + ", which does not go with " + std::to_string(a.heads) + " heads");
  const HeadShape q = headShape("query", a.query, layout, a.heads);
  const HeadShape k = headShape("key", a.key, layout, keyHeads);
  requireTiling(q.heads == a.heads && k.heads == keyHeads, "numHeads or numKeyValueHeads is not what the shapes say");
  requireTiling(q.batch == k.batch && q.size == k.size && get(a.key).shape == get(a.value).shape, "query, key and value do not fit");
  requireTiling(layout != "BSH" || (get(a.query).shape[2] == a.heads * q.size && get(a.key).shape[2] == keyHeads * k.size),
                "numHeads does not divide the columns of query");
  requireTiling(q.size > 0 && q.size <= 512, "heads have size " + std::to_string(q.size) + "; allowed: 1 to 512");
  requireTiling(q.batch <= 65536, "batch is " + std::to_string(q.batch) + "; allowed: up to 65536");
  requireTiling(q.size % 16 == 0 || q.batch <= 128,
                "batch is " + std::to_string(q.batch) + "; allowed with heads whose size is no multiple of 16: up to 128");
  requireTiling(layout == "BNSD" || a.heads * q.size < 65535, "query has " + std::to_string(a.heads * q.size) + " columns; allowed: below 65535");
  requireTiling(q.rows <= 20971520 && k.rows <= 20971520, "rows are beyond 20971520");
  requireTiling(a.sparseMode == 0 || a.sparseMode == 1, "sparseMode is " + std::to_string(a.sparseMode) + "; the emulator has 0 and 1");
  requireTiling(a.sparseMode == 0 || a.mask, "sparseMode is 1 and there is no mask");
  requireTiling(a.innerPrecise >= 0 && a.innerPrecise <= 3, "innerPrecise is " + std::to_string(a.innerPrecise) + "; allowed: 0 to 3");
  requireMask(a.mask, q, k.rows, {{ACL_BOOL, ACL_INT8, ACL_UINT8}, true, false, true});
  Shape expected = get(a.query).shape;
  if (layout != outLayout) std::swap(expected[1], expected[2]);
  requireShape("attentionOut", a.out, expected);
  const int64_t all = q.rows + k.rows;
  const bool whole = a.sparseMode == 1;
  return {layout,
          outLayout,
          a.heads,
          keyHeads,
          static_cast<float>(a.scale),
          whole ? all : std::clamp(a.preTokens, -all, all),
          whole ? all : std::clamp(a.nextTokens, -all, all),
          a.innerPrecise >= 2,
          lengthsOf("the lengths of query", a.queryLengths, q.batch, q.rows),
          lengthsOf("the lengths of key", a.keyLengths, q.batch, k.rows)};
}

// The one tensor of a list. (One for each element of the batch is documented, and not here.)
const aclTensor *onlyMember(const char *name, const aclTensorList *list) {
  const auto &members = get(list);
  require(members.size() == 1, std::string(name) + " has " + std::to_string(members.size()) + " tensors; the emulator takes one");
  requireNotNull({{name, members[0]}});
  return members[0];
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

aclnnStatus aclnnPromptFlashAttentionV3GetWorkspaceSize(const aclTensor *query, const aclTensor *key, const aclTensor *value,
                                                        const aclTensor *pseShift, const aclTensor *attenMask,
                                                        const aclIntArray *actualSeqLengths, const aclIntArray *actualSeqLengthsKv,
                                                        const aclTensor *deqScale1, const aclTensor *quantScale1, const aclTensor *deqScale2,
                                                        const aclTensor *quantScale2, const aclTensor *quantOffset2, int64_t numHeads,
                                                        double scaleValue, int64_t preTokens, int64_t nextTokens, char *inputLayout,
                                                        int64_t numKeyValueHeads, int64_t sparseMode, int64_t innerPrecise,
                                                        const aclTensor *attentionOut, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"query", query}, {"key", key}, {"value", value}, {"inputLayout", inputLayout}, {"attentionOut", attentionOut}});
    requireAbsent({{"pseShift", pseShift}, {"deqScale1", deqScale1}, {"quantScale1", quantScale1}, {"deqScale2", deqScale2},
                   {"quantScale2", quantScale2}, {"quantOffset2", quantOffset2}});
    const Attention attention =
        checked({query, key, value, attenMask, actualSeqLengths, actualSeqLengthsKv, numHeads, scaleValue, preTokens, nextTokens,
                 inputLayout, numKeyValueHeads, sparseMode, innerPrecise, attentionOut});
    return {{query, key, value, pseShift, attenMask, deqScale1, quantScale1, deqScale2, quantScale2, quantOffset2},
            {attentionOut},
            attentionWorkspace,
            [attention](const Views &in, const Views &out, std::byte *) { attend(attention, in[0], in[1], in[2], in[4], out[0], {}, {}); }};
  });
}
EMULATOR_PHASE_TWO(aclnnPromptFlashAttentionV3)

aclnnStatus aclnnFusedInferAttentionScoreV3GetWorkspaceSize(
    const aclTensor *query, const aclTensorList *key, const aclTensorList *value, const aclTensor *pseShiftOptional,
    const aclTensor *attenMaskOptional, const aclIntArray *actualSeqLengthsOptional, const aclIntArray *actualSeqLengthsKvOptional,
    const aclTensor *deqScale1Optional, const aclTensor *quantScale1Optional, const aclTensor *deqScale2Optional,
    const aclTensor *quantScale2Optional, const aclTensor *quantOffset2Optional, const aclTensor *antiquantScaleOptional,
    const aclTensor *antiquantOffsetOptional, const aclTensor *blockTableOptional, const aclTensor *queryPaddingSizeOptional,
    const aclTensor *kvPaddingSizeOptional, const aclTensor *keyAntiquantScaleOptional, const aclTensor *keyAntiquantOffsetOptional,
    const aclTensor *valueAntiquantScaleOptional, const aclTensor *valueAntiquantOffsetOptional, const aclTensor *keySharedPrefixOptional,
    const aclTensor *valueSharedPrefixOptional, const aclIntArray *actualSharedPrefixLenOptional, const aclTensor *queryRopeOptional,
    const aclTensor *keyRopeOptional, const aclTensor *keyRopeAntiquantScaleOptional, int64_t numHeads, double scaleValue, int64_t preTokens,
    int64_t nextTokens, char *inputLayout, int64_t numKeyValueHeads, int64_t sparseMode, int64_t innerPrecise, int64_t blockSize,
    int64_t antiquantMode, bool softmaxLseFlag, int64_t keyAntiquantMode, int64_t valueAntiquantMode, const aclTensor *attentionOut,
    [[maybe_unused]] const aclTensor *softmaxLse, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"query", query}, {"key", key}, {"value", value}, {"inputLayout", inputLayout}, {"attentionOut", attentionOut}});
    requireAbsent({{"pseShiftOptional", pseShiftOptional},
                   {"deqScale1Optional", deqScale1Optional},
                   {"quantScale1Optional", quantScale1Optional},
                   {"deqScale2Optional", deqScale2Optional},
                   {"quantScale2Optional", quantScale2Optional},
                   {"quantOffset2Optional", quantOffset2Optional},
                   {"antiquantScaleOptional", antiquantScaleOptional},
                   {"antiquantOffsetOptional", antiquantOffsetOptional},
                   {"blockTableOptional", blockTableOptional},
                   {"queryPaddingSizeOptional", queryPaddingSizeOptional},
                   {"kvPaddingSizeOptional", kvPaddingSizeOptional},
                   {"keyAntiquantScaleOptional", keyAntiquantScaleOptional},
                   {"keyAntiquantOffsetOptional", keyAntiquantOffsetOptional},
                   {"valueAntiquantScaleOptional", valueAntiquantScaleOptional},
                   {"valueAntiquantOffsetOptional", valueAntiquantOffsetOptional},
                   {"keySharedPrefixOptional", keySharedPrefixOptional},
                   {"valueSharedPrefixOptional", valueSharedPrefixOptional},
                   {"actualSharedPrefixLenOptional", actualSharedPrefixLenOptional},
                   {"queryRopeOptional", queryRopeOptional},
                   {"keyRopeOptional", keyRopeOptional},
                   {"keyRopeAntiquantScaleOptional", keyRopeAntiquantScaleOptional}});
    require(blockSize == 0 && antiquantMode == 0 && keyAntiquantMode == 0 && valueAntiquantMode == 0,
            "blockSize or a mode of quantisation is not 0; the emulator computes without them");
    require(!softmaxLseFlag, "softmaxLseFlag is true; the emulator computes without it");
    const aclTensor *keys = onlyMember("key", key), *values = onlyMember("value", value);
    const Attention attention = checked({query, keys, values, attenMaskOptional, actualSeqLengthsOptional, actualSeqLengthsKvOptional, numHeads,
                                         scaleValue, preTokens, nextTokens, inputLayout, numKeyValueHeads, sparseMode, innerPrecise, attentionOut});
    const HeadShape q = headShape("query", query, attention.layout, numHeads);
    // A single row is computed by another kernel, with masks of other shapes.
    requireTiling(q.rows != 1 || !attenMaskOptional, "query has one row; the emulator computes that without a mask");
    requireTiling(q.rows == 1 || q.size % 16 == 0, "heads have size " + std::to_string(q.size) + "; allowed: multiples of 16");
    return {{query, key, value, nullptr, attenMaskOptional, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
             nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr},
            {attentionOut, nullptr},
            attentionWorkspace,
            [attention](const Views &in, const Views &out, std::byte *) { attend(attention, in[0], in[1], in[2], in[4], out[0], {}, {}); }};
  });
}
EMULATOR_PHASE_TWO(aclnnFusedInferAttentionScoreV3)

}  // extern "C"
