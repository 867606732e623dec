// Streams are asynchronous and ordered; synchronisation, time-outs, and what is reported without it.
#include "session.h"

int main() {
  Session session;
  unsigned char host[64] = {};
  DeviceBuffer buffer(64), other(64);
  PinnedBuffer pinned(64);

  // Nothing runs while held: the call returns before the work is done.
  {
    StreamHandle stream;
    aclrtStreamStatus status;
    memset(pinned.address, 3, 64);
    ascendEmulatorHold(1);
    CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 5, 64, stream));
    CHECK_OK(aclrtMemcpyAsync(pinned.address, 64, buffer.address, 64, ACL_MEMCPY_DEVICE_TO_HOST, stream));
    CHECK_OK(aclrtStreamQuery(stream, &status));
    CHECK(status == ACL_STREAM_STATUS_NOT_READY);
    CHECK(pinned.bytes()[0] == 0xFF);  // too early: poison, not the last run's result
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeStreamWithTimeout(stream, 20));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, aclrtSynchronizeDeviceWithTimeout(20));
    ascendEmulatorHold(0);
    CHECK_OK(aclrtSynchronizeStreamWithTimeout(stream, 10000));
    CHECK_OK(aclrtStreamQuery(stream, &status));
    CHECK(status == ACL_STREAM_STATUS_COMPLETE);
    CHECK(pinned.bytes()[63] == 5);
    CHECK_NO_VIOLATION();
  }

  // A missing synchronise is reported even when the work has long been done.
  {
    StreamHandle stream;
    CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 6, 64, stream));
    settle();
    CHECK_OK(aclrtMemcpy(host, 64, buffer.address, 64, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK_VIOLATION("missing-synchronise", "aclrtMemcpy");
    CHECK_OK(aclrtMemcpyAsync(pinned.address, 64, buffer.address, 64, ACL_MEMCPY_DEVICE_TO_HOST, stream));
    settle();
    CHECK_OK(aclrtMemcpy(other.address, 64, pinned.address, 64, ACL_MEMCPY_HOST_TO_DEVICE));
    CHECK_VIOLATION("missing-synchronise", "aclrtMemcpy");
    CHECK_OK(aclrtMemset(buffer.address, 64, 0, 64));
    CHECK_VIOLATION("missing-synchronise", "aclrtMemset");
    CHECK_OK(aclrtMemset(other.address, 64, 0, 64));  // not used by the stream
    CHECK_NO_VIOLATION();
    CHECK_OK(aclrtSynchronizeStream(stream));
    CHECK_OK(aclrtMemcpy(host, 64, buffer.address, 64, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK_NO_VIOLATION();
  }

  // Freeing what unsynchronised work uses; the work then fails on the device.
  {
    StreamHandle stream;
    void *doomed = nullptr;
    CHECK_OK(aclrtMalloc(&doomed, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    ascendEmulatorHold(1);
    CHECK_OK(aclrtMemsetAsync(doomed, 64, 1, 64, stream));
    CHECK_OK(aclrtFree(doomed));
    CHECK_VIOLATION("free-in-flight", "aclrtFree");
    ascendEmulatorHold(0);
    CHECK_STATUS(ACL_ERROR_RT_AICORE_EXCEPTION, aclrtSynchronizeStream(stream));
    CHECK_VIOLATION("use-after-free", "aclrtMemsetAsync");
    CHECK_OK(aclrtSynchronizeStream(stream));  // the fault is reported once

    void *pinnedDoomed = nullptr;
    CHECK_OK(aclrtMallocHost(&pinnedDoomed, 64));
    CHECK_OK(aclrtMemcpyAsync(buffer.address, 64, pinnedDoomed, 64, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    CHECK_OK(aclrtFreeHost(pinnedDoomed));
    CHECK_VIOLATION("free-in-flight", "aclrtFreeHost");
    CHECK_OK(aclrtSynchronizeDevice());
  }

  // Asynchronous copies: pinned memory, alignment, no host to host.
  {
    StreamHandle stream;
    alignas(64) unsigned char pageable[64];
    CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 9, 64, stream));
    CHECK_OK(aclrtMemcpyAsync(pageable, 64, buffer.address, 64, ACL_MEMCPY_DEVICE_TO_HOST, stream));
    CHECK(pageable[63] == 9);  // it waited
    CHECK_VIOLATION("unpinned-async-copy", "aclrtMemcpyAsync");
    CHECK_OK(aclrtMemcpyAsync(buffer.at(32), 32, pinned.address, 32, ACL_MEMCPY_HOST_TO_DEVICE, stream));
    CHECK_VIOLATION("misaligned", "aclrtMemcpyAsync");
    CHECK_STATUS(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                 aclrtMemcpyAsync(pageable, 64, pinned.address, 64, ACL_MEMCPY_HOST_TO_HOST, stream));
    CHECK_VIOLATION("host-to-host-async", "aclrtMemcpyAsync");
    CHECK_OK(aclrtSynchronizeStream(stream));
  }

  // Destroying a stream before a synchronise; using it afterwards; forcing it.
  {
    aclrtStream stream = nullptr;
    CHECK_OK(aclrtCreateStream(&stream));
    CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 1, 64, stream));
    CHECK_OK(aclrtDestroyStream(stream));
    CHECK_VIOLATION("stream-in-flight", "aclrtDestroyStream");
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtSynchronizeStream(stream));
    CHECK_VIOLATION("destroyed-handle", "aclrtSynchronizeStream");

    CHECK_OK(aclrtCreateStreamWithConfig(&stream, 0, ACL_STREAM_FAST_LAUNCH | ACL_STREAM_FAST_SYNC));
    ascendEmulatorHold(1);
    CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 2, 64, stream));
    CHECK_OK(aclrtDestroyStreamForce(stream));  // drops the work
    ascendEmulatorHold(0);
    CHECK_OK(aclrtMemcpy(host, 64, buffer.address, 64, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK(host[0] == 1);
    CHECK_NO_VIOLATION();
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtDestroyStream(nullptr));
    CHECK_STATUS(ACL_ERROR_INVALID_PARAM, aclrtCreateStreamWithConfig(&stream, 1, 0));
  }

  // The documented number of streams.
  {
    uint32_t available = 0;
    CHECK_OK(aclrtGetStreamAvailableNum(&available));
    CHECK(available == 1984);
    std::vector<aclrtStream> all(64);
    for (aclrtStream &stream : all) CHECK_OK(aclrtCreateStream(&stream));
    CHECK_OK(aclrtGetStreamAvailableNum(&available));
    CHECK(available == 1984 - 64);
    for (aclrtStream stream : all) CHECK_OK(aclrtDestroyStream(stream));
  }

  // A device fault that was asked for: the call succeeds, the next synchronise fails, later ones do not.
  {
    StreamHandle stream;
    ascendEmulatorFaultCall("aclrtMemsetAsync", 2, ACL_ERROR_RT_VECTOR_CORE_EXCEPTION);
    for (int i = 0; i < 3; ++i) CHECK_OK(aclrtMemsetAsync(buffer.address, 64, i, 64, stream));
    CHECK_STATUS(ACL_ERROR_RT_VECTOR_CORE_EXCEPTION, aclrtSynchronizeStream(stream));
    CHECK_OK(aclrtSynchronizeStream(stream));
    CHECK_OK(aclrtMemcpy(host, 64, buffer.address, 64, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK(host[0] == 2);
  }

  // Two threads, a stream each, one device.
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([t] {
      CHECK_OK(aclrtSetDevice(0));
      {
        StreamHandle stream;
        DeviceBuffer mine(4096);
        PinnedBuffer result(4096);
        for (int i = 0; i < 200; ++i) {
          CHECK_OK(aclrtMemsetAsync(mine.address, 4096, t * 100 + i % 100, 4096, stream));
          CHECK_OK(aclrtMemcpyAsync(result.address, 4096, mine.address, 4096, ACL_MEMCPY_DEVICE_TO_HOST, stream));
          CHECK_OK(aclrtSynchronizeStream(stream));
          CHECK(result.bytes()[4095] == t * 100 + i % 100);
        }
      }
      CHECK_OK(aclrtResetDevice(0));
    });
  for (std::thread &thread : threads) thread.join();
  return 0;
}
