// What call.cpp knows of a thread: whose call it acts for, and which device is current in it.
#pragma once
#include "call.h"

namespace emulator {

// Lets a stream's thread act in the name of the call that enqueued its task.
void setThreadSite(const CallSite &site);

// Calls of this thread are from now on also those of a device.
void setThreadDevice(int id);

}  // namespace emulator
