// The two-phase frame: planOp makes an executor, runOp checks and enqueues it.
#include "op.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "../common/config.h"
#include "../runtime/context.h"
#include "descriptors.h"
#include "executor.h"

namespace emulator {

// A tensor argument at phase 2: the view kernels get, and the device memory it must lie in.
struct Resolved {
  std::string name;  // "input 0"
  const std::byte *base = nullptr;
  View view;
  Range range{};
};

constexpr uint64_t never = UINT64_MAX;

// Everything one execution needs; no handles, so that descriptors may be destroyed after phase 2.
struct Invocation {
  std::shared_ptr<const Kernel> kernel;
  std::vector<Resolved> inputs, outputs;
  Range workspace{};
  int device = 0;
  Work work;                                 // of a stream
  std::vector<std::string> misaligned;       // what each launch is to report
  std::atomic<uint64_t> unchangedAt{never};  // tensors().changes() when all descriptors were as they are here
  std::atomic<uint64_t> inOrderAt{never};    // deviceFrees() when all memory was found in order
};

namespace {

// A runtime error inside an aclnn function is 361001 with the runtime's own error in the text.
template <class Body>
auto asRuntimeError(Body body) {
  try {
    return body();
  } catch (const Failure &failure) {
    throw Failure(ACLNN_ERR_RUNTIME_ERROR, "runtime error " + std::to_string(failure.code) + ": " + failure.what());
  }
}

bool isEmpty(const Tensor &tensor) { return tensor.dtype == ACL_DT_UNDEFINED || tensor.numel() == 0; }

std::vector<Argument> argumentsOf(const Operand &operand) {
  std::vector<Argument> arguments;
  for (const aclTensor *tensor : operand.tensors) arguments.push_back({tensor, tensor ? get(tensor) : Tensor{}});
  return arguments;
}

Resolved resolve(const Argument &argument, std::string name, bool write) {
  Resolved resolved;
  resolved.name = std::move(name);
  if (!argument.handle) return resolved;
  const Tensor &seen = argument.tensor;
  const auto alive = tensors().find(argument.handle);
  if (!alive)
    violation(kind::destroyedHandle, resolved.name + " was destroyed between phase 1 and phase 2");
  resolved.base = static_cast<const std::byte *>(alive ? alive->address : seen.address);
  const Shape &shape = isNz(seen) ? seen.storageShape : seen.shape;
  resolved.view = {seen.dtype, shape, isNz(seen) ? contiguousStrides(shape) : seen.strides, seen.offset, nullptr};
  const auto size = static_cast<int64_t>(elementSize(seen.dtype));
  resolved.range = {resolved.base, static_cast<size_t>(extent(shape, resolved.view.strides) * size), write};
  if (resolved.range.size == 0) {  // without elements, and often without memory
    resolved.view.offset = 0;
    return resolved;
  }
  const auto first = reinterpret_cast<uintptr_t>(resolved.base) + static_cast<uintptr_t>(seen.offset * size);  // base may be any number
  resolved.range.address = reinterpret_cast<const void *>(first);
  resolved.view.data = reach(resolved.base);
  return resolved;
}

// 64 is asked for, a report and no more; an element across two of its places is what no kernel reads.
RangeFault misplaced(const Resolved &r) {
  const size_t size = std::max<size_t>(r.view.elementSize(), 1);
  if (r.range.size == 0 || reinterpret_cast<uintptr_t>(r.base) % std::min<size_t>(size, 8) == 0) return {};
  return {kind::misaligned, "the base address of " + r.name + " is not a multiple of the element size"};
}

RangeFault firstFaultNow(const Invocation &invocation) {
  for (const auto *list : {&invocation.inputs, &invocation.outputs})
    for (const Resolved &r : *list)
      if (r.range.size > 0) {
        if (RangeFault fault = checkDeviceRange(r.name, r.range.address, r.range.size, invocation.device)) return fault;
        if (RangeFault fault = misplaced(r)) return fault;
      }
  if (invocation.workspace.size > 0)
    return checkDeviceRange("the workspace", invocation.workspace.address, invocation.workspace.size, invocation.device);
  return {};
}

// Looks again only where memory was freed since: threads that launch and execute would wait for each other.
RangeFault firstFault(Invocation &invocation) {
  const uint64_t frees = deviceFrees();
  if (invocation.inOrderAt == frees) return {};
  RangeFault fault = firstFaultNow(invocation);
  if (!fault) invocation.inOrderAt = frees;
  return fault;
}

bool isAligned(const void *address) { return reinterpret_cast<uintptr_t>(address) % 64 == 0; }

void poisonView(const View &view, std::byte *at, size_t dim) {
  const size_t size = view.elementSize();
  if (dim == view.shape.size()) {
    memset(at, 0xFF, size);
  } else if (dim + 1 == view.shape.size() && view.strides[dim] == 1) {
    memset(at, 0xFF, static_cast<size_t>(view.shape[dim]) * size);
  } else {
    for (int64_t i = 0; i < view.shape[dim]; ++i)
      poisonView(view, at + i * view.strides[dim] * static_cast<int64_t>(size), dim + 1);
  }
}

void poison(const Invocation &invocation) {
  for (const Resolved &output : invocation.outputs) {
    const bool isInput = std::any_of(invocation.inputs.begin(), invocation.inputs.end(),
                                     [&](const Resolved &input) { return input.range.conflictsWith(output.range); });
    if (output.view && output.range.size > 0 && !isInput) poisonView(output.view, output.view.first<std::byte>(), 0);
  }
  if (invocation.workspace.size > 0) memset(reach(invocation.workspace.address), 0xFF, invocation.workspace.size);
}

Views viewsOf(const std::vector<Resolved> &list) {
  Views views;
  for (const Resolved &r : list) views.push_back(r.view);
  return views;
}

// Memory may have been freed since phase 2, or a graph may be replayed long after: then everything is checked again.
void execute(Invocation &invocation) {
  if (const RangeFault fault = firstFault(invocation)) {
    violation(fault.kind, fault.message);
    throw Failure(ACL_ERROR_RT_AICORE_EXCEPTION, fault.message);
  }
  if (!config().arithmetic) return;
  if (config().poison) poison(invocation);
  std::byte *workspace = invocation.workspace.size > 0 ? reach(invocation.workspace.address) : nullptr;
  (*invocation.kernel)(viewsOf(invocation.inputs), viewsOf(invocation.outputs), workspace);
}

// Phase 2 ends a one-shot executor, also when it fails.
std::shared_ptr<Executor> endOneShot(aclOpExecutor *handle) {
  return executors().take(handle, [](const Executor &executor) { return !executor.repeatable; });
}

std::shared_ptr<Executor> takeExecutor(const char *function, aclOpExecutor *handle) {
  requireNotNull({{"executor", handle}});
  auto executor = endOneShot(handle);
  if (!executor) {
    violation(kind::executorReused, "the executor was used or destroyed before, or never was one");
    throw Failure(ACLNN_ERR_INNER_NULLPTR, "the executor was used or destroyed before, or never was one");
  }
  if (executor->function != function) {
    violation(kind::wrongExecutor, "the executor was planned by " + executor->function + "GetWorkspaceSize");
    throw Failure(ACLNN_ERR_PARAM_INVALID, "the executor was planned by " + executor->function + "GetWorkspaceSize");
  }
  return executor;
}

Range checkedWorkspace(const Executor &executor, void *workspace, uint64_t size) {
  if (executor.workspaceSize == 0) return {};
  const auto refuse = [&](const char *kind, aclError code, const std::string &found) {
    const std::string message = "the workspace " + found + "; phase 1 asked for " + std::to_string(executor.workspaceSize) + " bytes";
    violation(kind, message);
    throw Failure(code, message);
  };
  if (!workspace) refuse(kind::missingWorkspace, ACLNN_ERR_PARAM_NULLPTR, "is NULL");
  if (size < executor.workspaceSize) refuse(kind::smallWorkspace, ACLNN_ERR_PARAM_INVALID, "has " + std::to_string(size) + " bytes");
  return {workspace, executor.workspaceSize, true};
}

// What it asks of a stream, and what is wrong with where its memory starts.
void prepareWork(Invocation &invocation) {
  auto &ranges = invocation.work.ranges;
  for (const auto *list : {&invocation.inputs, &invocation.outputs})
    for (const Resolved &r : *list) {
      if (r.range.size == 0) continue;
      ranges.push_back(r.range);
      if (!isAligned(r.base)) invocation.misaligned.push_back("the base address of " + r.name + " is not a multiple of 64");
    }
  if (invocation.workspace.size > 0) {
    ranges.push_back(invocation.workspace);
    if (!isAligned(invocation.workspace.address)) invocation.misaligned.push_back("the workspace is not a multiple of 64");
  }
  invocation.work.execute = [&invocation] { execute(invocation); };  // lives as long: see workOf
}

std::shared_ptr<const Work> workOf(const std::shared_ptr<Invocation> &invocation) {
  return {invocation, &invocation->work};
}

std::shared_ptr<Invocation> invocationOf(const Executor &executor, Range workspace, int device) {
  auto invocation = std::make_shared<Invocation>();
  invocation->kernel = executor.kernel;
  invocation->workspace = workspace;
  invocation->device = device;
  for (size_t i = 0; i < executor.operands.size(); ++i) {
    const bool output = i >= executor.inputCount;
    const std::string name = output ? "output " + std::to_string(i - executor.inputCount) : "input " + std::to_string(i);
    for (const Argument &argument : executor.operands[i])
      (output ? invocation->outputs : invocation->inputs).push_back(resolve(argument, name, output));
  }
  prepareWork(*invocation);
  return invocation;
}

// Whether all descriptors live and lead to where they led then.
bool isUnchanged(Invocation &last, const Executor &executor, Range workspace, int device) {
  if (last.workspace.address != workspace.address || last.device != device) return false;
  const uint64_t changes = tensors().changes();
  if (last.unchangedAt == changes) return true;
  size_t input = 0, output = 0;
  for (size_t i = 0; i < executor.operands.size(); ++i)
    for (const Argument &argument : executor.operands[i]) {
      const Resolved &then = i < executor.inputCount ? last.inputs[input++] : last.outputs[output++];
      if (!argument.handle) continue;
      const auto now = tensors().find(argument.handle);
      if (!now || now->address != then.base) return false;
    }
  last.unchangedAt = changes;
  return true;
}

// A repeatable executor works it out anew only where something has changed.
std::shared_ptr<Invocation> currentInvocation(Executor &executor, Range workspace, int device) {
  if (!executor.repeatable) return invocationOf(executor, workspace, device);
  if (!executor.last || !isUnchanged(*executor.last, executor, workspace, device))
    executor.last = invocationOf(executor, workspace, device);
  return executor.last;
}

}  // namespace

aclnnStatus planOp(const char *function, uint64_t *workspaceSize, aclOpExecutor **executor,
                   const std::function<Plan()> &plan) {
  return call(function, [&] {
    requireNotNull({{"workspaceSize", workspaceSize}, {"executor", executor}});
    asRuntimeError(currentContext);
    const Plan made = plan();
    auto object = std::make_shared<Executor>();
    const std::string name = function;
    object->function = name.substr(0, name.rfind("GetWorkspaceSize"));
    object->inputCount = made.inputs.size();
    for (const auto *list : {&made.inputs, &made.outputs})
      for (const Operand &operand : *list)
        for (const aclTensor *tensor : operand.tensors)
          if (tensor && isNz(get(tensor)) && !made.takesNz) refuse("a tensor of shape " + shapeText(get(tensor).shape) + " is in the format FRACTAL_NZ, which " + object->function + " does not take");
    bool anyOutput = false;
    for (const Operand &operand : made.inputs) object->operands.push_back(argumentsOf(operand));
    for (const Operand &operand : made.outputs) {
      object->operands.push_back(argumentsOf(operand));
      for (const Argument &argument : object->operands.back()) anyOutput |= !isEmpty(argument.tensor);
    }
    object->workspaceSize = anyOutput ? made.workspaceSize : 0;
    if (anyOutput) object->kernel = std::make_shared<const Kernel>(made.kernel);
    object->mayRepeat = made.repeatable;
    *workspaceSize = object->workspaceSize;
    *executor = reinterpret_cast<aclOpExecutor *>(executors().add(std::move(object)));
  });
}

aclnnStatus runOp(const char *function, void *workspace, uint64_t workspaceSize, aclOpExecutor *handle,
                  aclrtStream stream) {
  const auto run = [&] {
    const auto executor = takeExecutor(function, handle);
    const auto where = asRuntimeError([&] { return streamFor(stream); });
    const Range scratch = checkedWorkspace(*executor, workspace, workspaceSize);
    if (!executor->kernel) return;
    const auto invocation = currentInvocation(*executor, scratch, where->context.device);
    std::shared_ptr<const Work> work;
    if (const RangeFault fault = firstFault(*invocation)) {
      // As on hardware, the call succeeds and the device fails.
      violation(fault.kind, fault.message);
      work = std::make_shared<Work>(Work{{}, [fault] { throw Failure(ACL_ERROR_RT_AICORE_EXCEPTION, fault.message); }});
    } else {
      for (const std::string &what : invocation->misaligned) violation(kind::misaligned, what);
      work = workOf(invocation);
    }
    auto task = std::make_shared<Task>(std::move(work));
    RuntimeLock lock(runtimeMutex());
    asRuntimeError([&] { enqueue(*where, std::move(task)); });
  };
  return call(function, run, [&] { endOneShot(handle); });
}

}  // namespace emulator
