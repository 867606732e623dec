// aclnnFlashAttentionScore, attention of training and its forward pass, without dropout and position shift.
//
// Tensors may be any views. sparseMode 0 and 1 take a whole mask; the modes with a compressed one (2 to 6) are not
// here.
#include <algorithm>

#include "attention.h"

namespace emulator {
namespace {

// Row maxima and sums, each eight times.
void requireStatistics(const char *name, const aclTensor *tensor, const HeadShape &query) {
  requireDtype(name, tensor, {ACL_FLOAT});
  requireShape(name, tensor, {query.batch, query.heads, query.rows, 8});
}

// Assumption: the window of positions that the documents want to agree with the mask decides where it does not.
void requireWindow(int64_t preTokens, int64_t nextTokens, const HeadShape &query, int64_t keys) {
  const bool before = preTokens >= 0 || (nextTokens >= -preTokens && -preTokens < keys);
  const bool after = nextTokens >= 0 || (-nextTokens <= preTokens && -nextTokens < query.rows);
  requireTiling(before && after, "preTokens " + std::to_string(preTokens) + " and nextTokens " + std::to_string(nextTokens) +
                                     " leave no position to compute");
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

aclnnStatus aclnnFlashAttentionScoreGetWorkspaceSize(const aclTensor *query, const aclTensor *key, const aclTensor *value,
                                                     const aclTensor *realShiftOptional, const aclTensor *dropMaskOptional,
                                                     const aclTensor *paddingMaskOptional, const aclTensor *attenMaskOptional,
                                                     const aclIntArray *prefixOptional, double scaleValue, double keepProb,
                                                     int64_t preTokens, int64_t nextTokens, int64_t headNum, char *inputLayout,
                                                     int64_t innerPrecise, int64_t sparseMode, const aclTensor *softmaxMaxOut,
                                                     const aclTensor *softmaxSumOut, const aclTensor *softmaxOutOut,
                                                     const aclTensor *attentionOutOut, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"query", query}, {"key", key}, {"value", value}, {"inputLayout", inputLayout},
                    {"softmaxMaxOut", softmaxMaxOut}, {"softmaxSumOut", softmaxSumOut}, {"attentionOutOut", attentionOutOut}});
    const Plan plan{{query, key, value, realShiftOptional, dropMaskOptional, paddingMaskOptional, attenMaskOptional},
                    {softmaxMaxOut, softmaxSumOut, softmaxOutOut, attentionOutOut},
                    attentionWorkspace,
                    {}};
    const auto isEmpty = [](const aclTensor *tensor) { return get(tensor).numel() == 0; };
    if (isEmpty(softmaxMaxOut) && isEmpty(softmaxSumOut) && isEmpty(attentionOutOut)) return plan;
    requireDtype("query", query, cubeDtypes);
    requireSameDtype("key", key, "query", query);
    requireSameDtype("value", value, "query", query);
    requireSameDtype("attentionOutOut", attentionOutOut, "query", query);
    require(headNum > 0, "headNum is " + std::to_string(headNum) + "; allowed: 1 or more");
    const std::string layout = inputLayout;
    require(layout == "BSH" || layout == "SBH" || layout == "BSND" || layout == "BNSD",
            "inputLayout is " + layout + "; allowed: BSH, SBH, BSND, BNSD");
    // In BSH and SBH the columns of key say how many heads it has.
    const HeadShape q = headShape("query", query, layout, headNum), one = headShape("key", key, layout, 1);
    const int64_t keyHeads = layout.back() != 'H' ? one.heads : q.size > 0 ? one.size / q.size : 0;
    requireTiling(keyHeads > 0 && headNum % keyHeads == 0,
                  "headNum is " + std::to_string(headNum) + ", which is no multiple of the " + std::to_string(keyHeads) + " heads of key");
    const HeadShape k = headShape("key", key, layout, keyHeads), v = headShape("value", value, layout, keyHeads);
    require(q.size == k.size, "query has heads of size " + std::to_string(q.size) + ", key of size " + std::to_string(k.size));
    require(k.size >= v.size, "value has heads of size " + std::to_string(v.size) + ", which is more than key's " + std::to_string(k.size));
    require(q.size <= 768, "heads have size " + std::to_string(q.size) + "; allowed: up to 768");
    requireTiling(layout.back() != 'H' || get(query).shape[2] == headNum * q.size, "headNum does not divide the columns of query");
    requireTiling(q.heads == headNum, "headNum is " + std::to_string(headNum) + ", query has " + std::to_string(q.heads) + " heads");
    requireTiling(q.batch == k.batch && k.batch == v.batch && k.rows == v.rows && k.heads == v.heads, "query, key and value do not fit");
    requireTiling(q.heads <= mostHeads && q.rows <= 1 << 20 && k.rows <= 1 << 20 && q.batch <= 2 << 20,
                  "batch, heads or rows are beyond 2M, 256 or 1M");
    requireTiling(keepProb > 0 && keepProb <= 1, "keepProb is " + std::to_string(keepProb) + "; allowed: above 0, up to 1");
    require(keepProb == 1, "keepProb is " + std::to_string(keepProb) + "; the emulator has no dropout");
    requireAbsent({{"realShiftOptional", realShiftOptional}, {"dropMaskOptional", dropMaskOptional},
                   {"paddingMaskOptional", paddingMaskOptional}, {"prefixOptional", prefixOptional}, {"softmaxOutOut", softmaxOutOut}});
    requireTiling(sparseMode == 0 || sparseMode == 1, "sparseMode is " + std::to_string(sparseMode) + "; the emulator has 0 and 1");
    requireMask(attenMaskOptional, q, k.rows, {{ACL_BOOL, ACL_UINT8}, false, true, false});
    const int64_t all = q.rows + k.rows;
    const int64_t before = sparseMode == 1 ? all : std::clamp(preTokens, -all, all), after = sparseMode == 1 ? all : std::clamp(nextTokens, -all, all);
    if (attenMaskOptional) requireWindow(before, after, q, k.rows);
    requireStatistics("softmaxMaxOut", softmaxMaxOut, q);
    requireStatistics("softmaxSumOut", softmaxSumOut, q);
    Shape expected = get(query).shape;
    expected.back() = layout.back() == 'H' ? headNum * v.size : v.size;
    requireShape("attentionOutOut", attentionOutOut, expected);
    const Attention attention{layout, layout, headNum, keyHeads, static_cast<float>(scaleValue), before, after, innerPrecise == 2, {}, {}};
    return {plan.inputs, plan.outputs, plan.workspaceSize, [attention](const Views &in, const Views &out, std::byte *) {
              attend(attention, in[0], in[1], in[2], in[6], out[3], out[0], out[1]);
            }};
  });
}
EMULATOR_PHASE_TWO(aclnnFlashAttentionScore)

}  // extern "C"
