// Device and pinned memory: alignment, poison, limits, copies, protection from the host.
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"

namespace {

// The exit signal of a child that reads the address; 0 if it could.
int readingKills(const void *address) {
  const pid_t child = fork();
  if (child == 0) {
    // Sanitizers catch the signal and exit with a status: both count as killed.
    const volatile char c = *static_cast<const volatile char *>(address);
    _exit(c == 0 ? 0 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

int main() {
  Session session;

  void *address = nullptr;
  CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMalloc(&address, 0, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMalloc(nullptr, 8, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtFree(nullptr));

  size_t free0, free1, total;
  CHECK_OK(aclrtGetMemInfo(ACL_DDR_MEM, &free0, &total));
  CHECK(free0 == 0 && total == 0);
  ascendEmulatorLimitMemory(kMiB);
  CHECK_OK(aclrtGetMemInfo(ACL_HBM_MEM, &free0, &total));
  CHECK(free0 == kMiB && total == kMiB);
  {
    DeviceBuffer buffer(1000);
    CHECK(reinterpret_cast<uintptr_t>(buffer.address) % 64 == 0);
    CHECK_OK(aclrtGetMemInfo(ACL_HBM_MEM, &free1, &total));
    CHECK(free0 - free1 == 1024 + 32);  // rounded up to 32, and 32 more
    CHECK_STATUS(ACL_ERROR_RT_MEMORY_ALLOCATION, aclrtMalloc(&address, kMiB - 1024, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_OK(aclrtMallocAlign32(&address, kMiB - 1056, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_OK(aclrtFree(address));
    CHECK(readingKills(buffer.address) != 0);
  }
  CHECK_OK(aclrtGetMemInfo(ACL_HBM_MEM, &free1, &total));
  CHECK(free1 == free0);
  ascendEmulatorLimitMemory(64 * kMiB);

  // Fresh memory is poisoned, whatever it held before.
  unsigned char host[256];
  for (int round = 0; round < 2; ++round) {
    DeviceBuffer buffer(256);
    CHECK_OK(aclrtMemcpy(host, 256, buffer.address, 256, ACL_MEMCPY_DEVICE_TO_HOST));
    for (unsigned char c : host) CHECK(c == 0xFF);
    CHECK_OK(aclrtMemset(buffer.address, 256, 7, 256));
  }

  // Blocking copies in all four directions; the kind is ignored, but a wrong one is reported.
  {
    DeviceBuffer a(256), b(256);
    unsigned char in[256], out[256];
    for (int i = 0; i < 256; ++i) in[i] = static_cast<unsigned char>(i);
    CHECK_OK(aclrtMemcpy(a.address, 256, in, 256, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_OK(aclrtMemcpy(b.at(1), 255, a.address, 255, ACL_MEMCPY_DEVICE_TO_DEVICE));
    CHECK_OK(aclrtMemcpy(out, 256, b.at(1), 255, ACL_MEMCPY_DEFAULT));
    CHECK(memcmp(in, out, 255) == 0);
    CHECK_OK(aclrtMemcpy(out, 256, in, 256, ACL_MEMCPY_HOST_TO_HOST));
    CHECK(memcmp(in, out, 256) == 0);
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtMemcpy(out, 255, in, 256, ACL_MEMCPY_HOST_TO_HOST));
    CHECK_NO_VIOLATION();
    CHECK_OK(aclrtMemcpy(out, 256, a.address, 256, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK(memcmp(in, out, 256) == 0);
    CHECK_VIOLATION("wrong-copy-kind", "aclrtMemcpy");
  }

  // Pinned memory: aligned, poisoned, may be filled; other host memory may not.
  {
    PinnedBuffer pinned(100);
    CHECK(reinterpret_cast<uintptr_t>(pinned.address) % 64 == 0);
    CHECK(pinned.bytes()[99] == 0xFF);
    CHECK_OK(aclrtMemset(pinned.address, 100, 3, 100));
    CHECK(pinned.bytes()[99] == 3);
    CHECK_NO_VIOLATION();
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemset(host, 256, 0, 256));
    CHECK_VIOLATION("wild-address", "aclrtMemset");
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemset(pinned.address, 128, 0, 128));
    CHECK_VIOLATION("out-of-bounds", "aclrtMemset");
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFreeHost(pinned.bytes() + 1));
    CHECK_VIOLATION("invalid-free", "aclrtFreeHost");
  }

  // Leaving an allocation, using freed memory, freeing twice, freeing the inside.
  {
    DeviceBuffer buffer(256);
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemcpy(host, 256, buffer.at(1), 256, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK_VIOLATION("out-of-bounds", "aclrtMemcpy");
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFree(buffer.at(64)));
    CHECK_VIOLATION("invalid-free", "aclrtFree");
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFree(host));
    CHECK_VIOLATION("invalid-free", "aclrtFree");
    CHECK_OK(aclrtMalloc(&address, 64, ACL_MEM_MALLOC_NORMAL_ONLY));
    CHECK_OK(aclrtFree(address));
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtFree(address));
    CHECK_VIOLATION("use-after-free", "aclrtFree");
    CHECK_STATUS(ACL_ERROR_RT_PARAM_INVALID, aclrtMemset(address, 64, 0, 64));
    CHECK_VIOLATION("use-after-free", "aclrtMemset");
  }

  // Many short-lived allocations: nothing stays behind.
  for (int i = 0; i < 20000; ++i) {
    DeviceBuffer small(4096);
  }
  CHECK(ascendEmulatorLiveObjects("device-memory") == 0);
  return 0;
}
