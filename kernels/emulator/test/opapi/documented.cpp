// docs/emulator.md says what there is: the table of operators is made here, by asking phase 1 of each operator for
// each dtype, and every violation, environment variable and function of the emulator's own has to be mentioned.
//
//   test-opapi-documented --write      puts the table into docs/emulator.md
#include <fstream>
#include <iterator>
#include <set>

#include "../../src/common/violation.h"
#include "op.h"

namespace {

struct Dtype {
  aclDataType dtype;
  const char *name;
};
constexpr Dtype dtypes[] = {{ACL_FLOAT, "float32"}, {ACL_FLOAT16, "float16"}, {ACL_BF16, "bfloat16"}, {ACL_DOUBLE, "float64"},
                            {ACL_INT8, "int8"},     {ACL_INT16, "int16"},     {ACL_INT32, "int32"},   {ACL_INT64, "int64"},
                            {ACL_UINT8, "uint8"},   {ACL_UINT16, "uint16"},   {ACL_UINT32, "uint32"}, {ACL_UINT64, "uint64"},
                            {ACL_BOOL, "bool"},     {ACL_COMPLEX64, "complex64"}};

// Phase 1 with tensors of this dtype; an executor that was made is destroyed.
using Attempt = std::function<aclnnStatus(aclDataType, uint64_t *, aclOpExecutor **)>;

struct Row {
  std::vector<const char *> operators;
  Attempt attempt;
  const char *limits;
};

#define ATTEMPT(...) [](aclDataType t, uint64_t *size, aclOpExecutor **executor) -> aclnnStatus { __VA_ARGS__; }

const std::vector<Row> &rows() {
  static const std::vector<Row> table = {
      {{"aclnnMm", "aclnnMatmul", "aclnnBatchMatMul"},
       ATTEMPT(const Device a(t, {2, 2}), out(t, {2, 2}); return aclnnMmGetWorkspaceSize(a, a, out, 0, size, executor)),
       "Mm rank 2, BatchMatMul rank 3, Matmul rank 1 to 6 with a broadcast batch; out may be float32; `cubeMathType` 0 to 4"},
      {{"aclnnAddmm", "aclnnInplaceAddmm", "aclnnAddbmm", "aclnnBaddbmm"},
       ATTEMPT(const Device a(t, {2, 2}), out(t, {2, 2}); const Scalar one(1.0f);
               return aclnnAddmmGetWorkspaceSize(a, a, a, one, one, out, 0, size, executor)),
       "rank 2; of the batched ones rank 3; self broadcasts to the result"},
      {{"aclnnTransMatmulWeight", "aclnnMatmulWeightNz", "aclnnAddmmWeightNz"},
       ATTEMPT(const Device a(t, {16, 16}); return aclnnTransMatmulWeightGetWorkspaceSize(a, size, executor)),
       "rank 2; the weight in the NZ format, neither of its sizes 1; out may be float32; a transposed weight for MatmulWeightNz alone"},
      {{"aclnnGelu", "aclnnGeluV2", "aclnnFastGelu"},
       ATTEMPT(const Device a(t, {2}), out(t, {2}); return aclnnGeluGetWorkspaceSize(a, out, size, executor)),
       "up to 8 axes; Gelu is the tanh form, GeluV2 the erf form unless `approximate` is 1"},
      {{"aclnnTanh", "aclnnSigmoid"},
       ATTEMPT(const Device a(t, {2}), out(t == ACL_DOUBLE ? t : ACL_FLOAT, {2}); return aclnnTanhGetWorkspaceSize(a, out, size, executor)),
       "up to 8 axes; a result of integers is floating"},
      {{"aclnnInplaceTanh"}, ATTEMPT(const Device a(t, {2}); return aclnnInplaceTanhGetWorkspaceSize(a, size, executor)), "up to 8 axes"},
      {{"aclnnSoftmax"},
       ATTEMPT(const Device a(t, {2}), out(t, {2}); return aclnnSoftmaxGetWorkspaceSize(a, 0, out, size, executor)),
       "up to 8 axes; out may be another of the dtypes"},
      {{"aclnnScaledMaskedSoftmax"},
       ATTEMPT(const Device a(t, {1, 1, 2, 2}), mask(ACL_BOOL, {1, 1, 2, 2}), out(t, {1, 1, 2, 2});
               return aclnnScaledMaskedSoftmaxGetWorkspaceSize(a, mask, 1, false, out, size, executor)),
       "4 axes; the mask is bool, its first two sizes may be 1; y contiguous; `fixedTriuMask` false"},
      {{"aclnnFlashAttentionScore"},
       ATTEMPT(const Device a(t, {1, 2, 4}), statistics(ACL_FLOAT, {1, 1, 2, 8}), out(t, {1, 2, 4});
               return aclnnFlashAttentionScoreGetWorkspaceSize(a, a, a, nullptr, nullptr, nullptr, nullptr, nullptr, 1, 1, 0, 0, 1,
                                                               const_cast<char *>("BSH"), 0, 0, statistics, statistics, nullptr, out, size, executor)),
       "BSH, SBH, BSND, BNSD; the mask is bool or uint8, of 2 or 4 axes; `sparseMode` 0 and 1; no dropout, no position shift"},
      {{"aclnnPromptFlashAttentionV3", "aclnnFusedInferAttentionScoreV3"},
       ATTEMPT(const Device a(t, {1, 2, 16}), out(t, {1, 2, 16});
               return aclnnPromptFlashAttentionV3GetWorkspaceSize(a, a, a, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, 1, 1,
                                                                  0, 0, const_cast<char *>("BSH"), 0, 0, 0, out, size, executor)),
       "BSH, BSND, BNSD, BNSD_BSND, all contiguous; the mask is bool, int8 or uint8, of 2 to 4 axes; `sparseMode` 0 and 1; lengths of query and key; no "
       "quantisation, position shift, pages or prefixes; the lists of key and value have one tensor"},
      {{"aclnnLayerNorm", "aclnnLayerNormWithImplMode"},
       ATTEMPT(const Device a(t, {2}), out(t, {2}); const Integers tail({2});
               return aclnnLayerNormGetWorkspaceSize(a, tail, nullptr, nullptr, 1e-5, out, nullptr, nullptr, size, executor)),
       "up to 8 axes; weight and bias in input's dtype or float32; mean and rstd may be absent"},
      {{"aclnnAddLayerNorm"},
       ATTEMPT(const Device a(t, {1, 2}), line(t, {2}), out(t, {1, 2}), mean(ACL_FLOAT, {1, 1});
               return aclnnAddLayerNormGetWorkspaceSize(a, a, line, line, nullptr, 1e-5, true, out, mean, mean, out, size, executor)),
       "up to 8 axes, the last one is normalised; no empty tensors; mean and rstd float32; any epsilon (documented: 1e-5 only)"},
      {{"aclnnEmbedding", "aclnnIndexSelect", "aclnnGatherV2"},
       ATTEMPT(const Device a(t, {2, 2}), index(ACL_INT64, {1}), out(t, {1, 2}); return aclnnEmbeddingGetWorkspaceSize(a, index, out, size, executor)),
       "indices int32 or int64; one that is out of range is a violation and a fault"},
      {{"aclnnAdd", "aclnnInplaceAdd", "aclnnMul", "aclnnInplaceMul"},
       ATTEMPT(const Device a(t, {2}), out(t, {2}); return aclnnMulGetWorkspaceSize(a, a, out, size, executor)),
       "up to 8 axes, broadcast; mixed dtypes promote as in PyTorch"},
      {{"aclnnAdds", "aclnnInplaceAdds", "aclnnMuls", "aclnnInplaceMuls"},
       ATTEMPT(const Device a(t, {2}), out(t, {2}); const Scalar two(int32_t{2}, ACL_INT32);
               return aclnnMulsGetWorkspaceSize(a, two, t == ACL_BOOL ? Device(ACL_INT64, {2}).operator aclTensor *() : out.operator aclTensor *(), size, executor)),
       "up to 8 axes; the scalar counts only if its kind is above the tensor's"},
      {{"aclnnCast", "aclnnPermute", "aclnnInplaceCopy"},
       ATTEMPT(const Device a(t, {2}), out(t, {2}); return aclnnCastGetWorkspaceSize(a, t, out, size, executor)),
       "up to 8 axes; Cast and InplaceCopy from any to any"},
      {{"aclnnReduceSum", "aclnnMaxDim", "aclnnIsFinite"},
       ATTEMPT(const Device a(t, {2}), out(ACL_BOOL, {2}); return aclnnIsFiniteGetWorkspaceSize(a, out, size, executor)),
       "up to 8 axes; MaxDim's indices int32 or int64"},
  };
  return table;
}

std::string table() {
  std::string text = "| operators | dtypes | |\n| --- | --- | --- |\n";
  for (const Row &row : rows()) {
    std::string names, accepted;
    size_t count = 0;
    for (const char *name : row.operators) names += (names.empty() ? "`" : ", `") + std::string(name) + "`";
    for (const Dtype &dtype : dtypes) {
      uint64_t size = 0;
      aclOpExecutor *executor = nullptr;
      if (row.attempt(dtype.dtype, &size, &executor) != ACL_SUCCESS) continue;
      CHECK_OK(aclDestroyAclOpExecutor(executor));
      accepted += (accepted.empty() ? "" : ", ") + std::string(dtype.name);
      ++count;
    }
    if (count == 13) accepted = "all 13";
    text += "| " + names + " | " + accepted + " | " + row.limits + " |\n";
  }
  return text;
}

std::string contentOf(const char *path) {
  std::ifstream file(path);
  CHECK(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int count, char **arguments) {
  Session session;
  std::string text = contentOf(EMULATOR_DOCUMENT);
  const std::string begin = "<!-- operators: kernels/emulator/test/opapi/documented.cpp --write -->\n\n", end = "\n<!-- /operators -->";
  const size_t from = text.find(begin), to = text.find(end);
  CHECK(from != std::string::npos && to != std::string::npos && to >= from + begin.size());
  const std::string made = table(), written = text.substr(from + begin.size(), to - from - begin.size());
  if (count > 1 && strcmp(arguments[1], "--write") == 0) {
    std::ofstream(EMULATOR_DOCUMENT) << text.replace(from + begin.size(), written.size(), made);
    return 0;
  }
  if (written != made) {
    fprintf(stderr, "the table in docs/emulator.md is stale (%s --write); it should be\n%s", arguments[0], made.c_str());
    return 1;
  }

  std::set<std::string> mentioned;
#define MENTION(identifier, name, meaning) mentioned.insert("| `" name "` |");
  EMULATOR_VIOLATION_KINDS(MENTION)
  const std::string header = contentOf(EMULATOR_HEADER);
  for (const char *prefix : {"ascendEmulator", "ASCEND_EMULATOR_"})
    for (size_t at = header.find(prefix); at != std::string::npos; at = header.find(prefix, at + 1)) {
      size_t last = at;
      while (isalnum(static_cast<unsigned char>(header[last])) || header[last] == '_') ++last;
      mentioned.insert("`" + header.substr(at, last - at));
    }
  for (const Row &row : rows())
    for (const char *operatorName : row.operators) mentioned.insert("`" + std::string(operatorName) + "`");
  for (const std::string &words : mentioned)
    if (text.find(words) == std::string::npos) {
      fprintf(stderr, "docs/emulator.md does not mention %s\n", words.c_str());
      return 1;
    }
  return 0;
}
