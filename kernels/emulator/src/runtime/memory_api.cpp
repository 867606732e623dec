// The aclrt functions that allocate, free, copy and fill memory.
#include <cstring>

#include "../common/config.h"
#include "capture.h"
#include "context.h"
#include "init.h"

namespace emulator {
namespace {

size_t align32(size_t n) { return (n + 31) / 32 * 32; }

void allocate(void **devPtr, size_t size, size_t extra) {
  requireArgument(devPtr, "devPtr is NULL");
  requireArgument(size > 0, "size is 0");
  const auto context = currentContext();
  if (size > SIZE_MAX - 64) throw Failure(ACL_ERROR_RT_MEMORY_ALLOCATION, "size is absurd");
  *devPtr = allocateDevice(context->device, size, align32(size) + extra);
}

// One side of a copy or fill: where it is, how to reach it, what it needs checked.
struct Side {
  Side(const char *name, const void *address, size_t size, bool write)
      : range{address, size, write}, place(placeOf(address)) {
    RangeFault fault;
    if (place == Place::device) fault = checkDeviceRange(name, address, size, -1);
    if (place == Place::pinned) fault = checkPinnedRange(name, address, size);
    if (fault) {
      violation(fault.kind, fault.message);
      throw Failure(ACL_ERROR_RT_PARAM_INVALID, fault.message);
    }
    reached = place == Place::device ? reach(address) : static_cast<std::byte *>(const_cast<void *>(address));
    if (place == Place::pinned) owner = pinnedOwner(address);
  }

  bool onDevice() const { return place == Place::device; }

  // The task must find the memory still there when it runs, or is replayed by a graph.
  void requireAlive(const char *name) const {
    if (place != Place::device) return;
    const RangeFault fault = checkDeviceRange(name, range.address, range.size, -1);
    if (!fault) return;
    violation(fault.kind, fault.message);
    throw Failure(ACL_ERROR_RT_AICORE_EXCEPTION, fault.message);
  }

  Range range;
  Place place;
  std::byte *reached;
  std::shared_ptr<void> owner;
};

void requireSizes(const void *dst, size_t destMax, const void *src, size_t count) {
  requireArgument(dst, "dst is NULL");
  requireArgument(src, "src is NULL");
  requireArgument(count > 0, "count is 0");
  if (count > destMax)
    throw Failure(ACL_ERROR_INVALID_PARAM, "count " + std::to_string(count) + " exceeds destMax " + std::to_string(destMax));
}

void checkKind(const Side &dst, const Side &src, aclrtMemcpyKind kind) {
  requireArgument(kind >= ACL_MEMCPY_HOST_TO_HOST && kind <= ACL_MEMCPY_INTER_DEVICE_TO_DEVICE, "unknown kind");
  bool fits = true;
  switch (kind) {
    case ACL_MEMCPY_HOST_TO_HOST:
      fits = !src.onDevice() && !dst.onDevice();
      break;
    case ACL_MEMCPY_HOST_TO_DEVICE:
    case ACL_MEMCPY_HOST_TO_BUF_TO_DEVICE:
      fits = !src.onDevice() && dst.onDevice();
      break;
    case ACL_MEMCPY_DEVICE_TO_HOST:
      fits = src.onDevice() && !dst.onDevice();
      break;
    case ACL_MEMCPY_DEVICE_TO_DEVICE:
    case ACL_MEMCPY_INNER_DEVICE_TO_DEVICE:
    case ACL_MEMCPY_INTER_DEVICE_TO_DEVICE:
      fits = src.onDevice() && dst.onDevice();
      break;
    case ACL_MEMCPY_DEFAULT:
      break;
  }
  if (!fits) violation(kind::wrongCopyKind, "kind " + std::to_string(kind) + " contradicts the addresses");
}

void checkAlignment(const char *name, const void *address) {
  if (reinterpret_cast<uintptr_t>(address) % 64 != 0)
    violation(kind::misaligned, std::string(name) + " of an asynchronous copy is not a multiple of 64");
}

Side fillTarget(void *devPtr, size_t maxCount, size_t count) {
  requireArgument(devPtr, "devPtr is NULL");
  requireArgument(count > 0, "count is 0");
  if (count > maxCount)
    throw Failure(ACL_ERROR_INVALID_PARAM, "count " + std::to_string(count) + " exceeds maxCount " + std::to_string(maxCount));
  Side side("devPtr", devPtr, count, true);
  if (side.place == Place::host) {
    violation(kind::wildAddress, "devPtr is neither device memory nor memory of aclrtMallocHost");
    throw Failure(ACL_ERROR_RT_PARAM_INVALID, "devPtr is neither device memory nor memory of aclrtMallocHost");
  }
  return side;
}

// Ordinary host memory makes an asynchronous copy wait for its own end.
void copyAsync(const Side &dst, const Side &src, Stream &stream) {
  const bool pageable = dst.place == Place::host || src.place == Place::host;
  auto work = std::make_shared<Work>();
  work->ranges = {dst.range, src.range};
  work->execute = [dst, src] {
    dst.requireAlive("dst");
    src.requireAlive("src");
    memmove(dst.reached, src.reached, dst.range.size);
  };
  RuntimeLock lock(runtimeMutex());
  if (pageable) requireNoUnsafeCapture("an asynchronous copy with ordinary host memory");
  // What the host reads too early is NaN, not the result of the last run.
  if (dst.place == Place::pinned && !stream.capture && config().poison && !Stream::conflict(dst.range))
    memset(dst.reached, 0xFF, dst.range.size);
  const bool recorded = stream.capture != nullptr;
  enqueue(stream, std::make_shared<Task>(std::move(work)));
  if (pageable && !recorded) stream.waitUntilDone(lock, stream.lastNumber(), -1);
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

aclError aclrtMalloc(void **devPtr, size_t size, aclrtMemMallocPolicy) {
  return call(__func__, [&] { allocate(devPtr, size, 32); });
}

aclError aclrtMallocAlign32(void **devPtr, size_t size, aclrtMemMallocPolicy) {
  return call(__func__, [&] { allocate(devPtr, size, 0); });
}

aclError aclrtFree(void *devPtr) {
  return call(__func__, [&] {
    requireArgument(devPtr, "devPtr is NULL");
    currentContext();
    RuntimeLock lock(runtimeMutex());
    requireObserved({devPtr, deviceAllocationSize(devPtr), true}, kind::freeInFlight, "device memory is freed");
    freeDevice(devPtr);
  });
}

aclError aclrtMallocHost(void **hostPtr, size_t size) {
  return call(__func__, [&] {
    requireArgument(hostPtr, "hostPtr is NULL");
    requireArgument(size > 0, "size is 0");
    currentContext();
    *hostPtr = allocateHost(size);
  });
}

aclError aclrtFreeHost(void *hostPtr) {
  return call(__func__, [&] {
    requireArgument(hostPtr, "hostPtr is NULL");
    currentContext();
    RuntimeLock lock(runtimeMutex());
    requireObserved({hostPtr, hostAllocationSize(hostPtr), true}, kind::freeInFlight, "pinned host memory is freed");
    freeHost(hostPtr);
  });
}

aclError aclrtMemcpy(void *dst, size_t destMax, const void *src, size_t count, aclrtMemcpyKind kind) {
  return call(__func__, [&] {
    requireSizes(dst, destMax, src, count);
    currentContext();
    const Side to("dst", dst, count, true), from("src", src, count, false);
    checkKind(to, from, kind);
    {
      RuntimeLock lock(runtimeMutex());
      requireNoUnsafeCapture("aclrtMemcpy");
      requireObserved(to.range, kind::missingSync, "a blocking copy writes memory");
      requireObserved(from.range, kind::missingSync, "a blocking copy reads memory");
    }
    memmove(to.reached, from.reached, count);
  });
}

aclError aclrtMemcpyAsync(void *dst, size_t destMax, const void *src, size_t count, aclrtMemcpyKind kind,
                          aclrtStream stream) {
  return call(__func__, [&] {
    requireSizes(dst, destMax, src, count);
    const auto where = streamFor(stream);
    const Side to("dst", dst, count, true), from("src", src, count, false);
    if (!to.onDevice() && !from.onDevice()) {
      violation(kind::hostToHostAsync, "neither address is device memory");
      throw Failure(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "an asynchronous copy from host to host is not supported on Atlas A2");
    }
    checkKind(to, from, kind);
    checkAlignment("dst", dst);
    checkAlignment("src", src);
    if (to.place == Place::host || from.place == Place::host)
      violation(kind::unpinnedAsync, "ordinary host memory: the call returns only after the copy");
    copyAsync(to, from, *where);
  });
}

aclError aclrtMemset(void *devPtr, size_t maxCount, int32_t value, size_t count) {
  return call(__func__, [&] {
    currentContext();
    const Side target = fillTarget(devPtr, maxCount, count);
    {
      RuntimeLock lock(runtimeMutex());
      requireNoUnsafeCapture("aclrtMemset");
      requireObserved(target.range, kind::missingSync, "a blocking fill writes memory");
    }
    memset(target.reached, value, count);
  });
}

aclError aclrtMemsetAsync(void *devPtr, size_t maxCount, int32_t value, size_t count, aclrtStream stream) {
  return call(__func__, [&] {
    const auto where = streamFor(stream);
    const Side target = fillTarget(devPtr, maxCount, count);
    auto work = std::make_shared<Work>();
    work->ranges = {target.range};
    work->execute = [target, value] {
      target.requireAlive("devPtr");
      memset(target.reached, value, target.range.size);
    };
    RuntimeLock lock(runtimeMutex());
    enqueue(*where, std::make_shared<Task>(std::move(work)));
  });
}

// A 910B has HBM only; 0 of 0 for every kind of memory a chip does not have, as documented.
aclError aclrtGetMemInfo(aclrtMemAttr attr, size_t *free, size_t *total) {
  return call(__func__, [&] {
    requireArgument(free && total, "free or total is NULL");
    const auto context = currentContext();
    *free = *total = 0;
    if (attr != ACL_HBM_MEM && attr != ACL_HBM_MEM_HUGE && attr != ACL_HBM_MEM_NORMAL) return;
    const DeviceUsage usage = deviceUsage(context->device);
    *free = usage.free;
    *total = usage.total;
  });
}

}  // extern "C"
