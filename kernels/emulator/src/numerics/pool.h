// A few threads for the arithmetic of all streams: ASCEND_EMULATOR_THREADS, or as many as there are cores.
#pragma once
#include <cstdint>
#include <functional>

namespace emulator {

// Calls body(i) for every i in [0, count), on this thread and idle ones, and returns when all are done.
// Inside another parallelFor the calls run on the calling thread. The first exception is thrown here.
void parallelFor(int64_t count, const std::function<void(int64_t)> &body);

// How many threads parallelFor uses at most, the caller's included.
int64_t parallelThreads();

}  // namespace emulator
