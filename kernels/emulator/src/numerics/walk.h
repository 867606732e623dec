// Strided iteration: several arrays of one shape, each with its own strides, walked together in runs.
//
// Axes that are contiguous for every array are merged, so a run is as long as the layouts allow; the last axis
// is the run. It knows nothing of dtypes: strides are in bytes, 0 broadcasts.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace emulator {

struct Strided {
  std::byte *data;
  std::vector<int64_t> strides;  // in bytes, one per axis of the shape
};

// run(n, pointers, strides): n elements of each array, from pointers[i], strides[i] bytes apart.
using Run = std::function<void(int64_t n, std::byte *const *pointers, const int64_t *strides)>;

// No run is longer than longest. Large walks are shared between threads: run is called concurrently.
void walk(const std::vector<int64_t> &shape, const std::vector<Strided> &arrays, int64_t longest, const Run &run);

// Strides that make an array of this shape look like the broadcast shape: 0 where it is repeated.
std::vector<int64_t> broadcastStrides(const std::vector<int64_t> &shape, const std::vector<int64_t> &strides,
                                      const std::vector<int64_t> &to);

}  // namespace emulator
