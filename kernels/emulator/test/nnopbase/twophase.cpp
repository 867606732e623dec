// The two-phase frame: results, views, workspaces, one-shot executors, faults, and every violation it reports.
#include "toy.h"

int main() {
  Session session;
  StreamHandle stream;
  DeviceBuffer x(64), y(64), out(64), workspace(kToyWorkspace);
  upload(x, {1, 2, 3, 4, 5, 6});
  upload(y, {10, 20, 30, 40, 50, 60});
  TensorHandle tx(x.address, {2, 3}), ty(y.address, {2, 3}), tout(out.address, {2, 3});
  uint64_t size = 0;
  aclOpExecutor *executor = nullptr;

  const auto run = [&](const aclTensor *a, const aclTensor *b, const aclTensor *c, int32_t scale) {
    CHECK_OK(toyGetWorkspaceSize(a, b, c, scale, &size, &executor));
    CHECK_OK(toy(workspace.address, size, executor, stream));
    return aclrtSynchronizeStream(stream);
  };

  CHECK_OK(run(tx, ty, tout, 2));
  CHECK(download(out, 6) == (Ints{12, 24, 36, 48, 60, 72}));
  CHECK_OK(run(tx, nullptr, tout, 3));  // the optional input absent
  CHECK(download(out, 6) == (Ints{3, 6, 9, 12, 15, 18}));
  CHECK(size == kToyWorkspace);

  // Views: transposed input, zero stride, an output with gaps.
  {
    TensorHandle transposed(x.address, {3, 2}, {1, 3}), repeated(y.address, {3, 2}, {0, 1}), gaps(out.address, {3, 2}, {4, 2}, 1);
    CHECK_OK(aclrtMemset(out.address, 64, 0, 64));
    CHECK_OK(run(transposed, repeated, gaps, 1));
    CHECK(download(out, 12) == (Ints{0, 11, 0, 24, 0, 12, 0, 25, 0, 13, 0, 26}));
  }

  // An operator that leaves its output unwritten leaves poison, also between the gaps' elements only.
  {
    TensorHandle gaps(out.address, {3}, {2});
    TensorHandle three(x.address, {3});
    CHECK_OK(aclrtMemset(out.address, 64, 0, 64));
    CHECK_OK(run(three, nullptr, gaps, 0));
    CHECK(download(out, 6) == (Ints{-1, 0, -1, 0, -1, 0}));
    upload(out, {7, 8, 9});
    TensorHandle inPlace(out.address, {3});
    CHECK_OK(run(inPlace, nullptr, inPlace, 2));  // read and written: not poisoned
    CHECK(download(out, 3) == (Ints{14, 16, 18}));
  }

  // Empty tensors: no workspace, nothing to do, no memory needed.
  {
    TensorHandle empty(nullptr, {0, 3});
    CHECK_OK(toyGetWorkspaceSize(empty, nullptr, empty, 1, &size, &executor));
    CHECK(size == 0);
    CHECK_OK(toy(nullptr, 0, executor, stream));
  }

  // Phase 1 refuses and makes no executor.
  {
    const uint64_t before = ascendEmulatorLiveObjects("executor");
    TensorHandle wrongShape(out.address, {3, 2}), wrongDtype(x.address, {2, 3}, {}, 0, ACL_FLOAT);
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, toyGetWorkspaceSize(nullptr, nullptr, tout, 1, &size, &executor));
    CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, toyGetWorkspaceSize(tx, nullptr, tout, 1, nullptr, &executor));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, toyGetWorkspaceSize(tx, nullptr, wrongShape, 1, &size, &executor));
    CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, toyGetWorkspaceSize(wrongDtype, nullptr, tout, 1, &size, &executor));
    CHECK(ascendEmulatorLiveObjects("executor") == before);
    inThread([&] {
      CHECK_STATUS(ACLNN_ERR_RUNTIME_ERROR, toyGetWorkspaceSize(tx, nullptr, tout, 1, &size, &executor));
      CHECK(strstr(aclGetRecentErrMsg(), "107002"));
    });
  }

  // The workspace: missing, too small, misplaced. The executor is gone each time.
  const auto plan = [&] { CHECK_OK(toyGetWorkspaceSize(tx, nullptr, tout, 1, &size, &executor)); };
  plan();
  CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, toy(nullptr, size, executor, stream));
  CHECK_VIOLATION("missing-workspace", "toy");
  CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, toy(workspace.address, size, executor, stream));
  CHECK_VIOLATION("executor-reused", "toy");
  plan();
  CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, toy(workspace.address, size - 1, executor, stream));
  CHECK_VIOLATION("small-workspace", "toy");
  plan();
  CHECK_OK(toy(workspace.at(64), size, executor, stream));
  CHECK_VIOLATION("out-of-bounds", "toy");
  CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, aclrtSynchronizeStream(stream));

  // Phase 2 of another operator, on a foreign thread's or destroyed stream, twice.
  plan();
  CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, emulator::runOp("other", workspace.address, size, executor, stream));
  CHECK_VIOLATION("wrong-executor", "other");
  plan();
  inThread([&] { CHECK_STATUS(ACLNN_ERR_RUNTIME_ERROR, toy(workspace.address, size, executor, stream)); });
  plan();
  CHECK_OK(toy(workspace.address, size, executor, stream));
  CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, toy(workspace.address, size, executor, stream));
  CHECK_VIOLATION("executor-reused", "toy");
  CHECK_OK(aclrtSynchronizeStream(stream));

  // Memory that is too small, freed, no device memory, misaligned, of another device.
  {
    TensorHandle large(x.address, {2, 100}), largeOut(out.address, {2, 100});
    CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, run(large, nullptr, largeOut, 1));
    CHECK_VIOLATION("out-of-bounds", "toy");
    int32_t host[6];
    TensorHandle onHost(host, {2, 3}), nowhere(nullptr, {2, 3}), odd(x.at(4), {2, 3});
    CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, run(onHost, nullptr, tout, 1));
    CHECK_VIOLATION("wild-address", "toy");
    CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, run(nowhere, nullptr, tout, 1));
    CHECK_VIOLATION("wild-address", "toy");
    CHECK_OK(run(odd, nullptr, tout, 1));
    CHECK_VIOLATION("misaligned", "toy");
    void *freed = nullptr;
    CHECK_OK(aclrtMalloc(&freed, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    TensorHandle stale(freed, {2, 3});
    CHECK_OK(aclrtFree(freed));
    CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, run(stale, nullptr, tout, 1));
    CHECK_VIOLATION("use-after-free", "toy");

    ascendEmulatorSetDeviceCount(2);
    aclrtContext mine = nullptr, other = nullptr;
    void *there = nullptr;
    CHECK_OK(aclrtGetCurrentContext(&mine));
    CHECK_OK(aclrtCreateContext(&other, 1));
    CHECK_OK(aclrtMalloc(&there, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_OK(aclrtSetCurrentContext(mine));
    TensorHandle remote(there, {2, 3});
    CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, run(remote, nullptr, tout, 1));
    CHECK_VIOLATION("wrong-device", "toy");
    CHECK_OK(aclrtFree(there));
    CHECK_OK(aclrtDestroyContext(other));
  }

  // Freed between phase 2 and execution.
  {
    void *doomed = nullptr;
    CHECK_OK(aclrtMalloc(&doomed, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    TensorHandle tdoomed(doomed, {2, 3});
    ascendEmulatorHold(1);
    CHECK_OK(toyGetWorkspaceSize(tx, nullptr, tdoomed, 1, &size, &executor));
    CHECK_OK(toy(workspace.address, size, executor, stream));
    CHECK_OK(aclrtFree(doomed));
    CHECK_VIOLATION("free-in-flight", "aclrtFree");
    ascendEmulatorHold(0);
    CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, aclrtSynchronizeStream(stream));
    CHECK_VIOLATION("use-after-free", "toy");
  }

  // A kernel's own fault surfaces at the synchronise, with the operator's name.
  CHECK_STATUS(ACL_ERROR_RT_VECTOR_CORE_EXCEPTION, run(tx, nullptr, tout, -1));
  CHECK_OK(run(tx, nullptr, tout, 1));

  // The same workspace on two streams without an event.
  {
    StreamHandle second;
    DeviceBuffer out2(64);
    TensorHandle tout2(out2.address, {2, 3});
    plan();
    CHECK_OK(toy(workspace.address, size, executor, stream));
    settle();
    CHECK_OK(toyGetWorkspaceSize(tx, nullptr, tout2, 1, &size, &executor));
    CHECK_OK(toy(workspace.address, size, executor, second));
    CHECK_VIOLATION("unordered-streams", "toy");
    CHECK_OK(aclrtSynchronizeStream(stream));
    CHECK_OK(aclrtSynchronizeStream(second));
  }

  // Without arithmetic everything is checked and nothing computed.
  CHECK_OK(aclrtMemset(out.address, 64, 0, 64));
  ascendEmulatorSetArithmetic(0);
  CHECK_OK(run(tx, nullptr, tout, 1));
  ascendEmulatorSetArithmetic(1);
  CHECK(download(out, 1) == (Ints{0}));

  // Descriptors may go right after phase 2, not before it.
  {
    auto *shortLived = new TensorHandle(x.address, {2, 3});
    CHECK_OK(toyGetWorkspaceSize(*shortLived, nullptr, tout, 2, &size, &executor));
    ascendEmulatorHold(1);
    CHECK_OK(toy(workspace.address, size, executor, stream));
    delete shortLived;
    ascendEmulatorHold(0);
    CHECK_OK(aclrtSynchronizeStream(stream));
    CHECK(download(out, 2) == (Ints{2, 4}));
    CHECK_NO_VIOLATION();
    shortLived = new TensorHandle(x.address, {2, 3});
    CHECK_OK(toyGetWorkspaceSize(*shortLived, nullptr, tout, 2, &size, &executor));
    delete shortLived;
    CHECK_OK(toy(workspace.address, size, executor, stream));
    CHECK_VIOLATION("destroyed-handle", "toy");
    CHECK_OK(aclrtSynchronizeStream(stream));
  }

  // An executor that is neither run nor destroyed is a leak.
  plan();
  CHECK_OK(aclDestroyAclOpExecutor(executor));
  CHECK(ascendEmulatorLiveObjects("executor") == 0);
  CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclDestroyAclOpExecutor(executor));
  CHECK_VIOLATION("destroyed-handle", "aclDestroyAclOpExecutor");
  CHECK_STATUS(ACLNN_ERR_INNER_NULLPTR, aclDestroyAclOpExecutor(nullptr));
  return 0;
}
