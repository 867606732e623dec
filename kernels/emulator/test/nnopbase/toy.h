// A toy operator on the two-phase frame, so that the frame is tested without the operator library:
// out = scale * x (+ y when given), int32, any strides, with a workspace; and shorthands for descriptors.
#pragma once
#include "../../src/nnopbase/op.h"
#include "../runtime/session.h"

using emulator::Plan;
using emulator::Shape;
using emulator::View;
using emulator::Views;

constexpr uint64_t kToyWorkspace = 128;

inline int32_t *element(const View &view, int64_t index) {
  int64_t at = 0;
  for (size_t i = view.shape.size(); i-- > 0; index /= view.shape[i]) at += index % view.shape[i] * view.strides[i];
  return view.first<int32_t>() + at;
}

inline aclnnStatus toyGetWorkspaceSize(const aclTensor *x, const aclTensor *y, const aclTensor *out, int32_t scale,
                                       uint64_t *workspaceSize, aclOpExecutor **executor, bool repeatable = true) {
  return emulator::planOp("toyGetWorkspaceSize", workspaceSize, executor, [&] {
    emulator::requireNotNull({{"x", x}, {"out", out}});
    emulator::requireDtype("x", x, {ACL_INT32});
    emulator::requireShape("out", out, emulator::get(x).shape);
    Plan plan{{x, y}, {out}, kToyWorkspace, [scale](const Views &in, const Views &out, std::byte *workspace) {
      for (uint64_t i = 0; i < kToyWorkspace; ++i) CHECK(workspace[i] == std::byte{0xFF});
      for (int64_t i = 0; i < in[0].numel(); ++i) {
        if (scale == 0) continue;  // leaves the output unwritten
        *element(out[0], i) = *element(in[0], i) * scale + (in[1] ? *element(in[1], i) : 0);
      }
      if (scale < 0) throw emulator::Failure(ACL_ERROR_RT_VECTOR_CORE_EXCEPTION, "scale is negative");
    }};
    plan.repeatable = repeatable;
    return plan;
  });
}

inline aclnnStatus toy(void *workspace, uint64_t size, aclOpExecutor *executor, aclrtStream stream) {
  return emulator::runOp("toy", workspace, size, executor, stream);
}

// A descriptor over its own or somebody's device memory; contiguous unless strides are given.
struct TensorHandle {
  TensorHandle(void *address, const Shape &shape, const Shape &strides = {}, int64_t offset = 0,
               aclDataType dtype = ACL_INT32, int64_t storage = 0) {
    if (storage == 0) storage = offset + emulator::extent(shape, strides.empty() ? emulator::contiguousStrides(shape) : strides);
    tensor = aclCreateTensor(shape.data(), shape.size(), dtype, strides.empty() ? nullptr : strides.data(), offset,
                             ACL_FORMAT_ND, &storage, 1, address);
    CHECK(tensor);
  }
  ~TensorHandle() { CHECK_OK(aclDestroyTensor(tensor)); }
  TensorHandle(const TensorHandle &) = delete;
  operator aclTensor *() const { return tensor; }
  aclTensor *tensor;
};

inline void upload(const DeviceBuffer &buffer, const std::vector<int32_t> &values) {
  CHECK_OK(aclrtMemcpy(buffer.address, buffer.size, values.data(), values.size() * 4, ACL_MEMCPY_HOST_TO_DEVICE));
}

inline std::vector<int32_t> download(const DeviceBuffer &buffer, size_t count) {
  std::vector<int32_t> values(count);
  CHECK_OK(aclrtMemcpy(values.data(), count * 4, buffer.address, count * 4, ACL_MEMCPY_DEVICE_TO_HOST));
  return values;
}

using Ints = std::vector<int32_t>;
