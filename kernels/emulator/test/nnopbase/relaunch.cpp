// What was worked out for the first launch of an executor or a graph does not outlive a change: descriptors that are
// destroyed or made anew, memory that is freed between launches or before the device gets there.
#include "toy.h"

namespace {

struct Repeatable {
  explicit Repeatable(const aclTensor *x, const aclTensor *out) {
    CHECK_OK(toyGetWorkspaceSize(x, nullptr, out, 2, &size, &executor));
    CHECK_OK(aclSetAclOpExecutorRepeatable(executor));
  }
  ~Repeatable() { CHECK_OK(aclDestroyAclOpExecutor(executor)); }
  void launch(aclrtStream stream) { CHECK_OK(toy(workspace.address, size, executor, stream)); }
  // Three times, so that nothing is left to be worked out.
  void warmUp(aclrtStream stream) {
    for (int i = 0; i < 3; ++i) launch(stream);
    CHECK_OK(aclrtSynchronizeStream(stream));
    CHECK_NO_VIOLATION();
  }
  DeviceBuffer workspace{kToyWorkspace};
  uint64_t size = 0;
  aclOpExecutor *executor = nullptr;
};

void *allocate() {
  void *address = nullptr;
  CHECK_OK(aclrtMalloc(&address, 64, ACL_MEM_MALLOC_HUGE_FIRST));
  return address;
}

}  // namespace

int main() {
  Session session;
  StreamHandle stream;
  DeviceBuffer x(64), other(128), out(64);
  upload(x, {1, 2});
  upload(other, {3, 4});
  TensorHandle tout(out.address, {2});

  // An address given to the descriptor itself; a descriptor made anew; memory that has nothing to do with it.
  {
    TensorHandle tx(x.address, {2});
    Repeatable executor(tx, tout);
    executor.warmUp(stream);
    CHECK_OK(aclSetRawTensorAddr(tx, other.address));
    CHECK_OK(aclrtFree(allocate()));
    executor.launch(stream);
    CHECK_OK(aclrtSynchronizeStream(stream));
    CHECK(download(out, 2) == (Ints{6, 8}));
    executor.warmUp(stream);
    const int64_t shape = 2;
    CHECK_OK(aclInitTensor(tx, &shape, 1, ACL_INT32, nullptr, 0, ACL_FORMAT_ND, &shape, 1, x.address));
    executor.launch(stream);
    CHECK_OK(aclrtSynchronizeStream(stream));
    CHECK(download(out, 2) == (Ints{2, 4}));
    CHECK_NO_VIOLATION();
  }

  // A descriptor that is destroyed is reported by every launch from then on.
  {
    auto tx = std::make_unique<TensorHandle>(x.address, Shape{2});
    Repeatable executor(*tx, tout);
    executor.warmUp(stream);
    tx.reset();
    for (int i = 0; i < 3; ++i) {
      executor.launch(stream);
      CHECK_VIOLATION("destroyed-handle", "toy");
    }
    CHECK_OK(aclrtSynchronizeStream(stream));
  }

  // A base that is not aligned is reported by every launch.
  {
    TensorHandle tx(other.at(32), {2});
    Repeatable executor(tx, tout);
    for (int i = 0; i < 3; ++i) {
      executor.launch(stream);
      CHECK_VIOLATION("misaligned", "toy");
    }
    CHECK_OK(aclrtSynchronizeStream(stream));
  }

  // Memory freed between launches: each of them and the device say so.
  {
    void *doomed = allocate();
    TensorHandle tx(doomed, {2});
    Repeatable executor(tx, tout);
    executor.warmUp(stream);
    CHECK_OK(aclrtFree(doomed));
    for (int i = 0; i < 3; ++i) {
      executor.launch(stream);
      CHECK_VIOLATION("use-after-free", "toy");
      CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, aclrtSynchronizeStream(stream));
    }
  }

  // Freed before the device gets there.
  {
    void *doomed = allocate();
    TensorHandle tx(doomed, {2});
    Repeatable executor(tx, tout);
    executor.warmUp(stream);
    ascendEmulatorHold(1);
    executor.launch(stream);
    CHECK_NO_VIOLATION();
    CHECK_OK(aclrtFree(doomed));
    CHECK_VIOLATION("free-in-flight", "aclrtFree");
    ascendEmulatorHold(0);
    CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, aclrtSynchronizeStream(stream));
    CHECK_VIOLATION("use-after-free", "toy");
  }

  // The same of a graph that has been replayed.
  {
    void *doomed = allocate();
    TensorHandle tx(doomed, {2});
    Repeatable executor(tx, tout);
    aclmdlRI graph = nullptr;
    CHECK_OK(aclmdlRICaptureBegin(stream, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
    executor.launch(stream);
    CHECK_OK(aclmdlRICaptureEnd(stream, &graph));
    for (int i = 0; i < 3; ++i) CHECK_OK(aclmdlRIExecuteAsync(graph, stream));
    CHECK_OK(aclrtSynchronizeStream(stream));
    CHECK_NO_VIOLATION();
    CHECK_OK(aclrtFree(doomed));
    CHECK_OK(aclmdlRIExecuteAsync(graph, stream));
    CHECK_STATUS(ACL_ERROR_RT_MODEL_EXECUTE, aclrtSynchronizeStream(stream));
    CHECK_VIOLATION("use-after-free", "toy");
    CHECK_OK(aclmdlRIDestroy(graph));
  }
  return 0;
}
