// Plants every kind of violation that src/common/violation.h lists, and sees it reported for the right function.
// A kind that this table does not plant fails the test.
#include "../../src/common/violation.h"

#include <map>

#include "op.h"

namespace {

struct Plant {
  const char *function;         // the violation is recorded for this one
  std::function<void()> plant;  // and leaves nothing behind
};

void *allocate(size_t size) {
  void *memory = nullptr;
  CHECK_OK(aclrtMalloc(&memory, size, ACL_MEM_MALLOC_HUGE_FIRST));
  return memory;
}

// Phase 1 of an operator that asks for a workspace: float [2, 3] summed.
struct Summed {
  aclOpExecutor *plan() {
    aclOpExecutor *executor = nullptr;
    CHECK_OK(aclnnReduceSumGetWorkspaceSize(x, dims, false, ACL_FLOAT, out, &size, &executor));
    CHECK(size > 0);
    return executor;
  }
  Device x{ACL_FLOAT, {2, 3}, Values(6, 1)}, out{ACL_FLOAT, {2}};
  Integers dims{{1}};
  uint64_t size = 0;
};

// A tanh of a tensor of 16 floats at any address, in place, on a stream.
void tanhAt(void *address, aclrtStream stream) {
  const int64_t shape = 16;
  aclTensor *tensor = aclCreateTensor(&shape, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &shape, 1, address);
  uint64_t size = 0;
  aclOpExecutor *executor = nullptr;
  CHECK_OK(aclnnInplaceTanhGetWorkspaceSize(tensor, &size, &executor));
  CHECK_OK(aclnnInplaceTanh(nullptr, size, executor, stream));
  CHECK_OK(aclDestroyTensor(tensor));
}

void fails(aclrtStream stream) { CHECK(aclrtSynchronizeStream(stream) != ACL_SUCCESS); }

const std::map<std::string, Plant> &plants() {
  using namespace emulator;
  static const std::map<std::string, Plant> table = {
      {kind::freeInFlight, {"aclrtFree", [] {
         StreamHandle stream;
         void *memory = allocate(64);
         CHECK_OK(aclrtMemsetAsync(memory, 64, 0, 64, stream));
         settle();
         CHECK_OK(aclrtFree(memory));
         CHECK_OK(aclrtSynchronizeStream(stream));
       }}},
      {kind::useAfterFree, {"aclnnInplaceTanh", [] {
         StreamHandle stream;
         void *memory = allocate(64);
         CHECK_OK(aclrtFree(memory));
         tanhAt(memory, stream);
         fails(stream);
       }}},
      {kind::invalidFree, {"aclrtFree", [] {
         DeviceBuffer buffer(128);
         CHECK(aclrtFree(buffer.at(64)) != ACL_SUCCESS);
       }}},
      {kind::wildAddress, {"aclnnInplaceTanh", [] {
         StreamHandle stream;
         alignas(64) float host[16] = {};
         tanhAt(host, stream);
         fails(stream);
       }}},
      {kind::outOfBounds, {"aclnnInplaceTanh", [] {
         StreamHandle stream;
         DeviceBuffer buffer(60);
         tanhAt(buffer.address, stream);
         fails(stream);
       }}},
      {kind::outOfStorage, {"aclCreateTensor", [] {
         const int64_t shape = 4, storage = 3;
         CHECK_OK(aclDestroyTensor(aclCreateTensor(&shape, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &storage, 1, nullptr)));
       }}},
      {kind::misaligned, {"aclrtMemcpyAsync", [] {
         StreamHandle stream;
         DeviceBuffer buffer(128);
         PinnedBuffer pinned(64);
         CHECK_OK(aclrtMemcpyAsync(buffer.at(32), 64, pinned.address, 64, ACL_MEMCPY_HOST_TO_DEVICE, stream));
         CHECK_OK(aclrtSynchronizeStream(stream));
       }}},
      {kind::leak, {"aclrtCreateEvent", [] {
         aclrtEvent event = nullptr;
         aclrtContext mine = nullptr;
         CHECK_OK(aclrtGetCurrentContext(&mine));
         CHECK_OK(aclrtSetDevice(1));
         CHECK_OK(aclrtCreateEvent(&event));
         CHECK_OK(aclrtResetDevice(1));
         CHECK_OK(aclrtSetCurrentContext(mine));
       }}},
      {kind::missingWorkspace, {"aclnnReduceSum", [] {
         StreamHandle stream;
         Summed sum;
         aclOpExecutor *executor = sum.plan();
         CHECK_STATUS(ACLNN_ERR_PARAM_NULLPTR, aclnnReduceSum(nullptr, sum.size, executor, stream));
       }}},
      {kind::smallWorkspace, {"aclnnReduceSum", [] {
         StreamHandle stream;
         Summed sum;
         aclOpExecutor *executor = sum.plan();
         DeviceBuffer workspace(sum.size);
         CHECK_STATUS(ACLNN_ERR_PARAM_INVALID, aclnnReduceSum(workspace.address, sum.size - 1, executor, stream));
       }}},
      {kind::unpinnedAsync, {"aclrtMemcpyAsync", [] {
         StreamHandle stream;
         DeviceBuffer buffer(64);
         alignas(64) char host[64] = {};
         CHECK_OK(aclrtMemcpyAsync(buffer.address, 64, host, 64, ACL_MEMCPY_HOST_TO_DEVICE, stream));
         CHECK_OK(aclrtSynchronizeStream(stream));
       }}},
      {kind::hostToHostAsync, {"aclrtMemcpyAsync", [] {
         StreamHandle stream;
         PinnedBuffer a(64), b(64);
         CHECK(aclrtMemcpyAsync(a.address, 64, b.address, 64, ACL_MEMCPY_HOST_TO_HOST, stream) != ACL_SUCCESS);
       }}},
      {kind::wrongCopyKind, {"aclrtMemcpy", [] {
         DeviceBuffer buffer(64);
         char host[64];
         CHECK_OK(aclrtMemcpy(host, 64, buffer.address, 64, ACL_MEMCPY_HOST_TO_DEVICE));
       }}},
      {kind::missingSync, {"aclrtMemcpy", [] {
         StreamHandle stream;
         DeviceBuffer buffer(64);
         char host[64];
         CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 0, 64, stream));
         settle();
         CHECK_OK(aclrtMemcpy(host, 64, buffer.address, 64, ACL_MEMCPY_DEVICE_TO_HOST));
         CHECK_OK(aclrtSynchronizeStream(stream));
       }}},
      {kind::streamRace, {"aclrtMemsetAsync", [] {
         StreamHandle first, second;
         DeviceBuffer buffer(64);
         CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 0, 64, first));
         settle();
         CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 0, 64, second));
         CHECK_OK(aclrtSynchronizeDevice());
       }}},
      {kind::streamInFlight, {"aclrtDestroyStream", [] {
         aclrtStream stream = nullptr;
         DeviceBuffer buffer(64);
         CHECK_OK(aclrtCreateStream(&stream));
         CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 0, 64, stream));
         CHECK_OK(aclrtDestroyStream(stream));
       }}},
      {kind::destroyedHandle, {"aclDestroyTensor", [] {
         Scalar scalar(1.0f);  // a living handle, of another kind
         CHECK(aclDestroyTensor(reinterpret_cast<aclTensor *>(scalar.handle)) != ACL_SUCCESS);
       }}},
      {kind::unrecordedEvent, {"aclrtStreamWaitEvent", [] {
         StreamHandle stream;
         EventHandle event;
         CHECK_OK(aclrtStreamWaitEvent(stream, event));
       }}},
      {kind::wrongDevice, {"aclnnInplaceTanh", [] {
         StreamHandle stream;
         aclrtContext mine = nullptr, other = nullptr;
         CHECK_OK(aclrtGetCurrentContext(&mine));
         CHECK_OK(aclrtCreateContext(&other, 1));
         void *there = allocate(64);
         CHECK_OK(aclrtSetCurrentContext(mine));
         tanhAt(there, stream);
         fails(stream);
         CHECK_OK(aclrtFree(there));
         CHECK_OK(aclrtDestroyContext(other));
       }}},
      {kind::executorReused, {"aclnnReduceSum", [] {
         StreamHandle stream;
         Summed sum;
         aclOpExecutor *executor = sum.plan();
         DeviceBuffer workspace(sum.size);
         CHECK_OK(aclnnReduceSum(workspace.address, sum.size, executor, stream));
         CHECK(aclnnReduceSum(workspace.address, sum.size, executor, stream) != ACL_SUCCESS);
         CHECK_OK(aclrtSynchronizeStream(stream));
       }}},
      {kind::wrongExecutor, {"aclnnMaxDim", [] {
         StreamHandle stream;
         Summed sum;
         aclOpExecutor *executor = sum.plan();
         DeviceBuffer workspace(sum.size);
         CHECK(aclnnMaxDim(workspace.address, sum.size, executor, stream) != ACL_SUCCESS);
       }}},
      {kind::indexOutOfRange, {"aclnnIndexSelect", [] {
         const Device table(ACL_FLOAT, {4}, {1, 2, 3, 4}), index(ACL_INT64, {2}, {0, 4}), out(ACL_FLOAT, {2});
         CHECK(perform(aclnnIndexSelectGetWorkspaceSize, aclnnIndexSelect, table, 0, index, out) != ACL_SUCCESS);
       }}},
      {kind::addressUpdate, {"aclSetRawTensorAddr", [] {
         Summed sum;
         aclOpExecutor *executor = sum.plan();
         CHECK_OK(aclSetRawTensorAddr(sum.x, nullptr));
         CHECK_OK(aclDestroyAclOpExecutor(executor));
       }}},
  };
  return table;
}

}  // namespace

int main() {
  setenv("ASCEND_EMULATOR_DEVICES", "2", 1);
  size_t kinds = 0;
#define COUNT(identifier, name, meaning)                                       \
  ++kinds;                                                                     \
  if (plants().count(name) == 0) {                                             \
    fprintf(stderr, "no plant for the violation %s: %s\n", name, meaning);     \
    return 1;                                                                  \
  }
  EMULATOR_VIOLATION_KINDS(COUNT)
  CHECK(plants().size() == kinds);

  Session session;
  for (const auto &[kind, plant] : plants()) {
    plant.plant();
    CHECK_VIOLATION(kind.c_str(), plant.function);
    CHECK(ascendEmulatorLiveObjects(nullptr) == 1);  // the context of device 0
  }
  return 0;
}
