// The aclrt functions on events.
// Assumptions: an event that was never recorded is "not ready"; aclrtCreateEvent makes one with time stamps.
#include "event.h"

#include "capture.h"
#include "context.h"
#include "init.h"

namespace emulator {
namespace {

HandleTable<Event> &eventsTable = *new HandleTable<Event>("event", ACL_ERROR_RT_INVALID_HANDLE);

constexpr uint32_t kEventsPerDevice = 65536;
constexpr uint32_t kKnownFlags = ACL_EVENT_SYNC | ACL_EVENT_CAPTURE_STREAM_PROGRESS | ACL_EVENT_TIME_LINE |
                                 ACL_EVENT_DEVICE_USE_ONLY | ACL_EVENT_EXTERNAL | ACL_EVENT_IPC;

void createEvent(aclrtEvent *event, uint32_t flag) {
  requireArgument(event, "event is NULL");
  requireArgument((flag & ~kKnownFlags) == 0, "unknown ACL_EVENT_* bits");
  const auto context = currentContext();
  RuntimeLock lock(runtimeMutex());
  uint32_t &count = countsOf(context->device).events;
  if (count == kEventsPerDevice)
    throw Failure(ACL_ERROR_RT_NO_EVENT_RESOURCE, "the device has " + std::to_string(kEventsPerDevice) + " events already");
  auto made = std::make_shared<Event>();
  made->device = context->device;
  made->flag = flag;
  *event = reinterpret_cast<aclrtEvent>(events().add(std::move(made)));
  ++count;
}

void requireNotCaptured(const Event &event) {
  if (event.capturedStream != 0)
    throw Failure(ACL_ERROR_RT_EVENT_CAPTURED, "the event was last recorded while capturing; it exists in the graph only");
}

void synchroniseEvent(aclrtEvent handle, int32_t timeout) {
  currentContext();
  const auto event = events().require(handle);
  RuntimeLock lock(runtimeMutex());
  requireNotCaptured(*event);
  const auto recording = event->recording;
  if (!recording) {
    violation(kind::unrecordedEvent, "the host waits for an event that was never recorded");
    return;
  }
  Stream *stream = Stream::byId(recording->position.stream);
  if (stream && !stream->waitUntilDone(lock, recording->position.number, timeout))
    throw Failure(ACL_ERROR_RT_EVENT_SYNC_TIMEOUT, "the event did not happen within " + std::to_string(timeout) + " ms");
}

std::shared_ptr<Recording> timed(aclrtEvent handle, const char *name) {
  const auto event = events().require(handle);
  RuntimeLock lock(runtimeMutex());
  requireNotCaptured(*event);
  const auto recording = event->recording;
  if (!(event->flag & ACL_EVENT_TIME_LINE))
    throw Failure(ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID, std::string(name) + " was made without ACL_EVENT_TIME_LINE");
  if (!recording || !recording->done)
    throw Failure(ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID, std::string(name) + " has not happened yet");
  return recording;
}

}  // namespace

HandleTable<Event> &events() { return eventsTable; }

}  // namespace emulator

using namespace emulator;

extern "C" {

aclError aclrtCreateEvent(aclrtEvent *event) {
  return call(__func__, [&] { createEvent(event, ACL_EVENT_TIME_LINE | ACL_EVENT_SYNC); });
}

aclError aclrtCreateEventWithFlag(aclrtEvent *event, uint32_t flag) {
  return call(__func__, [&] { createEvent(event, flag); });
}

aclError aclrtCreateEventExWithFlag(aclrtEvent *event, uint32_t flag) {
  return call(__func__, [&] { createEvent(event, flag); });
}

aclError aclrtDestroyEvent(aclrtEvent event) {
  return call(__func__, [&] {
    currentContext();
    const auto object = events().remove(event);
    RuntimeLock lock(runtimeMutex());
    --countsOf(object->device).events;
  });
}

aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream) {
  return call(__func__, [&] {
    const auto where = streamFor(stream);
    const auto object = events().require(event);
    RuntimeLock lock(runtimeMutex());
    object->capturedStream = 0;
    if (where->capture) {
      object->graph = where->capture;
      object->capturedStream = where->id;
      return;
    }
    const auto recording = std::make_shared<Recording>();
    auto task = std::make_shared<Task>();
    task->finished = [recording](Stream &) {
      recording->done = true;
      recording->time = std::chrono::steady_clock::now();
    };
    recording->position = where->append(std::move(task));
    object->recording = recording;
  });
}

aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event) {
  return call(__func__, [&] {
    const auto where = streamFor(stream);
    const auto object = events().require(event);
    RuntimeLock lock(runtimeMutex());
    if (object->capturedStream != 0) return joinCapture(*where, *object);
    if (where->capture)
      throw Failure(ACL_ERROR_RT_CAPTURE_DEPENDENCY, "a capturing stream cannot wait for an event recorded outside the capture");
    const auto recording = object->recording;
    if (!recording) {
      violation(kind::unrecordedEvent, "a stream waits for an event that was never recorded");
      return;
    }
    auto task = std::make_shared<Task>();
    task->after = recording->position;
    task->ready = [recording] { return recording->done; };
    where->append(std::move(task));
  });
}

aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus *status) {
  return call(__func__, [&] {
    requireArgument(status, "status is NULL");
    currentContext();
    const auto object = events().require(event);
    RuntimeLock lock(runtimeMutex());
    requireNotCaptured(*object);
    const bool done = object->recording && object->recording->done;
    *status = done ? ACL_EVENT_RECORDED_STATUS_COMPLETE : ACL_EVENT_RECORDED_STATUS_NOT_READY;
    if (done) Stream::observe(object->recording->position);
  });
}

aclError aclrtSynchronizeEvent(aclrtEvent event) {
  return call(__func__, [&] { synchroniseEvent(event, -1); });
}

aclError aclrtSynchronizeEventWithTimeout(aclrtEvent event, int32_t timeout) {
  return call(__func__, [&] {
    requireArgument(timeout >= -1, "timeout must be -1 or more");
    synchroniseEvent(event, timeout);
  });
}

aclError aclrtEventElapsedTime(float *ms, aclrtEvent startEvent, aclrtEvent endEvent) {
  return call(__func__, [&] {
    requireArgument(ms, "ms is NULL");
    currentContext();
    const auto start = timed(startEvent, "startEvent"), end = timed(endEvent, "endEvent");
    if (end->time < start->time)
      throw Failure(ACL_ERROR_RT_EVENT_TIMESTAMP_REVERSAL, "endEvent happened before startEvent");
    *ms = std::chrono::duration<float, std::milli>(end->time - start->time).count();
  });
}

}  // extern "C"
