// aclTensor: creation, questions, address changes.
#include <algorithm>

#include "descriptors.h"
#include "executor.h"

namespace emulator {
namespace {

HandleTable<Tensor> &tensorsTable = *new HandleTable<Tensor>("tensor", ACLNN_ERR_INNER_NULLPTR);

// What no real tensor reaches, and below what the arithmetic on shapes can overflow. A 910B has 2^36 bytes.
// Assumption: the ABI's own limits are not documented.
constexpr uint64_t mostDimensions = 25;
constexpr int64_t mostElements = int64_t{1} << 48;

Shape dims(const char *name, const int64_t *values, uint64_t count) {
  if (!values && count > 0) throw Failure(ACLNN_ERR_PARAM_NULLPTR, std::string(name) + " is NULL");
  if (count > mostDimensions)
    refuse(std::string(name) + " has " + std::to_string(count) + " values; allowed: up to " + std::to_string(mostDimensions));
  return values ? Shape(values, values + count) : Shape();
}

// None negative, and their product, zeros left out, below the limit.
void requireSizes(const char *name, const Shape &sizes) {
  int64_t product = 1;
  for (const int64_t n : sizes) {
    if (n < 0) refuse(std::string(name) + " " + shapeText(sizes) + " has a negative dimension");
    if (n > mostElements / product) refuse(std::string(name) + " " + shapeText(sizes) + " has more than 2^48 elements");
    product *= std::max<int64_t>(n, 1);
  }
}

// The last element of the view is not beyond the limit.
void requireReach(const Tensor &tensor) {
  int64_t last = tensor.offset;
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    const int64_t stride = tensor.strides[i], steps = std::max<int64_t>(tensor.shape[i] - 1, 0);
    if (stride < 0) refuse("stride " + shapeText(tensor.strides) + " is negative");
    if (stride > mostElements || (steps > 0 && stride > (mostElements - last) / steps))
      refuse("stride " + shapeText(tensor.strides) + " leads beyond 2^48 elements");
    last += steps * stride;
  }
}

Tensor make(const int64_t *viewDims, uint64_t viewDimsNum, aclDataType dtype, const int64_t *stride, int64_t offset,
            aclFormat format, const int64_t *storageDims, uint64_t storageDimsNum, void *address) {
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.format = format;
  tensor.shape = dims("viewDims", viewDims, viewDimsNum);
  requireSizes("viewDims", tensor.shape);
  tensor.strides = stride ? dims("stride", stride, viewDimsNum) : contiguousStrides(tensor.shape);
  tensor.storageShape = dims("storageDims", storageDims, storageDimsNum);
  tensor.offset = offset;
  tensor.address = address;
  requireSizes("storageDims", tensor.storageShape);
  if (offset < 0 || offset > mostElements) refuse("offset is " + std::to_string(offset) + "; allowed: 0 to 2^48");
  requireReach(tensor);
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

const Tensor &get(const aclTensor *handle) {
  auto tensor = tensors().require(handle);
  keepDuringCall(tensor);
  return *tensor;
}

void setAddress(const aclTensor *handle, void *address) {
  tensors().require(handle)->address = address;
  tensors().noteChange();
}

void describeAnew(const aclTensor *handle, const Tensor &description) { tensors().replace(handle, std::make_shared<Tensor>(description)); }

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
    tensors().require(tensor);
    tensors().replace(tensor, std::make_shared<Tensor>(make(viewDims, viewDimsNum, dataType, stride, offset, format, storageDims,
                                                            storageDimsNum, tensorDataAddr)));
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
    tensors().require(tensor);
    if (isPlanned(tensor))
      violation(kind::addressUpdate, "the tensor's address changes between phase 1 and phase 2 of the same call");
    setAddress(tensor, addr);
  });
}

aclnnStatus aclGetRawTensorAddr(const aclTensor *tensor, void **addr) {
  return call(__func__, [&] {
    requireNotNull({{"tensor", tensor}, {"addr", addr}});
    *addr = get(tensor).address;
  });
}

}  // extern "C"
