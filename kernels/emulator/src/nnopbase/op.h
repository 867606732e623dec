// What an operator is built from: the two-phase frame, views of device memory, and argument checks.
//
// An aclnn operator is two functions. Phase 1 checks its arguments (the checks throw Failure) and returns a
// Plan; phase 2 is one line:
//
//   aclnnStatus aclnnTanhGetWorkspaceSize(const aclTensor *input, aclTensor *out, uint64_t *workspaceSize,
//                                         aclOpExecutor **executor) {
//     return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
//       requireNotNull({{"input", input}, {"out", out}});
//       requireDtype("input", input, {ACL_FLOAT, ACL_FLOAT16, ACL_BF16});
//       requireShape("out", out, get(input).shape);
//       return {{input}, {out}, 0, [](const Views &in, const Views &out, std::byte *) { ... }};
//     });
//   }
//   aclnnStatus aclnnTanh(void *workspace, uint64_t size, aclOpExecutor *executor, aclrtStream stream) {
//     return runOp(__func__, workspace, size, executor, stream);
//   }
//
// The frame does the rest: counting and fault injection, bounds and lifetime checks (when enqueuing and again
// when executing), poisoning of outputs (0xFF, unless an input overlaps them) and of the workspace, the
// empty-tensor rule, repeatable executors and their address updates, graph capture, no-arithmetic mode.
// This file knows no operator. New checks that several operators share belong here.
#pragma once
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "../common/call.h"

namespace emulator {

using Shape = std::vector<int64_t>;

EMULATOR_API size_t elementSize(aclDataType dtype);      // bytes; 0 for dtypes the emulator does not compute with
EMULATOR_API const char *dtypeName(aclDataType dtype);   // "FLOAT16"
EMULATOR_API std::string shapeText(const Shape &shape);  // "[2, 3]"
EMULATOR_API int64_t numel(const Shape &shape);
EMULATOR_API Shape contiguousStrides(const Shape &shape);

// How many elements a strided view spans from its first to its last, both included; 0 when it is empty.
EMULATOR_API int64_t extent(const Shape &shape, const Shape &strides);

// A tensor as a kernel sees it: host-reachable memory of the device, resolved when the operator executes.
// An optional tensor that was NULL gives a View that is false. One in the NZ format is seen as its storage is.
struct View {
  aclDataType dtype = ACL_DT_UNDEFINED;
  Shape shape, strides;  // strides in elements
  int64_t offset = 0;    // of the first element from data, in elements
  std::byte *data = nullptr;

  explicit operator bool() const { return dtype != ACL_DT_UNDEFINED; }
  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  int64_t numel() const { return emulator::numel(shape); }
  bool isContiguous() const { return strides == contiguousStrides(shape); }
  size_t elementSize() const { return emulator::elementSize(dtype); }
  template <class T>
  T *first() const {
    return reinterpret_cast<T *>(data + offset * static_cast<int64_t>(elementSize()));
  }
};
using Views = std::vector<View>;

// The descriptor behind an aclTensor.
struct Tensor {
  aclDataType dtype = ACL_DT_UNDEFINED;
  aclFormat format = ACL_FORMAT_ND;
  Shape shape, strides, storageShape;
  int64_t offset = 0;
  void *address = nullptr;  // device address of the storage's first byte

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  int64_t numel() const { return emulator::numel(shape); }
  bool isContiguous() const { return strides == contiguousStrides(shape); }
};

// A tensor whose storage shape says how it lies in memory, in blocks, whatever its strides say.
inline bool isNz(const Tensor &tensor) { return tensor.format == ACL_FORMAT_FRACTAL_NZ; }

// Lookups; a destroyed or foreign handle is a violation and throws Failure.
EMULATOR_API const Tensor &get(const aclTensor *tensor);
// For the phase 1 that changes its argument's descriptor.
EMULATOR_API void describeAnew(const aclTensor *tensor, const Tensor &description);
EMULATOR_API const std::vector<int64_t> &get(const aclIntArray *array);
EMULATOR_API const std::vector<const aclTensor *> &get(const aclTensorList *list);
EMULATOR_API aclDataType dtypeOf(const aclScalar *scalar);
EMULATOR_API double toDouble(const aclScalar *scalar);    // any real dtype; complex throws 161002
EMULATOR_API int64_t toInt64(const aclScalar *scalar);

// One operator argument that names device memory: a tensor, NULL for an absent optional one, or a list.
// Arguments keep the order of the C signature, absent ones included: the aclSet*TensorAddr indices count them.
// A list contributes one View per member.
struct Operand {
  Operand(const aclTensor *tensor) : tensors{tensor} {}
  Operand(std::nullptr_t) : tensors{nullptr} {}
  Operand(const aclTensorList *list) : tensors(list ? get(list) : std::vector<const aclTensor *>{}), isList(true) {}
  std::vector<const aclTensor *> tensors;
  bool isList = false;
};

using Kernel = std::function<void(const Views &in, const Views &out, std::byte *workspace)>;

// What phase 1 decides. The kernel runs later, on the stream's thread: it must hold no handle and no reference
// to phase 1's arguments. A tensor that is read and written is both an input and an output; outputs that are
// optional and absent are NULL like inputs. An executor whose outputs are all empty does nothing and asks for
// no workspace.
struct Plan {
  Plan(std::vector<Operand> inputs, std::vector<Operand> outputs, uint64_t workspaceSize, Kernel kernel)
      : inputs(std::move(inputs)), outputs(std::move(outputs)), workspaceSize(workspaceSize),
        kernel(std::move(kernel)) {}
  std::vector<Operand> inputs, outputs;
  uint64_t workspaceSize;
  Kernel kernel;
  bool repeatable = true;   // false: aclSetAclOpExecutorRepeatable refuses with 561000
  bool takesNz = false;     // tensors in the NZ format; all others are refused
};

EMULATOR_API aclnnStatus planOp(const char *function, uint64_t *workspaceSize, aclOpExecutor **executor,
                                const std::function<Plan()> &plan);
EMULATOR_API aclnnStatus runOp(const char *function, void *workspace, uint64_t workspaceSize,
                               aclOpExecutor *executor, aclrtStream stream);

// Checks. Each throws Failure with a message that names the argument, what was found and what is allowed.
EMULATOR_API void requireNotNull(std::initializer_list<std::pair<const char *, const void *>> arguments);  // 161001
EMULATOR_API void requireDtype(const char *name, const aclTensor *tensor, std::initializer_list<aclDataType> allowed);
EMULATOR_API void requireRank(const char *name, const aclTensor *tensor, int64_t least, int64_t most);
EMULATOR_API void requireShape(const char *name, const aclTensor *tensor, const Shape &expected);
EMULATOR_API void requireContiguous(const char *name, const aclTensor *tensor);
[[noreturn]] EMULATOR_API void refuse(const std::string &message);  // throws 161002; for messages that cost something
// Any other rule: `require(dim < rank, "dim is 5, must be below the rank 3")` throws 161002 when false.
EMULATOR_API void require(bool condition, const std::string &message);

// numpy-style broadcast of two shapes; throws 161002 naming both when they do not fit.
EMULATOR_API Shape broadcast(const Shape &a, const Shape &b);
// The dtype two operands are computed in, as in PyTorch for tensors of rank > 0 (fp16 + bf16 -> fp32).
EMULATOR_API aclDataType promote(aclDataType a, aclDataType b);

}  // namespace emulator
