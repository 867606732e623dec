// aclnnCast, aclnnPermute, aclnnInplaceCopy: values move, perhaps to another dtype or layout.
#include <algorithm>

#include "operator.h"

namespace emulator {

void convert(const View &source, const View &target) {
  if (source.dtype == target.dtype) {  // bits, NaN payloads included
    const auto size = static_cast<int64_t>(source.elementSize());
    walk(target.shape, {strided(target, target.shape), strided(source, target.shape)}, 1 << 16,
         [size](int64_t n, std::byte *const *p, const int64_t *s) {
           if (s[0] == size && s[1] == size) return static_cast<void>(memcpy(p[0], p[1], static_cast<size_t>(n * size)));
           for (int64_t i = 0; i < n; ++i) memcpy(p[0] + i * s[0], p[1] + i * s[1], static_cast<size_t>(size));
         });
    return;
  }
  withNumber(source.dtype, [&](auto number) {
    using T = decltype(number);
    elementwise<T>({source}, target, [](int64_t n, const T *const *in, T *out) { std::copy_n(in[0], n, out); });
  });
}

}  // namespace emulator

using namespace emulator;

extern "C" {

aclnnStatus aclnnCastGetWorkspaceSize(const aclTensor *self, const aclDataType dtype, aclTensor *out, uint64_t *workspaceSize,
                                      aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"self", self}, {"out", out}});
    requireRank("self", self, 0, mostAxes);
    requireDtype("self", self, realDtypes);
    requireDtype("out", out, realDtypes);
    require(get(out).dtype == dtype, std::string("out has dtype ") + dtypeName(get(out).dtype) + "; dtype asks for " + dtypeName(dtype));
    requireShape("out", out, get(self).shape);
    return {{self}, {out}, 0, [](const Views &in, const Views &out, std::byte *) { convert(in[0], out[0]); }};
  });
}
EMULATOR_PHASE_TWO(aclnnCast)

aclnnStatus aclnnPermuteGetWorkspaceSize(const aclTensor *self, const aclIntArray *dims, aclTensor *out, uint64_t *workspaceSize,
                                         aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"self", self}, {"dims", dims}, {"out", out}});
    requireRank("self", self, 0, mostAxes);
    requireDtype("self", self, realDtypes);
    requireSameDtype("self", self, "out", out);
    const Tensor &tensor = get(self);
    require(static_cast<int64_t>(get(dims).size()) == tensor.rank(), "dims has " + std::to_string(get(dims).size()) +
                                                                         " values; self has rank " + std::to_string(tensor.rank()));
    std::vector<size_t> axes;
    Shape shape;
    for (const int64_t dim : get(dims)) {
      axes.push_back(static_cast<size_t>(requireAxis("dims", dim, tensor.rank())));
      require(std::count(axes.begin(), axes.end(), axes.back()) == 1, "dims " + shapeText(get(dims)) + " names an axis twice");
      shape.push_back(tensor.shape[axes.back()]);
    }
    requireShape("out", out, shape);
    return {{self}, {out}, 0, [axes](const Views &in, const Views &out, std::byte *) {
              View source = in[0];
              for (size_t i = 0; i < axes.size(); ++i) {
                source.shape[i] = in[0].shape[axes[i]];
                source.strides[i] = in[0].strides[axes[i]];
              }
              convert(source, out[0]);
            }};
  });
}
EMULATOR_PHASE_TWO(aclnnPermute)

aclnnStatus aclnnInplaceCopyGetWorkspaceSize(aclTensor *selfRef, const aclTensor *src, uint64_t *workspaceSize, aclOpExecutor **executor) {
  return planOp(__func__, workspaceSize, executor, [&]() -> Plan {
    requireNotNull({{"selfRef", selfRef}, {"src", src}});
    requireRank("selfRef", selfRef, 0, mostAxes);
    requireRank("src", src, 0, mostAxes);
    requireDtype("selfRef", selfRef, realDtypes);
    requireDtype("src", src, realDtypes);
    requireShape("selfRef", selfRef, broadcast(get(selfRef).shape, get(src).shape));
    return {{src}, {selfRef}, 0, [](const Views &in, const Views &out, std::byte *) { convert(in[0], out[0]); }};
  });
}
EMULATOR_PHASE_TWO(aclnnInplaceCopy)

}  // extern "C"
