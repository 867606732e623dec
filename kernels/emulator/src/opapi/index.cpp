// Lookups: aclnnEmbedding, aclnnIndexSelect, aclnnGatherV2.
//
// Stricter than hardware, which faults on a negative index and reads whatever is there on one too large: both are
// a violation and a fault of the device. Phase 1 cannot know, the indices are in device memory.
#include "../common/violation.h"
#include "rows.h"

namespace emulator {
namespace {

constexpr const char *indexOutOfRange = "index-out-of-range";

std::vector<int64_t> checkedIndices(const View &view, int64_t rows) {
  std::vector<int64_t> indices(static_cast<size_t>(view.numel()));
  loadTail(view, view.first<std::byte>(), 0, indices.data());
  for (size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] >= 0 && indices[i] < rows) continue;
    const std::string message = "index " + std::to_string(i) + " is " + std::to_string(indices[i]) + "; allowed: 0 to " + std::to_string(rows - 1);
    violation(indexOutOfRange, message);
    throw Failure(ACL_ERROR_RT_VECTOR_CORE_EXCEPTION, message);
  }
  return indices;
}

// out[a.., i.., b..] = self[a.., index[i..], b..]
void gather(const View &self, const View &index, const View &out, int64_t axis) {
  const auto at = static_cast<size_t>(axis);
  const size_t inserted = index.shape.size();
  const auto indices = checkedIndices(index, self.shape[at]);
  const View rows = dropAxis(self, axis);
  View targets = out, positions = out;  // out without the index axes, and those alone
  const auto first = static_cast<int64_t>(at), last = static_cast<int64_t>(at + inserted);
  targets.shape.erase(targets.shape.begin() + first, targets.shape.begin() + last);
  targets.strides.erase(targets.strides.begin() + first, targets.strides.begin() + last);
  positions.shape.assign(out.shape.begin() + first, out.shape.begin() + last);
  positions.strides.assign(out.strides.begin() + first, out.strides.begin() + last);
  forEachLine(static_cast<int64_t>(indices.size()), rows.numel(), [&](int64_t i) {
    View source = rows, target = targets;
    source.data += indices[static_cast<size_t>(i)] * self.strides[at] * static_cast<int64_t>(self.elementSize());
    target.data += elementAt(positions, i) - positions.first<std::byte>();
    convert(source, target);
  });
}

Plan gatherPlan(const char *selfName, const aclTensor *self, int64_t dim, const char *indexName, const aclTensor *index, const aclTensor *out,
                int64_t mostIndexAxes) {
  requireDtype(selfName, self, realDtypes);
  requireRank(selfName, self, 1, mostAxes);
  requireDtype(indexName, index, {ACL_INT32, ACL_INT64});
  requireRank(indexName, index, 0, mostIndexAxes);
  requireSameDtype(selfName, self, "out", out);
  const int64_t axis = requireAxis("dim", dim, get(self).rank());
  Shape expected = get(self).shape;
  const Shape &indices = get(index).shape;
  expected.erase(expected.begin() + axis);
  expected.insert(expected.begin() + axis, indices.begin(), indices.end());
  requireShape("out", out, expected);
  return {{self, index}, {out}, 0, [axis](const Views &in, const Views &outs, std::byte *) { gather(in[0], in[1], outs[0], axis); }};
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

aclnnStatus aclnnEmbeddingGetWorkspaceSize(const aclTensor *weight, const aclTensor *indices, const aclTensor *out, uint64_t *workspaceSize,
                                           aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    requireNotNull({{"weight", weight}, {"indices", indices}, {"out", out}});
    requireRank("weight", weight, 2, 2);
    return gatherPlan("weight", weight, 0, "indices", indices, out, mostAxes - 1);
  });
}
EMULATOR_PHASE_TWO(aclnnEmbedding)

// Assumption: the index is a line; PyTorch also takes a scalar.
aclnnStatus aclnnIndexSelectGetWorkspaceSize(const aclTensor *self, int64_t dim, const aclTensor *index, aclTensor *out, uint64_t *workspaceSize,
                                             aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    requireNotNull({{"self", self}, {"index", index}, {"out", out}});
    requireRank("index", index, 1, 1);
    return gatherPlan("self", self, dim, "index", index, out, 1);
  });
}
EMULATOR_PHASE_TWO(aclnnIndexSelect)

aclnnStatus aclnnGatherV2GetWorkspaceSize(const aclTensor *self, int64_t dim, const aclTensor *index, aclTensor *out, uint64_t *workspaceSize,
                                          aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    requireNotNull({{"self", self}, {"index", index}, {"out", out}});
    return gatherPlan("self", self, dim, "index", index, out, mostAxes);
  });
}
EMULATOR_PHASE_TWO(aclnnGatherV2)

}  // extern "C"
