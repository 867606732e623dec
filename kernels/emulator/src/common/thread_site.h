// Lets a stream's thread act in the name of the call that enqueued its task.
#pragma once
#include "call.h"

namespace emulator {

void setThreadSite(const CallSite &site);

}  // namespace emulator
