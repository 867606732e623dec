// Sums and products of two tensors or of a tensor and a scalar.
//
// Assumption: fp16 and bf16 are computed in fp32 and rounded once, alpha included. Integers wrap. bool + bool is
// "or", bool * bool is "and", as storing a number in bool asks whether it is 0.
#include "operator.h"

namespace emulator {
namespace {

enum class Operation { add, multiply };

template <class T>
T wrapped(uint64_t x) { return static_cast<T>(x); }

// self + alpha*other, or self * other; a scalar operand is the kernel's own.
template <class T>
void run(Operation operation, const Views &in, const View &out, T scalar, T alpha) {
  const bool hasOther = in.size() == 2;
  elementwise<T>(in, out, [=](int64_t n, const T *const *x, T *y) {
    for (int64_t i = 0; i < n; ++i) {
      const T a = x[0][i], b = hasOther ? x[1][i] : scalar;
      if constexpr (std::is_integral_v<T>) {  // unsigned arithmetic wraps
        const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b), factor = static_cast<uint64_t>(alpha);
        y[i] = wrapped<T>(operation == Operation::add ? ua + factor * ub : ua * ub);
      } else {
        y[i] = operation == Operation::add ? a + alpha * b : a * b;
      }
    }
  });
}

template <class T>
T valueOf(const aclScalar *scalar, T absent) {
  if (!scalar) return absent;
  if constexpr (std::is_integral_v<T>) return toInt64(scalar);
  else return static_cast<T>(toDouble(scalar));
}

// The scalar counts only when its kind is above the tensor's, as in PyTorch; a floating one then means fp32.
aclDataType promoteScalar(aclDataType tensor, const aclScalar *scalar) {
  const aclDataType dtype = dtypeOf(scalar);
  if (isFloating(tensor) || (!isFloating(dtype) && (tensor != ACL_BOOL || dtype == ACL_BOOL))) return tensor;
  return isFloating(dtype) ? ACL_FLOAT : ACL_INT64;
}

Kernel kernelOf(Operation operation, aclDataType computed, const aclScalar *scalar, const aclScalar *alpha) {
  Kernel kernel;
  withNumber(computed, [&](auto number) {
    using T = decltype(number);
    const T other = valueOf<T>(scalar, T{}), factor = valueOf<T>(alpha, T{1});
    kernel = [=](const Views &in, const Views &out, std::byte *) { run<T>(operation, in, out[0], other, factor); };
  });
  return kernel;
}

// A floating alpha would be lost on an integer result.
void requireAlpha(const aclScalar *alpha, aclDataType computed) {
  if (!alpha) return;
  require(!isFloating(dtypeOf(alpha)) || isFloating(computed),
          std::string("alpha has dtype ") + dtypeName(dtypeOf(alpha)) + ", which is not converted to the result dtype " + dtypeName(computed));
}

Plan tensorPlan(Operation operation, const char *selfName, const aclTensor *self, const aclTensor *other, const aclScalar *alpha,
                const char *outName, const aclTensor *out) {
  for (const auto &[name, tensor] : {std::pair{selfName, self}, {"other", other}, {outName, out}}) {
    requireRank(name, tensor, 0, mostAxes);
    requireDtype(name, tensor, realDtypes);
  }
  const aclDataType computed = promote(get(self).dtype, get(other).dtype);
  requireAlpha(alpha, computed);
  requireStorable(computed, outName, out);
  requireShape(outName, out, broadcast(get(self).shape, get(other).shape));
  return {{self, other}, {out}, 0, kernelOf(operation, computed, nullptr, alpha)};
}

Plan scalarPlan(Operation operation, const char *selfName, const aclTensor *self, const aclScalar *other, const aclScalar *alpha,
                const char *outName, const aclTensor *out) {
  for (const auto &[name, tensor] : {std::pair{selfName, self}, {outName, out}}) {
    requireRank(name, tensor, 0, mostAxes);
    requireDtype(name, tensor, realDtypes);
  }
  const aclDataType computed = promoteScalar(get(self).dtype, other);
  requireAlpha(alpha, computed);
  requireStorable(computed, outName, out);
  requireShape(outName, out, get(self).shape);
  return {{self}, {out}, 0, kernelOf(operation, computed, other, alpha)};
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

aclnnStatus aclnnAddGetWorkspaceSize(const aclTensor *self, const aclTensor *other, const aclScalar *alpha, aclTensor *out,
                                     uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    requireNotNull({{"self", self}, {"other", other}, {"alpha", alpha}, {"out", out}});
    return tensorPlan(Operation::add, "self", self, other, alpha, "out", out);
  });
}
EMULATOR_PHASE_TWO(aclnnAdd)

aclnnStatus aclnnAddsGetWorkspaceSize(const aclTensor *self, const aclScalar *other, const aclScalar *alpha, aclTensor *out,
                                      uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    requireNotNull({{"self", self}, {"other", other}, {"alpha", alpha}, {"out", out}});
    return scalarPlan(Operation::add, "self", self, other, alpha, "out", out);
  });
}
EMULATOR_PHASE_TWO(aclnnAdds)

aclnnStatus aclnnInplaceAddGetWorkspaceSize(const aclTensor *selfRef, const aclTensor *other, const aclScalar *alpha,
                                            uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    requireNotNull({{"selfRef", selfRef}, {"other", other}, {"alpha", alpha}});
    return tensorPlan(Operation::add, "selfRef", selfRef, other, alpha, "selfRef", selfRef);
  });
}
EMULATOR_PHASE_TWO(aclnnInplaceAdd)

aclnnStatus aclnnInplaceAddsGetWorkspaceSize(const aclTensor *selfRef, const aclScalar *other, const aclScalar *alpha,
                                             uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    requireNotNull({{"selfRef", selfRef}, {"other", other}, {"alpha", alpha}});
    return scalarPlan(Operation::add, "selfRef", selfRef, other, alpha, "selfRef", selfRef);
  });
}
EMULATOR_PHASE_TWO(aclnnInplaceAdds)

aclnnStatus aclnnMulGetWorkspaceSize(const aclTensor *self, const aclTensor *other, aclTensor *out, uint64_t *workspaceSize,
                                     aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    requireNotNull({{"self", self}, {"other", other}, {"out", out}});
    return tensorPlan(Operation::multiply, "self", self, other, nullptr, "out", out);
  });
}
EMULATOR_PHASE_TWO(aclnnMul)

aclnnStatus aclnnMulsGetWorkspaceSize(const aclTensor *self, const aclScalar *other, aclTensor *out, uint64_t *workspaceSize,
                                      aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    requireNotNull({{"self", self}, {"other", other}, {"out", out}});
    return scalarPlan(Operation::multiply, "self", self, other, nullptr, "out", out);
  });
}
EMULATOR_PHASE_TWO(aclnnMuls)

aclnnStatus aclnnInplaceMulGetWorkspaceSize(aclTensor *selfRef, const aclTensor *other, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    requireNotNull({{"selfRef", selfRef}, {"other", other}});
    return tensorPlan(Operation::multiply, "selfRef", selfRef, other, nullptr, "selfRef", selfRef);
  });
}
EMULATOR_PHASE_TWO(aclnnInplaceMul)

aclnnStatus aclnnInplaceMulsGetWorkspaceSize(aclTensor *selfRef, const aclScalar *other, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] {
    requireNotNull({{"selfRef", selfRef}, {"other", other}});
    return scalarPlan(Operation::multiply, "selfRef", selfRef, other, nullptr, "selfRef", selfRef);
  });
}
EMULATOR_PHASE_TWO(aclnnInplaceMuls)

}  // extern "C"
