// aclTensor: creation, questions, address changes.
#include <algorithm>

#include "descriptors.h"
#include "executor.h"

namespace emulator {
namespace {

HandleTable<Tensor> &tensorsTable = *new HandleTable<Tensor>("tensor", ACLNN_ERR_INNER_NULLPTR);

Shape dims(const char *name, const int64_t *values, uint64_t count) {
  if (!values && count > 0) throw Failure(ACLNN_ERR_PARAM_NULLPTR, std::string(name) + " is NULL");
  return values ? Shape(values, values + count) : Shape();
}

Tensor make(const int64_t *viewDims, uint64_t viewDimsNum, aclDataType dtype, const int64_t *stride, int64_t offset,
            aclFormat format, const int64_t *storageDims, uint64_t storageDimsNum, void *address) {
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.format = format;
  tensor.shape = dims("viewDims", viewDims, viewDimsNum);
  tensor.strides = stride ? dims("stride", stride, viewDimsNum) : contiguousStrides(tensor.shape);
  tensor.storageShape = dims("storageDims", storageDims, storageDimsNum);
  tensor.offset = offset;
  tensor.address = address;
  const auto negative = [](int64_t n) { return n < 0; };
  require(std::none_of(tensor.shape.begin(), tensor.shape.end(), negative),
          "viewDims " + shapeText(tensor.shape) + " has a negative dimension");
  require(std::none_of(tensor.strides.begin(), tensor.strides.end(), negative),
          "stride " + shapeText(tensor.strides) + " is negative");
  require(offset >= 0, "offset " + std::to_string(offset) + " is negative");
  const int64_t needed = extent(tensor.shape, tensor.strides);
  if (needed > 0 && storageDimsNum > 0 && offset + needed > numel(tensor.storageShape))
    violation(kind::outOfStorage, "the view of shape " + shapeText(tensor.shape) + " with strides " + shapeText(tensor.strides) +
                                      " needs elements " + std::to_string(offset) + " to " + std::to_string(offset + needed - 1) +
                                      "; the storage has shape " + shapeText(tensor.storageShape));
  return tensor;
}

// The documentation has the caller free these arrays: C++ new[].
void handOut(const char *name, const Shape &values, int64_t **out, uint64_t *count) {
  requireNotNull({{name, out}, {"the count", count}});
  *count = values.size();
  *out = new int64_t[std::max<size_t>(values.size(), 1)];
  std::copy(values.begin(), values.end(), *out);
}

}  // namespace

HandleTable<Tensor> &tensors() { return tensorsTable; }

const Tensor &get(const aclTensor *tensor) { return *tensors().require(tensor); }

}  // namespace emulator

using namespace emulator;

extern "C" {

aclTensor *aclCreateTensor(const int64_t *viewDims, uint64_t viewDimsNum, aclDataType dataType, const int64_t *stride,
                           int64_t offset, aclFormat format, const int64_t *storageDims, uint64_t storageDimsNum,
                           void *tensorData) {
  return callForPointer(__func__, [&] {
    auto tensor = std::make_shared<Tensor>(
        make(viewDims, viewDimsNum, dataType, stride, offset, format, storageDims, storageDimsNum, tensorData));
    return reinterpret_cast<aclTensor *>(tensors().add(std::move(tensor)));
  });
}

aclnnStatus aclInitTensor(aclTensor *tensor, const int64_t *viewDims, uint64_t viewDimsNum, aclDataType dataType,
                          const int64_t *stride, int64_t offset, aclFormat format, const int64_t *storageDims,
                          uint64_t storageDimsNum, void *tensorDataAddr) {
  return call(__func__, [&] {
    requireNotNull({{"tensor", tensor}});
    *tensors().require(tensor) =
        make(viewDims, viewDimsNum, dataType, stride, offset, format, storageDims, storageDimsNum, tensorDataAddr);
  });
}

aclnnStatus aclDestroyTensor(const aclTensor *tensor) {
  return call(__func__, [&] {
    if (tensor) tensors().remove(tensor);
  });
}

aclnnStatus aclGetViewShape(const aclTensor *tensor, int64_t **viewDims, uint64_t *viewDimsNum) {
  return call(__func__, [&] {
    requireNotNull({{"tensor", tensor}});
    handOut("viewDims", get(tensor).shape, viewDims, viewDimsNum);
  });
}

aclnnStatus aclGetStorageShape(const aclTensor *tensor, int64_t **storageDims, uint64_t *storageDimsNum) {
  return call(__func__, [&] {
    requireNotNull({{"tensor", tensor}});
    handOut("storageDims", get(tensor).storageShape, storageDims, storageDimsNum);
  });
}

aclnnStatus aclGetViewStrides(const aclTensor *tensor, int64_t **stridesValue, uint64_t *stridesNum) {
  return call(__func__, [&] {
    requireNotNull({{"tensor", tensor}});
    handOut("stridesValue", get(tensor).strides, stridesValue, stridesNum);
  });
}

aclnnStatus aclGetViewOffset(const aclTensor *tensor, int64_t *offset) {
  return call(__func__, [&] {
    requireNotNull({{"tensor", tensor}, {"offset", offset}});
    *offset = get(tensor).offset;
  });
}

aclnnStatus aclGetFormat(const aclTensor *tensor, aclFormat *format) {
  return call(__func__, [&] {
    requireNotNull({{"tensor", tensor}, {"format", format}});
    *format = get(tensor).format;
  });
}

aclnnStatus aclGetDataType(const aclTensor *tensor, aclDataType *dataType) {
  return call(__func__, [&] {
    requireNotNull({{"tensor", tensor}, {"dataType", dataType}});
    *dataType = get(tensor).dtype;
  });
}

aclnnStatus aclSetRawTensorAddr(aclTensor *tensor, void *addr) {
  return call(__func__, [&] {
    requireNotNull({{"tensor", tensor}});
    const auto object = tensors().require(tensor);
    if (isPlanned(tensor))
      violation(kind::addressUpdate, "the tensor's address changes between phase 1 and phase 2 of the same call");
    object->address = addr;
  });
}

aclnnStatus aclGetRawTensorAddr(const aclTensor *tensor, void **addr) {
  return call(__func__, [&] {
    requireNotNull({{"tensor", tensor}, {"addr", addr}});
    *addr = get(tensor).address;
  });
}

}  // extern "C"
