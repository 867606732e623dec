// The argument checks of phase 1. They are passed far more often than not: a message is made when it is needed.
#include <algorithm>

#include "op.h"

namespace emulator {

void refuse(const std::string &message) { throw Failure(ACLNN_ERR_PARAM_INVALID, message); }

void require(bool condition, const std::string &message) {
  if (!condition) refuse(message);
}

void requireNotNull(std::initializer_list<std::pair<const char *, const void *>> arguments) {
  for (const auto &[name, pointer] : arguments)
    if (!pointer) throw Failure(ACLNN_ERR_PARAM_NULLPTR, std::string(name) + " is NULL");
}

void requireDtype(const char *name, const aclTensor *tensor, std::initializer_list<aclDataType> allowed) {
  const aclDataType found = get(tensor).dtype;
  if (std::find(allowed.begin(), allowed.end(), found) != allowed.end()) return;
  std::string names;
  for (const aclDataType dtype : allowed) names += (names.empty() ? "" : ", ") + std::string(dtypeName(dtype));
  refuse(std::string(name) + " has dtype " + dtypeName(found) + "; allowed: " + names);
}

void requireRank(const char *name, const aclTensor *tensor, int64_t least, int64_t most) {
  const int64_t rank = get(tensor).rank();
  if (rank >= least && rank <= most) return;
  const std::string allowed = least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most);
  refuse(std::string(name) + " has rank " + std::to_string(rank) + "; allowed: " + allowed);
}

void requireShape(const char *name, const aclTensor *tensor, const Shape &expected) {
  const Shape &found = get(tensor).shape;
  if (found == expected) return;
  refuse(std::string(name) + " has shape " + shapeText(found) + "; expected: " + shapeText(expected));
}

void requireContiguous(const char *name, const aclTensor *tensor) {
  if (get(tensor).isContiguous()) return;
  refuse(std::string(name) + " is not contiguous: shape " + shapeText(get(tensor).shape) + ", strides " +
         shapeText(get(tensor).strides));
}

}  // namespace emulator
