// Tensors, scalars, arrays and lists: what is kept, what is refused, who destroys what.
#include <cmath>

#include "toy.h"

namespace {

Shape taken(int64_t *values, uint64_t count) {
  Shape shape(values, values + count);
  delete[] values;  // as documented: C++ new[]
  return shape;
}

}  // namespace

int main() {
  // Descriptors need neither aclInit nor a device.
  const int64_t shape[] = {2, 3}, strides[] = {1, 2}, storage[] = {3, 2};
  int64_t *values = nullptr, offset = -1;
  uint64_t count = 0;
  aclDataType dtype;
  aclFormat format;
  void *address = nullptr;
  aclTensor *tensor = aclCreateTensor(shape, 2, ACL_FLOAT16, strides, 0, ACL_FORMAT_ND, storage, 2, &count);
  CHECK_OK(aclGetViewShape(tensor, &values, &count));
  CHECK(taken(values, count) == (Shape{2, 3}));
  CHECK_OK(aclGetViewStrides(tensor, &values, &count));
  CHECK(taken(values, count) == (Shape{1, 2}));
  CHECK_OK(aclGetStorageShape(tensor, &values, &count));
  CHECK(taken(values, count) == (Shape{3, 2}));
  CHECK_OK(aclGetViewOffset(tensor, &offset));
  CHECK_OK(aclGetDataType(tensor, &dtype));
  CHECK_OK(aclGetFormat(tensor, &format));
  CHECK_OK(aclGetRawTensorAddr(tensor, &address));
  CHECK(offset == 0 && dtype == ACL_FLOAT16 && format == ACL_FORMAT_ND && address == &count);
  CHECK_OK(aclSetRawTensorAddr(tensor, nullptr));
  CHECK_OK(aclGetRawTensorAddr(tensor, &address));
  CHECK(address == nullptr);
  CHECK_OK(aclInitTensor(tensor, shape, 2, ACL_INT32, nullptr, 1, ACL_FORMAT_ND, nullptr, 0, &count));
  CHECK_OK(aclGetViewStrides(tensor, &values, &count));
  CHECK(taken(values, count) == (Shape{3, 1}));  // NULL strides: row-major
  CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclGetDataType(nullptr, &dtype));
  CHECK_OK(aclDestroyTensor(tensor));
  CHECK_OK(aclDestroyTensor(nullptr));
  CHECK_NO_VIOLATION();
  CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclDestroyTensor(tensor));
  CHECK_VIOLATION("destroyed-handle", "aclDestroyTensor");
  CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclGetDataType(tensor, &dtype));
  CHECK_VIOLATION("destroyed-handle", "aclGetDataType");

  CHECK(aclCreateTensor(nullptr, 2, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, nullptr) == nullptr);
  const int64_t negative[] = {-1};
  CHECK(aclCreateTensor(negative, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, nullptr) == nullptr);
  CHECK(aclCreateTensor(shape, 2, ACL_FLOAT, nullptr, -1, ACL_FORMAT_ND, nullptr, 0, nullptr) == nullptr);
  tensor = aclCreateTensor(nullptr, 0, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, nullptr);  // rank 0
  CHECK(tensor && emulator::get(tensor).numel() == 1);
  CHECK_OK(aclDestroyTensor(tensor));
  tensor = aclCreateTensor(shape, 2, ACL_FLOAT, nullptr, 1, ACL_FORMAT_ND, storage, 2, nullptr);
  CHECK(tensor);
  CHECK_VIOLATION("out-of-storage", "aclCreateTensor");
  CHECK_OK(aclDestroyTensor(tensor));

  // Scalars of every dtype: 1.5 in fp16 is 0x3E00, in bf16 0x3FC0; 2^-24 is the smallest fp16.
  const auto scalar = [](auto value, aclDataType type) { return aclCreateScalar(&value, type); };
  struct Case {
    aclScalar *scalar;
    double expected;
  } cases[] = {{scalar(1.5f, ACL_FLOAT), 1.5},
               {scalar(0.1, ACL_DOUBLE), 0.1},
               {scalar(uint16_t{0x3E00}, ACL_FLOAT16), 1.5},
               {scalar(uint16_t{0x8001}, ACL_FLOAT16), -std::ldexp(1, -24)},
               {scalar(uint16_t{0x7C00}, ACL_FLOAT16), INFINITY},
               {scalar(uint16_t{0x3FC0}, ACL_BF16), 1.5},
               {scalar(int64_t{-7}, ACL_INT64), -7},
               {scalar(int8_t{-1}, ACL_INT8), -1},
               {scalar(uint8_t{255}, ACL_UINT8), 255},
               {scalar(UINT64_MAX, ACL_UINT64), 18446744073709551616.0},
               {scalar(true, ACL_BOOL), 1}};
  for (const Case &c : cases) {
    CHECK(emulator::toDouble(c.scalar) == c.expected);
    CHECK_OK(aclDestroyScalar(c.scalar));
  }
  aclScalar *minusSeven = scalar(-7.9f, ACL_FLOAT);
  CHECK(emulator::toInt64(minusSeven) == -7);
  CHECK_OK(aclDestroyScalar(minusSeven));
  CHECK(aclCreateScalar(nullptr, ACL_FLOAT) == nullptr);

  // Arrays copy; lists own their members.
  int64_t ints[] = {4, 5};
  const float floats[] = {1, 2};
  const bool bools[] = {true};
  aclIntArray *intArray = aclCreateIntArray(ints, 2);
  ints[0] = 0;
  CHECK(emulator::get(intArray) == (Shape{4, 5}));
  CHECK_OK(aclGetIntArraySize(intArray, &count));
  CHECK(count == 2);
  CHECK_OK(aclDestroyIntArray(intArray));
  CHECK_OK(aclDestroyFloatArray(aclCreateFloatArray(floats, 2)));
  CHECK_OK(aclDestroyBoolArray(aclCreateBoolArray(bools, 1)));
  const auto makeTensor = [&] { return aclCreateTensor(shape, 2, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, nullptr); };
  const aclTensor *members[] = {makeTensor(), makeTensor()};
  aclTensorList *list = aclCreateTensorList(members, 2);
  CHECK_OK(aclGetTensorListSize(list, &count));
  CHECK(count == 2 && ascendEmulatorLiveObjects("tensor") == 2);
  CHECK_OK(aclDestroyTensorList(list));
  const aclScalar *scalars[] = {scalar(1.0f, ACL_FLOAT)};
  CHECK_OK(aclDestroyScalarList(aclCreateScalarList(scalars, 1)));
  CHECK(ascendEmulatorLiveObjects(nullptr) == 0);
  CHECK_NO_VIOLATION();

  // What is left over is reported when aclnnFinalize ends the process's use.
  CHECK_OK(aclnnInit(nullptr));
  intArray = aclCreateIntArray(ints, 2);
  CHECK_OK(aclnnFinalize());
  CHECK_VIOLATION("leak", "aclCreateIntArray");
  CHECK_OK(aclDestroyIntArray(intArray));
  return 0;
}
