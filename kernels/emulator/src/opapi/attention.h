// What the fused attention operators share: their layouts and masks, and the arithmetic. The operators are in
// attention_score.cpp and attention_inference.cpp.
//
// Limits and meaning follow the documents and the tiling code of hicann/ops-transformer (c29bc106): what its
// interface functions check is 161001 or 161002, what its tiling checks is 561002.
#pragma once
#include <optional>

#include "operator.h"

namespace emulator {

constexpr int64_t mostHeads = 256;
constexpr uint64_t attentionWorkspace = 16384;  // an assumption; asked for so that callers handle one

// Throws 561002 when the condition is false.
void requireTiling(bool condition, const std::string &message);

// For what the emulator computes without: absent means NULL.
void requireAbsent(std::initializer_list<std::pair<const char *, const void *>> arguments);

// The axes of query, key, value or the result, whatever the layout.
struct HeadShape {
  int64_t batch, heads, rows, size;
};

// How BSH, SBH, BSND and BNSD place them; in BSH and SBH the heads lie side by side in the last axis. `heads` is
// used there alone. 161002 where the rank is another.
HeadShape headShape(const char *name, const aclTensor *tensor, const std::string &layout, int64_t heads);

// [batch, heads, rows, size] of a tensor in a layout.
View asHeads(View view, const std::string &layout, int64_t heads);

// Dtype and shape of the mask, which may be NULL; 561002.
struct MaskRules {
  std::initializer_list<aclDataType> dtypes;
  bool threeAxes;   // [batch or 1, rows, keys]
  bool eachHead;    // [batch, heads, rows, keys]
  bool mayBeLarger; // rows and keys beyond those of query and key
};
void requireMask(const aclTensor *mask, const HeadShape &query, int64_t keys, const MaskRules &rules);

struct Attention {
  std::string layout, outLayout;
  int64_t heads, keyHeads;
  float scale;
  // Row i sees keys i - preTokens to i + nextTokens, where there is a mask.
  int64_t preTokens, nextTokens;
  bool repairsRows;  // rows that are masked wholly become 0
  // Valid rows of each batch element; all where missing.
  std::optional<std::vector<int64_t>> queryLengths, keyLengths;
};

// out = softmax(scale * query x key^T, mask) x value. Row maxima and sums of exponentials go to most and sum,
// [batch, heads, rows, 8], where given.
void attend(const Attention &attention, const View &query, const View &key, const View &value, const View &mask, const View &out,
            const View &most, const View &sum);

}  // namespace emulator
