// The tables behind aclTensor, aclScalar, the arrays and the lists.
#pragma once
#include <array>

#include "../common/handles.h"
#include "op.h"

namespace emulator {

struct Scalar {
  aclDataType dtype;
  alignas(16) std::array<std::byte, 16> bytes;
};
struct IntArray {
  std::vector<int64_t> values;
};
struct FloatArray {
  std::vector<float> values;
};
struct BoolArray {
  std::vector<uint8_t> values;
};
struct TensorList {
  std::vector<const aclTensor *> members;
};
struct ScalarList {
  std::vector<const aclScalar *> members;
};

HandleTable<Tensor> &tensors();

// Gives a tensor another address; anything but a living handle is a violation and throws Failure.
void setAddress(const aclTensor *tensor, void *address);

}  // namespace emulator
