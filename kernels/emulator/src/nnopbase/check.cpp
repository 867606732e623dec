// The argument checks of phase 1.
#include "op.h"

namespace emulator {

void require(bool condition, const std::string &message) {
  if (!condition) throw Failure(ACLNN_ERR_PARAM_INVALID, message);
}

void requireNotNull(std::initializer_list<std::pair<const char *, const void *>> arguments) {
  for (const auto &[name, pointer] : arguments)
    if (!pointer) throw Failure(ACLNN_ERR_PARAM_NULLPTR, std::string(name) + " is NULL");
}

void requireDtype(const char *name, const aclTensor *tensor, std::initializer_list<aclDataType> allowed) {
  const aclDataType found = get(tensor).dtype;
  std::string names;
  for (const aclDataType dtype : allowed) {
    if (dtype == found) return;
    names += (names.empty() ? "" : ", ") + std::string(dtypeName(dtype));
  }
  require(false, std::string(name) + " has dtype " + dtypeName(found) + "; allowed: " + names);
}

void requireRank(const char *name, const aclTensor *tensor, int64_t least, int64_t most) {
  const int64_t rank = get(tensor).rank();
  const std::string allowed = least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most);
  require(rank >= least && rank <= most, std::string(name) + " has rank " + std::to_string(rank) + "; allowed: " + allowed);
}

void requireShape(const char *name, const aclTensor *tensor, const Shape &expected) {
  const Shape &found = get(tensor).shape;
  require(found == expected, std::string(name) + " has shape " + shapeText(found) + "; expected: " + shapeText(expected));
}

void requireContiguous(const char *name, const aclTensor *tensor) {
  require(get(tensor).isContiguous(), std::string(name) + " is not contiguous: shape " + shapeText(get(tensor).shape) +
                                          ", strides " + shapeText(get(tensor).strides));
}

}  // namespace emulator
