// Sizes, names and promotion of dtypes; arithmetic of shapes.
#include <algorithm>
#include <map>

#include "op.h"

namespace emulator {
namespace {

struct DtypeFacts {
  const char *name;
  size_t size;
};

// A size of 0: descriptors of it can be made, the emulator computes nothing with it.
const std::map<aclDataType, DtypeFacts> &facts() {
  static const auto &table = *new std::map<aclDataType, DtypeFacts>{
      {ACL_FLOAT, {"FLOAT", 4}},         {ACL_FLOAT16, {"FLOAT16", 2}},       {ACL_BF16, {"BFLOAT16", 2}},
      {ACL_DOUBLE, {"DOUBLE", 8}},       {ACL_INT8, {"INT8", 1}},             {ACL_UINT8, {"UINT8", 1}},
      {ACL_INT16, {"INT16", 2}},         {ACL_UINT16, {"UINT16", 2}},         {ACL_INT32, {"INT32", 4}},
      {ACL_UINT32, {"UINT32", 4}},       {ACL_INT64, {"INT64", 8}},           {ACL_UINT64, {"UINT64", 8}},
      {ACL_BOOL, {"BOOL", 1}},           {ACL_COMPLEX64, {"COMPLEX64", 8}},   {ACL_COMPLEX128, {"COMPLEX128", 16}},
      {ACL_COMPLEX32, {"COMPLEX32", 4}}, {ACL_STRING, {"STRING", 0}},         {ACL_INT4, {"INT4", 0}},
      {ACL_UINT1, {"UINT1", 0}},         {ACL_DT_UNDEFINED, {"UNDEFINED", 0}}};
  return table;
}

bool isFloating(aclDataType t) { return t == ACL_FLOAT || t == ACL_FLOAT16 || t == ACL_BF16 || t == ACL_DOUBLE; }

bool isUnsigned(aclDataType t) { return t == ACL_UINT8 || t == ACL_UINT16 || t == ACL_UINT32 || t == ACL_UINT64; }

aclDataType signedOfSize(size_t size) {
  return size <= 1 ? ACL_INT8 : size == 2 ? ACL_INT16 : size == 4 ? ACL_INT32 : ACL_INT64;
}

}  // namespace

size_t elementSize(aclDataType dtype) {
  const auto found = facts().find(dtype);
  return found == facts().end() ? 0 : found->second.size;
}

const char *dtypeName(aclDataType dtype) {
  const auto found = facts().find(dtype);
  return found == facts().end() ? "an unknown dtype" : found->second.name;
}

std::string shapeText(const Shape &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

int64_t numel(const Shape &shape) {
  int64_t count = 1;
  for (const int64_t n : shape) count *= n;
  return count;
}

Shape contiguousStrides(const Shape &shape) {
  Shape strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0; stride *= shape[i]) strides[i] = stride;
  return strides;
}

int64_t extent(const Shape &shape, const Shape &strides) {
  int64_t last = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return 0;
    last += (shape[i] - 1) * strides[i];
  }
  return last + 1;
}

Shape broadcast(const Shape &a, const Shape &b) {
  Shape result(std::max(a.size(), b.size()));
  for (size_t i = 0; i < result.size(); ++i) {  // from the last dimension
    const int64_t m = i < a.size() ? a[a.size() - 1 - i] : 1, n = i < b.size() ? b[b.size() - 1 - i] : 1;
    require(m == n || m == 1 || n == 1, "the shapes " + shapeText(a) + " and " + shapeText(b) + " do not broadcast");
    result[result.size() - 1 - i] = m == 1 ? n : m;
  }
  return result;
}

// The kind decides first (bool < integer < floating), then the size; two formats of one size need a larger one.
aclDataType promote(aclDataType a, aclDataType b) {
  if (a == b) return a;
  if (isFloating(a) != isFloating(b)) return isFloating(a) ? a : b;
  if (isFloating(a)) {
    if (a == ACL_DOUBLE || b == ACL_DOUBLE) return ACL_DOUBLE;
    return ACL_FLOAT;  // fp16 with bf16, or either with fp32
  }
  if (a == ACL_BOOL || b == ACL_BOOL) return a == ACL_BOOL ? b : a;
  const size_t m = elementSize(a), n = elementSize(b);
  if (isUnsigned(a) == isUnsigned(b)) return m >= n ? a : b;
  const size_t ofUnsigned = isUnsigned(a) ? m : n, ofSigned = isUnsigned(a) ? n : m;
  return signedOfSize(ofSigned > ofUnsigned ? ofSigned : 2 * ofUnsigned);
}

}  // namespace emulator
