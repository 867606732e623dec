// What no sane program does: sizes that overflow, handles of another kind, memory that is not there, threads that
// destroy what others use. Each gets an error or a violation; nothing crashes, hangs, or is undefined behaviour.
#include <atomic>

#include "op.h"

// Sanitizers end a program that asks for absurd amounts of memory. malloc can be made to refuse, as it does without
// them; operator new cannot.
extern "C" __attribute__((visibility("default"))) const char *__asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" __attribute__((visibility("default"))) const char *__tsan_default_options() { return "allocator_may_return_null=1"; }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool newRefuses = false;
#else
constexpr bool newRefuses = true;
#endif

namespace {

aclTensor *tensorOf(const Shape &shape, const Shape &strides = {}, int64_t offset = 0, const Shape &storage = {},
                    void *address = nullptr, aclDataType dtype = ACL_FLOAT) {
  return aclCreateTensor(shape.data(), shape.size(), dtype, strides.empty() ? nullptr : strides.data(), offset, ACL_FORMAT_ND,
                         storage.empty() ? nullptr : storage.data(), storage.size(), address);
}

void refused(aclTensor *tensor, const char *word) {
  CHECK(tensor == nullptr);
  const char *text = aclGetRecentErrMsg();
  CHECK(text && strstr(text, word));
}

void sizes() {
  const int64_t most = INT64_MAX;
  refused(tensorOf({most}), "2^48");
  refused(tensorOf({most, most}), "2^48");
  refused(tensorOf({0, most, most}), "2^48");
  refused(tensorOf({int64_t{1} << 40, int64_t{1} << 40}, {0, 0}), "2^48");
  refused(tensorOf({2, 2}, {most, most}), "2^48");
  refused(tensorOf({2, 2}, {int64_t{1} << 47, int64_t{1} << 48}), "2^48");
  refused(tensorOf({1, 1}, {most, 1}), "2^48");
  refused(tensorOf({2}, {1}, most), "offset");
  refused(tensorOf({2}, {-1}), "negative");
  refused(tensorOf({2}, {}, 0, {-5}), "negative");
  refused(tensorOf({2}, {}, 0, {most, 4}), "2^48");
  refused(tensorOf(Shape(26, 1)), "26 values");
  int64_t one = 1;
  float value = 1;
  CHECK(aclCreateTensor(&one, UINT64_MAX, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, nullptr) == nullptr);
  CHECK(aclCreateIntArray(&one, UINT64_MAX) == nullptr);
  CHECK(aclCreateFloatArray(&value, UINT64_MAX / 2) == nullptr);
  CHECK(aclCreateScalar(&value, static_cast<aclDataType>(12345)) == nullptr);
  CHECK(ascendEmulatorLiveObjects("tensor") == 0);

  // A result of 2^44 elements whose inputs are one repeated number: the shapes fit, the memory does not.
  StreamHandle stream;
  DeviceBuffer buffer(64);
  aclTensor *long1 = tensorOf({4, int64_t{1} << 44}, {0, 0}, 0, {1}, buffer.address);
  aclTensor *long2 = tensorOf({int64_t{1} << 44, 4}, {0, 0}, 0, {1}, buffer.address);
  aclTensor *huge = tensorOf({4, int64_t{1} << 44}, {}, 0, {}, buffer.address);
  const Device small(ACL_FLOAT, {4, 4});
  uint64_t size = 0;
  aclOpExecutor *executor = nullptr;
  CHECK_OK(aclnnTanhGetWorkspaceSize(huge, huge, &size, &executor));
  CHECK_OK(aclnnTanh(nullptr, size, executor, stream));
  CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, aclrtSynchronizeStream(stream));
  CHECK_VIOLATION("out-of-bounds", "aclnnTanh");
  if (newRefuses) {
    CHECK_OK(aclnnMmGetWorkspaceSize(long1, long2, small, 0, &size, &executor));
    DeviceBuffer workspace(size);
    CHECK_OK(aclnnMm(workspace.address, size, executor, stream));
    CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, aclrtSynchronizeStream(stream));  // the host has no 2^44 floats
  }
  for (aclTensor *tensor : {long1, long2, huge}) CHECK_OK(aclDestroyTensor(tensor));
  CHECK_NO_VIOLATION();
}

void memory() {
  void *address = nullptr;
  for (const size_t size : {SIZE_MAX, SIZE_MAX - 31, SIZE_MAX - 63, SIZE_MAX - 64, SIZE_MAX - 127, SIZE_MAX / 2}) {
    CHECK_STATUS(ACL_ERROR_RT_MEMORY_ALLOCATION, aclrtMalloc(&address, size, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_STATUS(ACL_ERROR_RT_MEMORY_ALLOCATION, aclrtMallocHost(&address, size));
  }
  ascendEmulatorLimitMemory(UINT64_MAX);
  CHECK_STATUS(ACL_ERROR_RT_MEMORY_ALLOCATION, aclrtMalloc(&address, SIZE_MAX - 127, ACL_MEM_MALLOC_HUGE_FIRST));
  ascendEmulatorLimitMemory(64 * kMiB);

  DeviceBuffer device(64);
  PinnedBuffer pinned(64);
  StreamHandle stream;
  char host[64];
  for (const size_t size : {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 63, SIZE_MAX / 2}) {
    CHECK(aclrtMemcpy(host, SIZE_MAX, device.at(16), size, ACL_MEMCPY_DEVICE_TO_HOST) != ACL_SUCCESS);
    CHECK_VIOLATION("out-of-bounds", "aclrtMemcpy");
    CHECK(aclrtMemset(pinned.bytes() + 16, SIZE_MAX, 0, size) != ACL_SUCCESS);
    CHECK_VIOLATION("out-of-bounds", "aclrtMemset");
    CHECK(aclrtMemcpyAsync(pinned.address, SIZE_MAX, device.address, size, ACL_MEMCPY_DEVICE_TO_HOST, stream) != ACL_SUCCESS);
    CHECK_VIOLATION("out-of-bounds", "aclrtMemcpyAsync");
  }

  // An address that no element may have; a bad address under a tensor without elements does not matter.
  aclTensor *odd = tensorOf({4}, {}, 0, {4}, device.at(2));
  uint64_t size = 0;
  aclOpExecutor *executor = nullptr;
  CHECK_OK(aclnnTanhGetWorkspaceSize(odd, odd, &size, &executor));
  CHECK_OK(aclnnTanh(nullptr, size, executor, stream));
  CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, aclrtSynchronizeStream(stream));
  CHECK_VIOLATION("misaligned", "aclnnTanh");
  CHECK_OK(aclDestroyTensor(odd));
  aclTensor *nothing = tensorOf({0, 3}, {3, 1}, 7, {}, nullptr);
  const Device sum(ACL_FLOAT, {3});
  CHECK_OK(perform(aclnnReduceSumGetWorkspaceSize, aclnnReduceSum, nothing, Integers({0}), false, ACL_FLOAT, sum));
  CHECK_EXACT(sum, (Values{0, 0, 0}));
  CHECK_OK(aclDestroyTensor(nothing));
}

// A living handle of one kind given where another is expected.
void otherKinds() {
  const Device tensor(ACL_FLOAT, {2}, {1, 2});
  const Scalar scalar(1.0f);
  const Integers array({0});
  StreamHandle stream;
  EventHandle event;
  void *const handles[] = {tensor.operator aclTensor *(), scalar.handle, array.handle, stream.stream, event.event, &stream};
  uint64_t size = 0;
  aclOpExecutor *executor = nullptr;
  for (void *handle : handles) {
    const auto as = [&](auto *type) { return static_cast<decltype(type)>(handle); };
    const auto isViolation = [&](aclError status) {
      CHECK(status != ACL_SUCCESS && ascendEmulatorViolationCount() == 1);
      ascendEmulatorReset();
    };
    if (handle != stream.stream) isViolation(aclrtSynchronizeStream(handle));
    if (handle != event.event) isViolation(aclrtSynchronizeEvent(handle));
    if (handle != scalar.handle) isViolation(aclnnMulsGetWorkspaceSize(tensor, as((aclScalar *)nullptr), tensor, &size, &executor));
    if (handle != array.handle) isViolation(aclnnPermuteGetWorkspaceSize(tensor, as((aclIntArray *)nullptr), tensor, &size, &executor));
    if (handle != tensor.operator aclTensor *()) isViolation(aclnnTanhGetWorkspaceSize(as((aclTensor *)nullptr), tensor, &size, &executor));
    isViolation(aclrtSetCurrentContext(handle));
    isViolation(aclnnTanh(nullptr, 0, as((aclOpExecutor *)nullptr), stream));
    isViolation(aclmdlRIExecuteAsync(handle, stream));
    isViolation(aclDestroyTensorList(as((aclTensorList *)nullptr)));
  }
}

// Threads that use, replace and destroy the same objects: one of them gets each, the others an error.
void threads() {
  std::atomic<aclTensor *> shared{nullptr};
  std::atomic<int> ran{0};
  std::vector<std::thread> all;
  for (int t = 0; t < 4; ++t)
    all.emplace_back([&, t] {
      CHECK_OK(aclrtSetDevice(0));
      {
        DeviceBuffer memory(64);
        StreamHandle stream;
        for (int i = 0; i < 300; ++i) {
          aclTensor *mine = tensorOf({16}, {}, 0, {16}, memory.address);
          aclTensor *before = shared.exchange(mine);
          uint64_t size = 0;
          aclOpExecutor *executor = nullptr;
          aclTensor *seen = shared.load();
          if (aclnnTanhGetWorkspaceSize(seen, seen, &size, &executor) == ACL_SUCCESS) {
            if (i % 2) CHECK_OK(aclDestroyAclOpExecutor(executor));
            else if (aclnnTanh(nullptr, size, executor, stream) == ACL_SUCCESS) ++ran;
          }
          if (t % 2) aclInitTensor(seen, nullptr, 0, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, memory.address);
          aclDestroyTensor(before);
        }
        aclrtSynchronizeDevice();
      }
      CHECK_OK(aclrtResetDevice(0));
    });
  for (std::thread &thread : all) thread.join();
  aclDestroyTensor(shared.load());
  CHECK(ran > 0);

  // One executor, many threads: exactly one runs it.
  const Device x(ACL_FLOAT, {2}, {0, 0});
  for (int round = 0; round < 20; ++round) {
    uint64_t size = 0;
    aclOpExecutor *executor = nullptr;
    CHECK_OK(aclnnTanhGetWorkspaceSize(x, x, &size, &executor));
    std::atomic<int> succeeded{0};
    std::vector<std::thread> racing;
    for (int t = 0; t < 3; ++t)
      racing.emplace_back([&] {
        CHECK_OK(aclrtSetDevice(0));
        succeeded += aclnnTanh(nullptr, size, executor, nullptr) == ACL_SUCCESS;
        CHECK_OK(aclrtResetDevice(0));
      });
    for (std::thread &thread : racing) thread.join();
    CHECK(succeeded == 1);
  }
  CHECK_OK(aclrtSynchronizeDevice());
  ascendEmulatorReset();
}

}  // namespace

int main() {
  Session session;
  sizes();
  memory();
  otherKinds();
  threads();
  ascendEmulatorFailCall(nullptr, 1, 1);
  ascendEmulatorFaultCall(nullptr, 1, 1);
  CHECK(ascendEmulatorCallCount(nullptr) == 0);
  CHECK(ascendEmulatorReport(nullptr, 100) > 0);
  ascendEmulatorSetDeviceCount(UINT32_MAX);
  uint32_t devices = 0;
  CHECK_OK(aclrtGetDeviceCount(&devices));
  CHECK(devices == 64);
  CHECK(ascendEmulatorReport(nullptr, 0) > 0);
  return 0;
}
