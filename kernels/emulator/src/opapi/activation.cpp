// Functions of one tensor: the GELU family, tanh, sigmoid.
//
// Assumption: fp16 and bf16 are computed in fp32 and rounded once, as the 910B's vector kernels are not published.
#include <cmath>

#include "../numerics/functions.h"
#include "operator.h"

namespace emulator {
namespace {

using Function32 = void (*)(Isa, const float *, float *, int64_t);
using Function64 = double (*)(double);

// Integers and bool are computed in fp32.
Kernel kernelOf(Function32 f32, Function64 f64 = nullptr) {
  return [=](const Views &in, const Views &out, std::byte *) {
    if (in[0].dtype == ACL_DOUBLE)
      elementwise<double>(in, out[0], [=](int64_t n, const double *const *x, double *y) {
        for (int64_t i = 0; i < n; ++i) y[i] = f64(x[0][i]);
      });
    else
      elementwise<float>(in, out[0], [=](int64_t n, const float *const *x, float *y) { f32(bestIsa(), x[0], y, n); });
  };
}

Plan geluPlan(const char *inName, const aclTensor *in, const char *outName, aclTensor *out, Function32 f) {
  requireNotNull({{inName, in}, {outName, out}});
  requireRank(inName, in, 0, mostAxes);
  requireDtype(inName, in, {ACL_FLOAT, ACL_FLOAT16, ACL_BF16});
  requireSameDtype(inName, in, outName, out);
  requireShape(outName, out, get(in).shape);
  return {{in}, {out}, 0, kernelOf(f)};
}

// Assumption, as PyTorch: every real dtype is accepted, an integer or bool result is floating.
Plan unaryPlan(const aclTensor *self, aclTensor *out, Function32 f32, Function64 f64) {
  requireNotNull({{"self", self}, {"out", out}});
  requireRank("self", self, 0, mostAxes);
  requireDtype("self", self, {ACL_FLOAT, ACL_FLOAT16, ACL_BF16, ACL_DOUBLE, ACL_INT8, ACL_UINT8, ACL_INT16, ACL_INT32, ACL_INT64, ACL_BOOL});
  requireDtype("out", out, {ACL_FLOAT, ACL_FLOAT16, ACL_BF16, ACL_DOUBLE});
  requireShape("out", out, get(self).shape);
  return {{self}, {out}, 0, kernelOf(f32, f64)};
}

double tanh64(double x) { return std::tanh(x); }
double sigmoid64(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

// The tanh form; the erf form is aclnnGeluV2 with approximate 0.
aclnnStatus aclnnGeluGetWorkspaceSize(const aclTensor *self, aclTensor *out, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] { return geluPlan("self", self, "out", out, geluTanhRun); });
}
EMULATOR_PHASE_TWO(aclnnGelu)

aclnnStatus aclnnGeluV2GetWorkspaceSize(const aclTensor *x, int64_t approximate, aclTensor *y, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] { return geluPlan("x", x, "y", y, approximate == 1 ? geluTanhRun : geluErfRun); });
}
EMULATOR_PHASE_TWO(aclnnGeluV2)

aclnnStatus aclnnFastGeluGetWorkspaceSize(const aclTensor *self, aclTensor *out, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] { return geluPlan("self", self, "out", out, geluFastRun); });
}
EMULATOR_PHASE_TWO(aclnnFastGelu)

aclnnStatus aclnnTanhGetWorkspaceSize(const aclTensor *self, aclTensor *out, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] { return unaryPlan(self, out, tanhRun, tanh64); });
}
EMULATOR_PHASE_TWO(aclnnTanh)

aclnnStatus aclnnInplaceTanhGetWorkspaceSize(aclTensor *selfRef, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"selfRef", selfRef}});
    requireRank("selfRef", selfRef, 0, mostAxes);
    requireDtype("selfRef", selfRef, {ACL_FLOAT, ACL_FLOAT16, ACL_BF16, ACL_DOUBLE});
    return {{selfRef}, {selfRef}, 0, kernelOf(tanhRun, tanh64)};
  });
}
EMULATOR_PHASE_TWO(aclnnInplaceTanh)

aclnnStatus aclnnSigmoidGetWorkspaceSize(const aclTensor *self, aclTensor *out, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&] { return unaryPlan(self, out, sigmoidRun, sigmoid64); });
}
EMULATOR_PHASE_TWO(aclnnSigmoid)

}  // extern "C"
