// aclScalar, the arrays and the lists: host values that operators take as attributes.
#include <cmath>
#include <cstring>

#include "descriptors.h"

namespace emulator {
namespace {

template <class Object>
HandleTable<Object> &table(const char *kind) {
  return *new HandleTable<Object>(kind, ACLNN_ERR_INNER_NULLPTR);
}

HandleTable<Scalar> &scalars = table<Scalar>("scalar");
HandleTable<IntArray> &intArrays = table<IntArray>("int-array");
HandleTable<FloatArray> &floatArrays = table<FloatArray>("float-array");
HandleTable<BoolArray> &boolArrays = table<BoolArray>("bool-array");
HandleTable<TensorList> &tensorLists = table<TensorList>("tensor-list");
HandleTable<ScalarList> &scalarLists = table<ScalarList>("scalar-list");

template <class T>
T as(const Scalar &scalar) {
  T value;
  memcpy(&value, scalar.bytes.data(), sizeof value);
  return value;
}

float fromHalf(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 1023;
  const float magnitude = exponent == 31 ? (mantissa ? NAN : INFINITY)
                          : exponent    ? std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25)
                                        : std::ldexp(static_cast<float>(mantissa), -24);
  return bits & 0x8000 ? -magnitude : magnitude;
}

float fromBfloat(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

// As aclnnCast: NaN is 0, what is out of range the nearest that is not.
int64_t truncated(double x) {
  if (std::isnan(x)) return 0;
  if (std::fabs(x) >= 0x1p63) return x < 0 ? INT64_MIN : INT64_MAX;
  return static_cast<int64_t>(x);
}

// Array, Values and Handle go together: IntArray, int64_t, aclIntArray.
template <class Handle, class Object, class Value>
Handle *createArray(HandleTable<Object> &objects, const Value *values, uint64_t size) {
  if (!values && size > 0) throw Failure(ACLNN_ERR_PARAM_NULLPTR, "value is NULL");
  auto array = std::make_shared<Object>();
  array->values.assign(values, values + size);
  return reinterpret_cast<Handle *>(objects.add(std::move(array)));
}

template <class Handle, class Object, class Member>
Handle *createList(HandleTable<Object> &objects, const Member *const *members, uint64_t size) {
  if (!members && size > 0) throw Failure(ACLNN_ERR_PARAM_NULLPTR, "value is NULL");
  auto list = std::make_shared<Object>();
  list->members.assign(members, members + size);
  return reinterpret_cast<Handle *>(objects.add(std::move(list)));
}

template <class Object>
const Object &look(HandleTable<Object> &objects, const void *handle) {
  auto object = objects.require(handle);
  keepDuringCall(object);
  return *object;
}

template <class Object>
void destroy(HandleTable<Object> &objects, const void *handle) {
  if (handle) objects.remove(handle);
}

}  // namespace

const std::vector<int64_t> &get(const aclIntArray *array) { return look(intArrays, array).values; }
const std::vector<const aclTensor *> &get(const aclTensorList *list) { return look(tensorLists, list).members; }
aclDataType dtypeOf(const aclScalar *scalar) { return scalars.require(scalar)->dtype; }

double toDouble(const aclScalar *handle) {
  const auto scalar = scalars.require(handle);
  switch (scalar->dtype) {
    case ACL_FLOAT:
      return as<float>(*scalar);
    case ACL_DOUBLE:
      return as<double>(*scalar);
    case ACL_FLOAT16:
      return fromHalf(as<uint16_t>(*scalar));
    case ACL_BF16:
      return fromBfloat(as<uint16_t>(*scalar));
    case ACL_UINT64:
      return static_cast<double>(as<uint64_t>(*scalar));
    default:
      return static_cast<double>(toInt64(handle));
  }
}

int64_t toInt64(const aclScalar *handle) {
  const auto scalar = scalars.require(handle);
  switch (scalar->dtype) {
    case ACL_INT8:
      return as<int8_t>(*scalar);
    case ACL_UINT8:
      return as<uint8_t>(*scalar);
    case ACL_INT16:
      return as<int16_t>(*scalar);
    case ACL_UINT16:
      return as<uint16_t>(*scalar);
    case ACL_INT32:
      return as<int32_t>(*scalar);
    case ACL_UINT32:
      return as<uint32_t>(*scalar);
    case ACL_INT64:
      return as<int64_t>(*scalar);
    case ACL_UINT64:
      return static_cast<int64_t>(as<uint64_t>(*scalar));
    case ACL_BOOL:
      return as<uint8_t>(*scalar) != 0;
    case ACL_FLOAT:
    case ACL_DOUBLE:
    case ACL_FLOAT16:
    case ACL_BF16:
      return truncated(toDouble(handle));
    default:
      throw Failure(ACLNN_ERR_PARAM_INVALID, std::string("a scalar of dtype ") + dtypeName(scalar->dtype) + " is no real number");
  }
}

}  // namespace emulator

using namespace emulator;

extern "C" {

aclScalar *aclCreateScalar(void *value, aclDataType dataType) {
  return callForPointer(__func__, [&] {
    requireNotNull({{"value", value}});
    require(elementSize(dataType) > 0, std::string("no scalar of dtype ") + dtypeName(dataType));
    auto scalar = std::make_shared<Scalar>();
    scalar->dtype = dataType;
    memcpy(scalar->bytes.data(), value, elementSize(dataType));
    return reinterpret_cast<aclScalar *>(scalars.add(std::move(scalar)));
  });
}

aclnnStatus aclDestroyScalar(const aclScalar *scalar) {
  return call(__func__, [&] { destroy(scalars, scalar); });
}

aclIntArray *aclCreateIntArray(const int64_t *value, uint64_t size) {
  return callForPointer(__func__, [&] { return createArray<aclIntArray>(intArrays, value, size); });
}

aclnnStatus aclDestroyIntArray(const aclIntArray *array) {
  return call(__func__, [&] { destroy(intArrays, array); });
}

aclnnStatus aclGetIntArraySize(const aclIntArray *array, uint64_t *size) {
  return call(__func__, [&] {
    requireNotNull({{"array", array}, {"size", size}});
    *size = get(array).size();
  });
}

aclFloatArray *aclCreateFloatArray(const float *value, uint64_t size) {
  return callForPointer(__func__, [&] { return createArray<aclFloatArray>(floatArrays, value, size); });
}

aclnnStatus aclDestroyFloatArray(const aclFloatArray *array) {
  return call(__func__, [&] { destroy(floatArrays, array); });
}

aclBoolArray *aclCreateBoolArray(const bool *value, uint64_t size) {
  return callForPointer(__func__, [&] { return createArray<aclBoolArray>(boolArrays, value, size); });
}

aclnnStatus aclDestroyBoolArray(const aclBoolArray *array) {
  return call(__func__, [&] { destroy(boolArrays, array); });
}

aclTensorList *aclCreateTensorList(const aclTensor *const *value, uint64_t size) {
  return callForPointer(__func__, [&] { return createList<aclTensorList>(tensorLists, value, size); });
}

// The members go with the list.
aclnnStatus aclDestroyTensorList(const aclTensorList *array) {
  return call(__func__, [&] {
    if (!array) return;
    const auto list = tensorLists.remove(array);
    for (const aclTensor *member : list->members) destroy(tensors(), member);
  });
}

aclnnStatus aclGetTensorListSize(const aclTensorList *tensorList, uint64_t *size) {
  return call(__func__, [&] {
    requireNotNull({{"tensorList", tensorList}, {"size", size}});
    *size = get(tensorList).size();
  });
}

aclScalarList *aclCreateScalarList(const aclScalar *const *value, uint64_t size) {
  return callForPointer(__func__, [&] { return createList<aclScalarList>(scalarLists, value, size); });
}

// The members go with the list.
aclnnStatus aclDestroyScalarList(const aclScalarList *array) {
  return call(__func__, [&] {
    if (!array) return;
    const auto list = scalarLists.remove(array);
    for (const aclScalar *member : list->members) destroy(scalars, member);
  });
}

}  // extern "C"
