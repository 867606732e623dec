// The aclrt functions that make, destroy and wait for streams.
#include "ascend_emulator.h"
#include "capture.h"
#include "context.h"
#include "init.h"

namespace emulator {
namespace {

HandleTable<Stream> &streamHandlesTable = *new HandleTable<Stream>("stream", ACL_ERROR_RT_INVALID_HANDLE);

constexpr uint32_t kStreamsPerDevice = 1984;

void createStream(aclrtStream *stream) {
  requireArgument(stream, "stream is NULL");
  const auto context = currentContext();
  RuntimeLock lock(runtimeMutex());
  uint32_t &count = countsOf(context->device).streams;
  if (count == kStreamsPerDevice)
    throw Failure(ACL_ERROR_RT_NO_STREAM_RESOURCE, "the device has " + std::to_string(kStreamsPerDevice) + " streams already");
  *stream = reinterpret_cast<aclrtStream>(streamHandles().add(std::make_shared<Stream>(*context, false)));
  ++count;
}

void destroyStream(aclrtStream handle, bool force) {
  requireArgument(handle, "the default stream cannot be destroyed");
  const auto stream = streamFor(handle);
  RuntimeLock lock(runtimeMutex());
  if (stream->capture) throw Failure(ACL_ERROR_RT_STREAM_CAPTURED, "the stream is being captured");
  streamHandles().remove(handle);
  --countsOf(stream->context.device).streams;
  if (force) stream->drop();
  retire(lock, *stream);
}

void synchroniseStream(aclrtStream handle, int32_t timeout) {
  const auto stream = streamFor(handle);
  RuntimeLock lock(runtimeMutex());
  requireNotCapturing(*stream);
  if (!stream->waitUntilDone(lock, stream->lastNumber(), timeout))
    throw Failure(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, "the stream was not idle after " + std::to_string(timeout) + " ms");
  raiseFault(*stream);
}

}  // namespace

HandleTable<Stream> &streamHandles() { return streamHandlesTable; }

std::shared_ptr<Stream> streamFor(aclrtStream handle) {
  const auto context = currentContext();
  if (!handle) return context->defaultStream;
  auto stream = streamHandles().require(handle);
  if (&stream->context != context.get())
    throw Failure(ACL_ERROR_RT_STREAM_CONTEXT, "the stream belongs to another context than the one current in this thread");
  return stream;
}

void raiseFault(Stream &stream) {
  std::string message;
  if (const aclError code = stream.takeFault(message)) throw Failure(code, message);
}

void retire(RuntimeLock &lock, Stream &stream) {
  if (stream.hasUnobserved())
    violation(kind::streamInFlight, "the stream has work that no synchronise has covered");
  stream.stop(lock);
}

}  // namespace emulator

using namespace emulator;

extern "C" {

void ascendEmulatorHold(int hold) { holdStreams(hold != 0); }

aclError aclrtCreateStream(aclrtStream *stream) {
  return call(__func__, [&] { createStream(stream); });
}

aclError aclrtCreateStreamWithConfig(aclrtStream *stream, uint32_t priority, uint32_t flag) {
  return call(__func__, [&] {
    requireArgument(priority == 0, "priority must be 0 on Atlas A2");
    requireArgument((flag & ~uint32_t{0x3F}) == 0, "unknown ACL_STREAM_* bits");
    createStream(stream);
  });
}

aclError aclrtDestroyStream(aclrtStream stream) {
  return call(__func__, [&] { destroyStream(stream, false); });
}

aclError aclrtDestroyStreamForce(aclrtStream stream) {
  return call(__func__, [&] { destroyStream(stream, true); });
}

aclError aclrtSynchronizeStream(aclrtStream stream) {
  return call(__func__, [&] { synchroniseStream(stream, -1); });
}

aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout) {
  return call(__func__, [&] {
    requireArgument(timeout >= -1, "timeout must be -1 or more");
    synchroniseStream(stream, timeout);
  });
}

aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus *status) {
  return call(__func__, [&] {
    requireArgument(status, "status is NULL");
    const auto object = streamFor(stream);
    RuntimeLock lock(runtimeMutex());
    requireNotCapturing(*object);
    const uint64_t last = object->lastNumber();
    *status = object->isDone(last) ? ACL_STREAM_STATUS_COMPLETE : ACL_STREAM_STATUS_NOT_READY;
    if (object->isDone(last)) {
      // Complete is as good as a synchronise, without its report of faults.
      Stream::observe({object->id, last});
    }
  });
}

aclError aclrtGetStreamAvailableNum(uint32_t *streamCount) {
  return call(__func__, [&] {
    requireArgument(streamCount, "streamCount is NULL");
    const auto context = currentContext();
    RuntimeLock lock(runtimeMutex());
    *streamCount = kStreamsPerDevice - countsOf(context->device).streams;
  });
}

}  // extern "C"
