// The functions on executors: repetition, address updates, destruction.
#include "executor.h"

#include <algorithm>

#include "../runtime/init.h"
#include "descriptors.h"

namespace emulator {
namespace {

HandleTable<Executor> &executorsTable = *new HandleTable<Executor>("executor", ACLNN_ERR_INNER_NULLPTR);

enum class Among { inputs, outputs, all };

void requireHandles(const void *executor, const void *tensor) {
  if (!executor) throw Failure(ACLNN_ERR_INNER_NULLPTR, "executor is NULL");
  if (!tensor) throw Failure(ACLNN_ERR_INNER_NULLPTR, "tensor is NULL");
}

std::vector<Argument> &operandAt(Executor &executor, Among among, size_t index) {
  const size_t first = among == Among::outputs ? executor.inputCount : 0;
  const size_t end = among == Among::inputs ? executor.inputCount : executor.operands.size();
  require(index < end - first,
          "index " + std::to_string(index) + " is out of range: " + std::to_string(end - first) + " tensors");
  return executor.operands[first + index];
}

void update(const std::vector<Argument> &operand, size_t member, const aclTensor *tensor, void *address) {
  require(member < operand.size(), "index " + std::to_string(member) + " is out of range in the list");
  require(operand[member].handle, "the tensor at this index was NULL at phase 1");
  if (operand[member].handle != tensor)
    violation(kind::wrongExecutor, "the tensor given is not the one phase 1 had at this index");
  setAddress(tensor, address);
}

aclnnStatus updateAddress(const char *function, Among among, aclOpExecutor *executor, size_t index, aclTensor *tensor,
                       void *address) {
  return call(function, [&] {
    requireHandles(executor, tensor);
    const auto object = executors().require(executor);
    update(operandAt(*object, among, index), 0, tensor, address);
  });
}

aclnnStatus updateDynamicAddress(const char *function, Among among, aclOpExecutor *executor, size_t irIndex,
                              size_t relativeIndex, aclTensorList *list, void *address) {
  return call(function, [&] {
    requireHandles(executor, list);
    const auto object = executors().require(executor);
    const auto &members = get(list);
    require(relativeIndex < members.size(), "relativeIndex " + std::to_string(relativeIndex) + " is out of range: " +
                                                std::to_string(members.size()) + " tensors in the list");
    update(operandAt(*object, among, irIndex), relativeIndex, members[relativeIndex], address);
  });
}

}  // namespace

HandleTable<Executor> &executors() { return executorsTable; }

bool isPlanned(const aclTensor *tensor) {
  const auto uses = [&](const Executor &executor) {
    if (executor.repeatable) return false;
    for (const auto &operand : executor.operands)
      for (const Argument &argument : operand)
        if (argument.handle == tensor) return true;
    return false;
  };
  return !executors().select(uses).empty();
}

}  // namespace emulator

using namespace emulator;

extern "C" {

aclnnStatus aclnnInit(const char *) {
  return call(__func__, [] { initialiseAclnn(); });
}

aclnnStatus aclnnFinalize() {
  return call(__func__, [] { finaliseAclnn(); });
}

aclnnStatus aclSetAclOpExecutorRepeatable(aclOpExecutor *executor) {
  return call(__func__, [&] {
    if (!executor) throw Failure(ACLNN_ERR_INNER_NULLPTR, "executor is NULL");
    const auto object = executors().require(executor);
    if (!object->mayRepeat)
      throw Failure(ACLNN_ERR_INNER, "an executor of " + object->function + " cannot be repeated: use it once");
    object->repeatable = true;
  });
}

aclnnStatus aclDestroyAclOpExecutor(aclOpExecutor *executor) {
  return call(__func__, [&] {
    if (!executor) throw Failure(ACLNN_ERR_INNER_NULLPTR, "executor is NULL");
    executors().remove(executor);
  });
}

aclnnStatus aclSetInputTensorAddr(aclOpExecutor *executor, const size_t index, aclTensor *tensor, void *addr) {
  return updateAddress(__func__, Among::inputs, executor, index, tensor, addr);
}

aclnnStatus aclSetOutputTensorAddr(aclOpExecutor *executor, const size_t index, aclTensor *tensor, void *addr) {
  return updateAddress(__func__, Among::outputs, executor, index, tensor, addr);
}

aclnnStatus aclSetTensorAddr(aclOpExecutor *executor, const size_t index, aclTensor *tensor, void *addr) {
  return updateAddress(__func__, Among::all, executor, index, tensor, addr);
}

aclnnStatus aclSetDynamicInputTensorAddr(aclOpExecutor *executor, size_t irIndex, const size_t relativeIndex,
                                         aclTensorList *tensors, void *addr) {
  return updateDynamicAddress(__func__, Among::inputs, executor, irIndex, relativeIndex, tensors, addr);
}

aclnnStatus aclSetDynamicOutputTensorAddr(aclOpExecutor *executor, size_t irIndex, const size_t relativeIndex,
                                          aclTensorList *tensors, void *addr) {
  return updateDynamicAddress(__func__, Among::outputs, executor, irIndex, relativeIndex, tensors, addr);
}

aclnnStatus aclSetDynamicTensorAddr(aclOpExecutor *executor, size_t irIndex, const size_t relativeIndex,
                                    aclTensorList *tensors, void *addr) {
  return updateDynamicAddress(__func__, Among::all, executor, irIndex, relativeIndex, tensors, addr);
}

// The second name of each.
#define EMULATOR_ALIASES(Which)                                                                                       \
  aclnnStatus AclSet##Which##TensorAddr(aclOpExecutor *executor, const size_t index, aclTensor *tensor, void *addr) { \
    return aclSet##Which##TensorAddr(executor, index, tensor, addr);                                                  \
  }                                                                                                                   \
  aclnnStatus AclSetDynamic##Which##TensorAddr(aclOpExecutor *executor, size_t irIndex, const size_t relativeIndex,   \
                                               aclTensorList *tensors, void *addr) {                                  \
    return aclSetDynamic##Which##TensorAddr(executor, irIndex, relativeIndex, tensors, addr);                         \
  }
EMULATOR_ALIASES(Input)
EMULATOR_ALIASES(Output)
EMULATOR_ALIASES()

}  // extern "C"
