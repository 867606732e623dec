// What the operators of libopapi share: argument rules that several have, and the step from views to numerics.
//
// Documented limits come from shared/cann/README.md sections 2, 8 and 10. Where that says nothing, the rule is
// PyTorch's and marked as an assumption at the operator. One family of operators per file; a new operator goes
// to its family's.
#pragma once
#include <functional>
#include <string>

#include "../nnopbase/op.h"
#include "../numerics/convert.h"
#include "../numerics/walk.h"

// The second phase of an operator is always this.
#define EMULATOR_PHASE_TWO(name)                                                                                \
  aclnnStatus name(void *workspace, uint64_t workspaceSize, aclOpExecutor *executor, aclrtStream stream) {      \
    return emulator::runOp(__func__, workspace, workspaceSize, executor, stream);                               \
  }

namespace emulator {

constexpr int64_t mostAxes = 8;
constexpr std::initializer_list<aclDataType> cubeDtypes = {ACL_FLOAT, ACL_FLOAT16, ACL_BF16};
constexpr std::initializer_list<aclDataType> realDtypes = {ACL_FLOAT, ACL_FLOAT16, ACL_BF16,  ACL_DOUBLE, ACL_INT8,   ACL_UINT8, ACL_INT16,
                                                           ACL_UINT16, ACL_INT32,  ACL_UINT32, ACL_INT64, ACL_UINT64, ACL_BOOL};

inline bool isFloating(aclDataType dtype) { return numberOf(dtype) == Number::real32 || numberOf(dtype) == Number::real64; }

inline void requireSameDtype(const char *name, const aclTensor *tensor, const char *otherName, const aclTensor *other) {
  require(get(tensor).dtype == get(other).dtype, std::string(name) + " has dtype " + dtypeName(get(tensor).dtype) + ", " +
                                                     otherName + " has " + dtypeName(get(other).dtype) + "; they must be equal");
}

// The axis a dim argument names, negative ones counted from the end.
inline int64_t requireAxis(const char *name, int64_t dim, int64_t rank) {
  const int64_t least = rank ? rank : 1;  // a scalar has one axis in this respect
  require(dim >= -least && dim < least,
          std::string(name) + " is " + std::to_string(dim) + "; allowed: " + std::to_string(-least) + " to " + std::to_string(least - 1));
  return dim < 0 ? dim + least : dim;
}

// Computed in one dtype and stored in another: floating results do not fit integers, numbers do not fit bool.
inline void requireStorable(aclDataType computed, const char *name, const aclTensor *out) {
  const aclDataType dtype = get(out).dtype;
  const bool fits = dtype == computed || isFloating(dtype) || (!isFloating(computed) && dtype != ACL_BOOL);
  require(fits, std::string(name) + " has dtype " + dtypeName(dtype) + ", to which the result dtype " + dtypeName(computed) + " is not converted");
}

inline std::vector<int64_t> byteStrides(const View &view) {
  std::vector<int64_t> strides = view.strides;
  for (int64_t &stride : strides) stride *= static_cast<int64_t>(view.elementSize());
  return strides;
}

inline Strided strided(const View &view, const Shape &to) {
  return {view.first<std::byte>(), broadcastStrides(view.shape, byteStrides(view), to)};
}

constexpr int64_t runLength = 1024;  // elements of a run of numbers: three of them stay in the first-level cache

// out = f(in...), element by element in numbers of type T, inputs broadcast to out. f works on runs:
// f(n, pointers to the inputs' numbers, out's numbers).
template <class T>
using RunFunction = std::function<void(int64_t n, const T *const *in, T *out)>;

template <class T>
void elementwise(const Views &in, const View &out, const RunFunction<T> &f) {
  std::vector<Strided> arrays{strided(out, out.shape)};
  for (const View &view : in) arrays.push_back(strided(view, out.shape));
  walk(out.shape, arrays, runLength, [&](int64_t n, std::byte *const *pointers, const int64_t *strides) {
    T numbers[4][runLength];
    const T *inputs[3];
    for (size_t i = 0; i < in.size(); ++i) {
      load(in[i].dtype, pointers[i + 1], strides[i + 1] / static_cast<int64_t>(in[i].elementSize()), n, numbers[i + 1]);
      inputs[i] = numbers[i + 1];
    }
    f(n, inputs, numbers[0]);
    store(out.dtype, pointers[0], strides[0] / static_cast<int64_t>(out.elementSize()), n, numbers[0]);
  });
}

// Calls f with a value of the type that numbers of this dtype are computed in.
template <class F>
void withNumber(aclDataType dtype, F f) {
  switch (numberOf(dtype)) {
    case Number::real32: return f(float{});
    case Number::real64: return f(double{});
    case Number::natural: return f(uint64_t{});
    case Number::integer: return f(int64_t{});
  }
}

// Converts between views of equal or broadcast shapes, as aclnnCast does.
void convert(const View &source, const View &target);

}  // namespace emulator
