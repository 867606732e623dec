// Devices, contexts, and which context is current in a thread.
#pragma once
#include <map>

#include "../common/handles.h"
#include "stream.h"

namespace emulator {

struct Context {
  int device;
  bool isDefault;
  std::shared_ptr<Stream> defaultStream;
  std::map<aclSysParamOpt, int64_t> options;
};

HandleTable<Context> &contexts();
HandleTable<Stream> &streamHandles();

// The context of this thread; throws 107002 without one, 100001 before aclInit.
EMULATOR_API std::shared_ptr<Context> currentContext();

// NULL is the current context's default stream; throws 107003 for a stream of another context.
EMULATOR_API std::shared_ptr<Stream> streamFor(aclrtStream handle);

// What a device has of the objects that are limited; with the runtime lock held.
struct DeviceCounts {
  uint32_t streams = 0, events = 0;
};
DeviceCounts &countsOf(int device);

// Throws the fault a task of the stream raised since the last synchronise; with the runtime lock held.
void raiseFault(Stream &stream);

// Lets a stream finish what is queued and ends its thread. The caller drops its last reference without the lock.
void retire(RuntimeLock &lock, Stream &stream);

}  // namespace emulator
