// aclOpExecutor: a Plan between phase 1 and phase 2.
#pragma once
#include "../common/handles.h"
#include "op.h"

namespace emulator {

// A tensor argument as phase 1 saw it. Of the tensor, only the address may change until phase 2.
struct Argument {
  const aclTensor *handle;
  Tensor tensor;  // undefined dtype when the argument was NULL
};

struct Invocation;

struct Executor {
  std::string function;                            // phase 2 of this operator: "aclnnTanh"
  std::vector<std::vector<Argument>> operands;     // inputs, then outputs
  size_t inputCount;
  uint64_t workspaceSize;
  std::shared_ptr<const Kernel> kernel;            // NULL: does nothing
  bool mayRepeat, repeatable = false;
  std::shared_ptr<Invocation> last;                // what phase 2 worked out; of repeatable ones only
};

HandleTable<Executor> &executors();

// The tensor is an argument of a one-shot executor whose phase 2 has not run.
bool isPlanned(const aclTensor *tensor);

}  // namespace emulator
