// Graph capture: recording, replay, the rules while capturing, several streams, task groups.
#include "session.h"

namespace {

unsigned char first(const DeviceBuffer &buffer) {
  unsigned char byte = 0;
  CHECK_OK(aclrtMemcpy(&byte, 1, buffer.address, 1, ACL_MEMCPY_DEVICE_TO_HOST));
  return byte;
}

// A capture that an illegal call has spoilt ends with 507903.
template <class Call>
void spoils(aclmdlRICaptureMode mode, aclError expected, Call call) {
  StreamHandle stream;
  aclmdlRI graph = nullptr;
  aclmdlRICaptureStatus status;
  CHECK_OK(aclmdlRICaptureBegin(stream, mode));
  CHECK_STATUS(expected, call(stream));
  CHECK_OK(aclmdlRICaptureGetInfo(stream, &status, &graph));
  CHECK(status == ACL_MODEL_RI_CAPTURE_STATUS_INVALIDATED);
  CHECK_STATUS(ACL_ERROR_RT_STREAM_CAPTURE_INVALIDATED, aclmdlRICaptureEnd(stream, &graph));
  CHECK(graph == nullptr);
}

}  // namespace

int main() {
  Session session;
  DeviceBuffer a(64), b(64);

  // Recorded, not run; then run as often as wanted, reading the inputs anew each time.
  {
    StreamHandle stream;
    aclmdlRI graph = nullptr, building = nullptr;
    aclmdlRICaptureStatus status;
    CHECK_OK(aclrtMemset(a.address, 64, 1, 64));
    CHECK_OK(aclrtMemset(b.address, 64, 2, 64));
    CHECK_OK(aclmdlRICaptureGetInfo(stream, &status, &building));
    CHECK(status == ACL_MODEL_RI_CAPTURE_STATUS_NONE);
    CHECK_OK(aclmdlRICaptureBegin(stream, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
    CHECK_OK(aclrtMemcpyAsync(b.address, 64, a.address, 64, ACL_MEMCPY_DEVICE_TO_DEVICE, stream));
    CHECK_OK(aclmdlRICaptureGetInfo(stream, &status, &building));
    CHECK(status == ACL_MODEL_RI_CAPTURE_STATUS_ACTIVE);
    CHECK_STATUS(ACL_ERROR_RT_MODEL_CAPTURED, aclmdlRIDestroy(building));
    CHECK_OK(aclmdlRICaptureEnd(stream, &graph));
    CHECK(graph == building);
    CHECK_OK(aclrtSynchronizeStream(stream));
    CHECK(first(b) == 2);
    CHECK_OK(aclmdlRIExecuteAsync(graph, stream));
    CHECK_STATUS(ACL_ERROR_RT_MODEL_RUNNING, aclmdlRIDestroy(graph));
    CHECK_OK(aclrtSynchronizeStream(stream));
    CHECK(first(b) == 1);
    CHECK_OK(aclrtMemset(a.address, 64, 3, 64));
    CHECK_OK(aclmdlRIExecute(graph, 10000));
    CHECK(first(b) == 3);
    CHECK_NO_VIOLATION();

    // A replay is work in flight like any other.
    CHECK_OK(aclmdlRIExecuteAsync(graph, stream));
    settle();
    first(b);
    CHECK_VIOLATION("missing-synchronise", "aclrtMemcpy");
    CHECK_OK(aclrtSynchronizeStream(stream));
    CHECK_OK(aclmdlRIDebugPrint(graph));
    CHECK_OK(aclmdlRIDestroy(graph));
    CHECK_STATUS(ACL_ERROR_RT_INVALID_HANDLE, aclmdlRIExecuteAsync(graph, stream));
    CHECK_VIOLATION("destroyed-handle", "aclmdlRIExecuteAsync");
  }

  // Memory must stay at its address for the life of the graph.
  {
    StreamHandle stream;
    aclmdlRI graph = nullptr;
    void *frozen = nullptr;
    CHECK_OK(aclrtMalloc(&frozen, 64, ACL_MEM_MALLOC_HUGE_FIRST));
    CHECK_OK(aclmdlRICaptureBegin(stream, ACL_MODEL_RI_CAPTURE_MODE_THREAD_LOCAL));
    CHECK_OK(aclrtMemsetAsync(frozen, 64, 1, 64, stream));
    CHECK_OK(aclmdlRICaptureEnd(stream, &graph));
    CHECK_OK(aclrtFree(frozen));
    CHECK_OK(aclmdlRIExecuteAsync(graph, stream));
    CHECK_STATUS(ACL_ERROR_RT_MODEL_EXECUTE, aclrtSynchronizeStream(stream));
    CHECK_OK(aclmdlRIDestroy(graph));
    CHECK_VIOLATION("use-after-free", "aclrtMemsetAsync");
  }

  // What must not be called while capturing.
  {
    unsigned char host[64];
    const auto blockingCopy = [&](aclrtStream) { return aclrtMemcpy(host, 64, a.address, 64, ACL_MEMCPY_DEVICE_TO_HOST); };
    const auto fromThread = [&](aclrtStream) {
      aclError status = 0;
      inThread([&] {
        CHECK_OK(aclrtSetDevice(0));
        status = aclrtMemset(a.address, 64, 0, 64);
        CHECK_OK(aclrtResetDevice(0));
      });
      return status;
    };
    spoils(ACL_MODEL_RI_CAPTURE_MODE_GLOBAL, ACL_ERROR_RT_STREAM_CAPTURED, [](aclrtStream s) { return aclrtSynchronizeStream(s); });
    spoils(ACL_MODEL_RI_CAPTURE_MODE_RELAXED, ACL_ERROR_RT_STREAM_CAPTURED, [](aclrtStream) { return aclrtSynchronizeDevice(); });
    spoils(ACL_MODEL_RI_CAPTURE_MODE_GLOBAL, ACL_ERROR_RT_CAPTURE_MODE_NOT_SUPPORT, blockingCopy);
    spoils(ACL_MODEL_RI_CAPTURE_MODE_THREAD_LOCAL, ACL_ERROR_RT_CAPTURE_MODE_NOT_SUPPORT, blockingCopy);
    spoils(ACL_MODEL_RI_CAPTURE_MODE_GLOBAL, ACL_ERROR_RT_CAPTURE_MODE_NOT_SUPPORT, fromThread);
    spoils(ACL_MODEL_RI_CAPTURE_MODE_GLOBAL, ACL_ERROR_RT_STREAM_CAPTURE_IMPLICIT,
           [&](aclrtStream) { return aclrtMemsetAsync(a.address, 64, 0, 64, nullptr); });

    StreamHandle stream;
    aclmdlRI graph = nullptr;
    CHECK_OK(aclmdlRICaptureBegin(stream, ACL_MODEL_RI_CAPTURE_MODE_THREAD_LOCAL));
    CHECK_OK(fromThread(stream));  // another thread's business
    CHECK_STATUS(ACL_ERROR_RT_STREAM_CAPTURED, aclmdlRICaptureBegin(stream, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
    inThread([&] {
      CHECK_OK(aclrtSetDevice(0));
      CHECK_STATUS(ACL_ERROR_RT_STREAM_CAPTURE_WRONG_THREAD, aclmdlRICaptureEnd(stream, &graph));
      CHECK_OK(aclrtResetDevice(0));
    });
    // The thread may take the rules upon itself.
    aclmdlRICaptureMode mode = ACL_MODEL_RI_CAPTURE_MODE_RELAXED;
    CHECK_OK(aclmdlRICaptureThreadExchangeMode(&mode));
    CHECK(mode == ACL_MODEL_RI_CAPTURE_MODE_GLOBAL);
    CHECK_OK(blockingCopy(stream));
    CHECK_OK(aclmdlRICaptureThreadExchangeMode(&mode));
    CHECK_OK(aclmdlRICaptureEnd(stream, &graph));
    CHECK_OK(aclmdlRIDestroy(graph));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_NOT_CAPTURED, aclmdlRICaptureEnd(stream, &graph));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_CAPTURE_IMPLICIT, aclmdlRICaptureBegin(nullptr, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
    CHECK_NO_VIOLATION();
  }

  // A second stream joins by an event and must come back by one.
  for (const bool joinsBack : {true, false}) {
    StreamHandle origin, side;
    EventHandle fork, join;
    aclmdlRI graph = nullptr;
    CHECK_OK(aclmdlRICaptureBegin(origin, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
    CHECK_OK(aclrtMemsetAsync(a.address, 64, 9, 64, origin));
    CHECK_OK(aclrtRecordEvent(fork, origin));
    CHECK_OK(aclrtStreamWaitEvent(side, fork));
    CHECK_OK(aclrtMemcpyAsync(b.address, 64, a.address, 64, ACL_MEMCPY_DEVICE_TO_DEVICE, side));
    CHECK_STATUS(ACL_ERROR_RT_STREAM_CAPTURE_UNMATCHED, aclmdlRICaptureEnd(side, &graph));
    CHECK_STATUS(ACL_ERROR_RT_EVENT_CAPTURED, aclrtSynchronizeEvent(fork));
    CHECK_OK(aclrtRecordEvent(join, side));
    if (joinsBack) {
      CHECK_OK(aclrtStreamWaitEvent(origin, join));
      CHECK_OK(aclmdlRICaptureEnd(origin, &graph));
      CHECK_OK(aclmdlRIExecute(graph, -1));
      CHECK(first(b) == 9);
      CHECK_OK(aclmdlRIDestroy(graph));
    } else {
      CHECK_STATUS(ACL_ERROR_RT_STREAM_UNJOINED, aclmdlRICaptureEnd(origin, &graph));
    }
    CHECK_OK(aclrtSynchronizeStream(side));
    CHECK_NO_VIOLATION();
  }

  // Tasks of a group are replaced in the finished graph.
  {
    StreamHandle stream;
    aclmdlRI graph = nullptr;
    aclrtTaskGrp group = nullptr;
    CHECK_OK(aclmdlRICaptureBegin(stream, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
    CHECK_OK(aclmdlRICaptureTaskGrpBegin(stream));
    CHECK_OK(aclrtMemsetAsync(a.address, 64, 1, 64, stream));
    CHECK_OK(aclmdlRICaptureTaskGrpEnd(stream, &group));
    CHECK_OK(aclmdlRICaptureEnd(stream, &graph));
    CHECK_OK(aclmdlRICaptureTaskUpdateBegin(stream, group));
    CHECK_OK(aclrtMemsetAsync(a.address, 64, 2, 64, stream));
    CHECK_OK(aclmdlRICaptureTaskUpdateEnd(stream));
    CHECK_OK(aclmdlRIExecute(graph, -1));
    CHECK(first(a) == 2);
    CHECK_OK(aclmdlRICaptureTaskUpdateBegin(stream, group));
    CHECK_STATUS(ACL_ERROR_STREAM_TASK_GROUP_INTR, aclmdlRICaptureTaskUpdateEnd(stream));
    CHECK_OK(aclmdlRIDestroy(graph));
  }
  // A task that fails on the device ends that launch, and each later one.
  {
    StreamHandle stream;
    aclmdlRI graph = nullptr;
    CHECK_OK(aclrtMemset(b.address, 64, 2, 64));
    CHECK_OK(aclmdlRICaptureBegin(stream, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
    ascendEmulatorFaultCall("aclrtMemsetAsync", 1, ACL_ERROR_RT_AICORE_EXCEPTION);
    CHECK_OK(aclrtMemsetAsync(a.address, 64, 7, 64, stream));
    CHECK_OK(aclrtMemsetAsync(b.address, 64, 7, 64, stream));
    CHECK_OK(aclmdlRICaptureEnd(stream, &graph));
    for (int launch = 0; launch < 2; ++launch) {
      CHECK_OK(aclmdlRIExecuteAsync(graph, stream));
      CHECK_STATUS(ACL_ERROR_RT_MODEL_EXECUTE, aclrtSynchronizeStream(stream));
      CHECK(strstr(aclGetRecentErrMsg(), "aclrtMemsetAsync"));
      CHECK(first(b) == 2);
    }
    CHECK_OK(aclmdlRIDestroy(graph));
    CHECK_NO_VIOLATION();
  }

  // A graph belongs to the context it was captured in, and ends with it; so does a capture.
  {
    aclrtContext outer = nullptr, inner = nullptr;
    CHECK_OK(aclrtGetCurrentContext(&outer));
    CHECK_OK(aclrtCreateContext(&inner, 0));
    aclrtStream stream = nullptr, open = nullptr;
    aclmdlRI graph = nullptr;
    CHECK_OK(aclrtCreateStream(&stream));
    CHECK_OK(aclmdlRICaptureBegin(stream, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
    CHECK_OK(aclrtMemsetAsync(a.address, 64, 1, 64, stream));
    CHECK_OK(aclmdlRICaptureEnd(stream, &graph));
    CHECK_OK(aclrtDestroyStream(stream));
    CHECK_OK(aclrtSetCurrentContext(outer));
    {
      StreamHandle elsewhere;
      CHECK_STATUS(ACL_ERROR_RT_STREAM_CONTEXT, aclmdlRIExecuteAsync(graph, elsewhere));
    }
    CHECK_NO_VIOLATION();
    CHECK_OK(aclrtSetCurrentContext(inner));
    CHECK_OK(aclrtCreateStream(&open));
    CHECK_OK(aclmdlRICaptureBegin(open, ACL_MODEL_RI_CAPTURE_MODE_GLOBAL));
    CHECK_OK(aclrtSetCurrentContext(outer));
    CHECK_OK(aclrtDestroyContext(inner));
    CHECK(ascendEmulatorViolationCount() == 3);  // leaks: both graphs and a stream
    CHECK(ascendEmulatorLiveObjects("graph") == 0);
    ascendEmulatorReset();
    CHECK_OK(aclrtMemset(a.address, 64, 1, 64));
  }
  return 0;
}
