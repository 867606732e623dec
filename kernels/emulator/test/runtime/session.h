// A process that is initialised and has device 0 set, as most tests need it; ends with no violation left.
#pragma once
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "../check.h"

constexpr size_t kMiB = size_t{1} << 20;

struct Session {
  Session() {
    CHECK_OK(aclInit(nullptr));
    CHECK_OK(aclrtSetDevice(0));
  }
  ~Session() {
    CHECK_OK(aclrtResetDevice(0));
    CHECK_OK(aclFinalize());
    CHECK_NO_VIOLATION();
  }
};

struct DeviceBuffer {
  explicit DeviceBuffer(size_t size) : size(size) { CHECK_OK(aclrtMalloc(&address, size, ACL_MEM_MALLOC_HUGE_FIRST)); }
  ~DeviceBuffer() { CHECK_OK(aclrtFree(address)); }
  DeviceBuffer(const DeviceBuffer &) = delete;
  char *at(size_t offset) const { return static_cast<char *>(address) + offset; }
  size_t size;
  void *address = nullptr;
};

struct PinnedBuffer {
  explicit PinnedBuffer(size_t size) : size(size) { CHECK_OK(aclrtMallocHost(&address, size)); }
  ~PinnedBuffer() { CHECK_OK(aclrtFreeHost(address)); }
  PinnedBuffer(const PinnedBuffer &) = delete;
  unsigned char *bytes() const { return static_cast<unsigned char *>(address); }
  size_t size;
  void *address = nullptr;
};

struct StreamHandle {
  StreamHandle() { CHECK_OK(aclrtCreateStream(&stream)); }
  ~StreamHandle() { CHECK_OK(aclrtDestroyStream(stream)); }
  StreamHandle(const StreamHandle &) = delete;
  operator aclrtStream() const { return stream; }
  aclrtStream stream = nullptr;
};

struct EventHandle {
  EventHandle() { CHECK_OK(aclrtCreateEvent(&event)); }
  ~EventHandle() { CHECK_OK(aclrtDestroyEvent(event)); }
  EventHandle(const EventHandle &) = delete;
  operator aclrtEvent() const { return event; }
  aclrtEvent event = nullptr;
};

// Long enough for enqueued work to be done: where a missing synchronise is planted, the program itself must
// not race, or the thread sanitizer would rightly say so.
inline void settle() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

inline void inThread(const std::function<void()> &body) { std::thread(body).join(); }
