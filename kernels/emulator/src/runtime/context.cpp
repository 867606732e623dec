// Devices and contexts: SetDevice's counting, the context of each thread, what a reset takes with it.
#include "context.h"

#include <algorithm>

#include "../common/config.h"
#include "../common/thread_site.h"
#include "capture.h"
#include "ascend_emulator.h"
#include "event.h"
#include "init.h"

namespace emulator {
namespace {

HandleTable<Context> &contextsTable = *new HandleTable<Context>("context", ACL_ERROR_RT_CONTEXT_NULL);

struct Device {
  uint64_t references = 0;
  std::shared_ptr<Context> context;
  aclrtContext handle = nullptr;
  DeviceCounts counts;
};

// Guarded by the runtime lock.
std::map<int, Device> &devices() {
  static auto &all = *new std::map<int, Device>;
  return all;
}

thread_local aclrtContext current = nullptr;

void makeCurrent(aclrtContext context, int device) {
  current = context;
  setThreadDevice(device);
}

void requireDevice(int32_t id) {
  if (!initialised()) throw Failure(ACL_ERROR_UNINITIALIZE, "aclInit was not called, or aclFinalize was");
  if (id < 0 || static_cast<uint32_t>(id) >= config().devices)
    throw Failure(ACL_ERROR_RT_INVALID_DEVICEID, "device " + std::to_string(id) + " does not exist; there are " +
                                                     std::to_string(config().devices));
}

std::shared_ptr<Context> makeContext(int device, bool isDefault) {
  auto context = std::make_shared<Context>();
  context->device = device;
  context->isDefault = isDefault;
  context->defaultStream = std::make_shared<Stream>(*context, true);
  return context;
}

// The streams that end with a context, its default stream included; the caller drops them without the lock.
std::vector<std::shared_ptr<Stream>> takeStreams(RuntimeLock &lock, Context &context) {
  takeGraphs(context);
  auto streams = streamHandles().reap([&](const Stream &s) { return &s.context == &context; },
                                      "was alive when its context was destroyed");
  countsOf(context.device).streams -= static_cast<uint32_t>(streams.size());
  streams.push_back(std::move(context.defaultStream));
  for (const auto &stream : streams) retire(lock, *stream);
  return streams;
}

void resetDevice(int32_t id, bool all) {
  std::vector<std::shared_ptr<Context>> dying;
  std::vector<std::shared_ptr<Stream>> streams;
  RuntimeLock lock(runtimeMutex());
  Device &device = devices()[id];
  if (device.references == 0)
    throw Failure(ACL_ERROR_RT_INVALID_DEVICEID, "device " + std::to_string(id) + " is not set");
  device.references = all ? 0 : device.references - 1;
  if (device.references > 0) return;
  dying = contexts().reap([&](const Context &c) { return c.device == id && !c.isDefault; },
                          "was alive when its device was reset");
  contexts().remove(device.handle);
  dying.push_back(std::move(device.context));
  for (const auto &context : dying)
    for (auto &stream : takeStreams(lock, *context)) streams.push_back(std::move(stream));
  events().reap([&](const Event &e) { return e.device == id; }, "was alive when its device was reset");
  device.counts = {};
  freeAllOfDevice(id);
}

void synchroniseDevice(int32_t timeout) {
  const auto context = currentContext();
  std::vector<std::shared_ptr<Stream>> all;
  RuntimeLock lock(runtimeMutex());
  all = streamHandles().select([&](const Stream &s) { return s.context.device == context->device; });
  for (const auto &other : contexts().select([&](const Context &c) { return c.device == context->device; }))
    all.push_back(other->defaultStream);
  for (const auto &stream : all) requireNotCapturing(*stream);
  for (const auto &stream : all)
    if (!stream->waitUntilDone(lock, stream->lastNumber(), timeout))
      throw Failure(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, "the device was not idle after " + std::to_string(timeout) + " ms");
  for (const auto &stream : all) raiseFault(*stream);
}

std::map<aclSysParamOpt, int64_t> &processOptions() {
  static auto &options = *new std::map<aclSysParamOpt, int64_t>;
  return options;
}

void requireOption(aclSysParamOpt opt, int64_t value) {
  requireArgument(opt >= ACL_OPT_DETERMINISTIC && opt <= ACL_OPT_STRONG_CONSISTENCY, "unknown option");
  requireArgument(value == 0 || value == 1, "the value must be 0 or 1");
}

}  // namespace

HandleTable<Context> &contexts() { return contextsTable; }

DeviceCounts &countsOf(int device) { return devices()[device].counts; }

std::shared_ptr<Context> currentContext() {
  if (!initialised()) throw Failure(ACL_ERROR_UNINITIALIZE, "aclInit was not called, or aclFinalize was");
  if (!current)
    throw Failure(ACL_ERROR_RT_CONTEXT_NULL,
                  "no context is current in this thread: call aclrtSetDevice or aclrtSetCurrentContext in it");
  auto context = contexts().find(current);
  if (!context) throw Failure(ACL_ERROR_RT_CONTEXT_NULL, "the context current in this thread was destroyed");
  return context;
}

}  // namespace emulator

using namespace emulator;

extern "C" {

void ascendEmulatorSetDeviceCount(uint32_t count) { config().devices = std::min(count, mostDevices); }
void ascendEmulatorLimitMemory(uint64_t bytes) { config().memory = bytes; }

aclError aclrtSetDevice(int32_t deviceId) {
  return call(__func__, [&] {
    requireDevice(deviceId);
    RuntimeLock lock(runtimeMutex());
    Device &device = devices()[deviceId];
    if (device.references++ == 0) {
      device.context = makeContext(deviceId, true);
      device.handle = reinterpret_cast<aclrtContext>(contexts().add(device.context, false));
    }
    makeCurrent(device.handle, deviceId);
  });
}

aclError aclrtResetDevice(int32_t deviceId) {
  return call(__func__, [&] {
    requireDevice(deviceId);
    resetDevice(deviceId, false);
  });
}

aclError aclrtResetDeviceForce(int32_t deviceId) {
  return call(__func__, [&] {
    requireDevice(deviceId);
    resetDevice(deviceId, true);
  });
}

aclError aclrtGetDevice(int32_t *deviceId) {
  return call(__func__, [&] {
    requireArgument(deviceId, "deviceId is NULL");
    *deviceId = currentContext()->device;
  });
}

aclError aclrtGetDeviceCount(uint32_t *count) {
  return call(__func__, [&] {
    requireArgument(count, "count is NULL");
    *count = config().devices;
    if (*count == 0) throw Failure(ACL_ERROR_RT_NO_DEVICE, "there is no device");
  });
}

aclError aclrtGetRunMode(aclrtRunMode *runMode) {
  return call(__func__, [&] {
    requireArgument(runMode, "runMode is NULL");
    currentContext();
    *runMode = ACL_HOST;
  });
}

aclError aclrtSynchronizeDevice() {
  return call(__func__, [] { synchroniseDevice(-1); });
}

aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout) {
  return call(__func__, [&] {
    requireArgument(timeout >= -1, "timeout must be -1 or more");
    synchroniseDevice(timeout);
  });
}

// Figures of the Ascend910B3 platform file: 20 cube cores, 40 vector cores, 192 MiB of L2.
aclError aclrtGetDeviceInfo(uint32_t deviceId, aclrtDevAttr attr, int64_t *value) {
  return call(__func__, [&] {
    requireArgument(value, "value is NULL");
    requireDevice(static_cast<int32_t>(deviceId));
    switch (attr) {
      case ACL_DEV_ATTR_AICORE_CORE_NUM:
      case ACL_DEV_ATTR_CUBE_CORE_NUM:
        *value = 20;
        break;
      case ACL_DEV_ATTR_VECTOR_CORE_NUM:
        *value = 40;
        break;
      case ACL_DEV_ATTR_TOTAL_GLOBAL_MEM_SIZE:
        *value = static_cast<int64_t>(config().memory);
        break;
      case ACL_DEV_ATTR_L2_CACHE_SIZE:
        *value = 201326592;
        break;
      case ACL_DEV_ATTR_PHY_CHIP_ID:
        *value = deviceId;
        break;
      case ACL_DEV_ATTR_IS_VIRTUAL:
        *value = 0;
        break;
      default:
        throw Failure(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "attribute " + std::to_string(attr) + " is not known");
    }
  });
}

aclError aclrtSetSysParamOpt(aclSysParamOpt opt, int64_t value) {
  return call(__func__, [&] {
    requireOption(opt, value);
    RuntimeLock lock(runtimeMutex());
    processOptions()[opt] = value;
  });
}

aclError aclrtGetSysParamOpt(aclSysParamOpt opt, int64_t *value) {
  return call(__func__, [&] {
    requireArgument(value, "value is NULL");
    requireOption(opt, 0);
    RuntimeLock lock(runtimeMutex());
    *value = processOptions()[opt];
  });
}

aclError aclrtCtxSetSysParamOpt(aclSysParamOpt opt, int64_t value) {
  return call(__func__, [&] {
    requireOption(opt, value);
    const auto context = currentContext();
    RuntimeLock lock(runtimeMutex());
    context->options[opt] = value;
  });
}

aclError aclrtCtxGetSysParamOpt(aclSysParamOpt opt, int64_t *value) {
  return call(__func__, [&] {
    requireArgument(value, "value is NULL");
    requireOption(opt, 0);
    const auto context = currentContext();
    RuntimeLock lock(runtimeMutex());
    const auto found = context->options.find(opt);
    if (found == context->options.end())
      throw Failure(ACL_ERROR_RT_SYSPARAMOPT_NOT_SET, "the option was never set in this context");
    *value = found->second;
  });
}

aclError aclrtCreateContext(aclrtContext *context, int32_t deviceId) {
  return call(__func__, [&] {
    requireArgument(context, "context is NULL");
    requireDevice(deviceId);
    RuntimeLock lock(runtimeMutex());
    *context = reinterpret_cast<aclrtContext>(contexts().add(makeContext(deviceId, false)));
    makeCurrent(*context, deviceId);
  });
}

aclError aclrtDestroyContext(aclrtContext context) {
  return call(__func__, [&] {
    const auto object = contexts().require(context);
    if (object->isDefault)
      throw Failure(ACL_ERROR_INVALID_PARAM, "only contexts made by aclrtCreateContext may be destroyed");
    std::vector<std::shared_ptr<Stream>> streams;
    RuntimeLock lock(runtimeMutex());
    contexts().remove(context);
    streams = takeStreams(lock, *object);
  });
}

aclError aclrtSetCurrentContext(aclrtContext context) {
  return call(__func__, [&] {
    requireArgument(context, "context is NULL");
    makeCurrent(context, contexts().require(context)->device);
  });
}

aclError aclrtGetCurrentContext(aclrtContext *context) {
  return call(__func__, [&] {
    requireArgument(context, "context is NULL");
    currentContext();
    *context = current;
  });
}

}  // extern "C"
