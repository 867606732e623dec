// Events: order between streams, what the host learns from them, time stamps.
#include "session.h"

int main() {
  Session session;
  DeviceBuffer buffer(64);
  PinnedBuffer pinned(64);
  StreamHandle first, second;

  // A wait orders two streams; without it the same work is a race.
  {
    EventHandle event;
    aclrtEventRecordedStatus status;
    ascendEmulatorHold(1);
    CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 4, 64, first));
    CHECK_OK(aclrtRecordEvent(event, first));
    CHECK_OK(aclrtStreamWaitEvent(second, event));
    CHECK_OK(aclrtMemcpyAsync(pinned.address, 64, buffer.address, 64, ACL_MEMCPY_DEVICE_TO_HOST, second));
    CHECK_OK(aclrtQueryEventStatus(event, &status));
    CHECK(status == ACL_EVENT_RECORDED_STATUS_NOT_READY);
    CHECK_STATUS(ACL_ERROR_RT_EVENT_SYNC_TIMEOUT, aclrtSynchronizeEventWithTimeout(event, 20));
    ascendEmulatorHold(0);
    CHECK_OK(aclrtSynchronizeStream(second));
    CHECK(pinned.bytes()[0] == 4);
    // The host knows of the first stream's work through the second's.
    CHECK_OK(aclrtMemset(buffer.address, 64, 0, 64));
    CHECK_NO_VIOLATION();

    CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 4, 64, first));
    settle();
    CHECK_OK(aclrtMemcpyAsync(pinned.address, 64, buffer.address, 64, ACL_MEMCPY_DEVICE_TO_HOST, second));
    CHECK_VIOLATION("unordered-streams", "aclrtMemcpyAsync");
    CHECK_OK(aclrtSynchronizeDevice());
  }

  // The second stream really waits: the first has far more to do before it writes.
  {
    EventHandle event;
    DeviceBuffer big(32 * kMiB);
    CHECK_OK(aclrtMemset(buffer.address, 64, 1, 64));
    for (int i = 0; i < 4; ++i) CHECK_OK(aclrtMemsetAsync(big.address, big.size, i, big.size, first));
    CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 2, 64, first));
    CHECK_OK(aclrtRecordEvent(event, first));
    CHECK_OK(aclrtStreamWaitEvent(second, event));
    CHECK_OK(aclrtMemcpyAsync(pinned.address, 64, buffer.address, 64, ACL_MEMCPY_DEVICE_TO_HOST, second));
    CHECK_OK(aclrtSynchronizeStream(second));
    CHECK(pinned.bytes()[0] == 2);
    CHECK_NO_VIOLATION();
  }

  // The host synchronises with an event: everything before it counts, nothing after it.
  {
    EventHandle event;
    DeviceBuffer later(64);
    unsigned char host[64];
    CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 7, 64, first));
    CHECK_OK(aclrtRecordEvent(event, first));
    CHECK_OK(aclrtMemsetAsync(later.address, 64, 8, 64, first));
    CHECK_OK(aclrtSynchronizeEvent(event));
    settle();
    CHECK_OK(aclrtMemcpy(host, 64, buffer.address, 64, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK_NO_VIOLATION();
    CHECK_OK(aclrtMemcpy(host, 64, later.address, 64, ACL_MEMCPY_DEVICE_TO_HOST));
    CHECK_VIOLATION("missing-synchronise", "aclrtMemcpy");
    CHECK_OK(aclrtSynchronizeStream(first));
  }

  // Time stamps.
  {
    EventHandle start, end;
    aclrtEvent untimed = nullptr;
    float ms = -1;
    CHECK_OK(aclrtCreateEventWithFlag(&untimed, ACL_EVENT_SYNC));
    CHECK_STATUS(ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID, aclrtEventElapsedTime(&ms, start, end));
    CHECK_OK(aclrtRecordEvent(start, first));
    CHECK_OK(aclrtMemsetAsync(buffer.address, 64, 0, 64, first));
    CHECK_OK(aclrtRecordEvent(end, first));
    CHECK_OK(aclrtRecordEvent(untimed, first));
    CHECK_OK(aclrtSynchronizeStream(first));
    CHECK_OK(aclrtEventElapsedTime(&ms, start, end));
    CHECK(ms >= 0 && ms < 10000);
    CHECK_STATUS(ACL_ERROR_RT_EVENT_TIMESTAMP_REVERSAL, aclrtEventElapsedTime(&ms, end, start));
    CHECK_STATUS(ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID, aclrtEventElapsedTime(&ms, start, untimed));
    // The time is that at which the stream reaches the event, not that of the call.
    CHECK_OK(aclrtRecordEvent(start, first));
    CHECK_OK(aclrtSynchronizeEvent(start));
    ascendEmulatorHold(1);
    CHECK_OK(aclrtRecordEvent(end, first));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ascendEmulatorHold(0);
    CHECK_OK(aclrtSynchronizeStream(first));
    CHECK_OK(aclrtEventElapsedTime(&ms, start, end));
    CHECK(ms >= 20);
    CHECK_OK(aclrtDestroyEvent(untimed));
    CHECK_NO_VIOLATION();
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclrtRecordEvent(untimed, first));
    CHECK_VIOLATION("destroyed-handle", "aclrtRecordEvent");
  }

  // Waiting for what was never recorded.
  {
    EventHandle event;
    CHECK_OK(aclrtStreamWaitEvent(first, event));
    CHECK_VIOLATION("unrecorded-event", "aclrtStreamWaitEvent");
    CHECK_OK(aclrtSynchronizeEvent(event));
    CHECK_VIOLATION("unrecorded-event", "aclrtSynchronizeEvent");
  }

  // Recording again: waits before it keep to the recording they saw.
  {
    EventHandle event;
    CHECK_OK(aclrtRecordEvent(event, first));
    CHECK_OK(aclrtStreamWaitEvent(second, event));
    CHECK_OK(aclrtRecordEvent(event, first));
    CHECK_OK(aclrtSynchronizeEvent(event));
    CHECK_OK(aclrtSynchronizeDevice());
  }
  return 0;
}
