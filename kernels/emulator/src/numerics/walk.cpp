// Merging axes and sharing the runs of a walk between threads.
#include "walk.h"

#include <algorithm>

#include "pool.h"

namespace emulator {
namespace {

constexpr int64_t elementsPerTask = 1 << 15;  // fewer are not worth waking a thread

struct Merged {
  std::vector<int64_t> shape;
  std::vector<std::vector<int64_t>> strides;  // [array][axis]
};

// Two neighbouring axes are one when, in every array, a step of the outer is a whole turn of the inner.
Merged merge(const std::vector<int64_t> &shape, const std::vector<Strided> &arrays) {
  Merged merged;
  merged.strides.resize(arrays.size());
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 1) continue;
    bool joins = !merged.shape.empty();
    for (size_t a = 0; a < arrays.size(); ++a)
      joins = joins && merged.strides[a].back() == arrays[a].strides[axis] * shape[axis];
    if (joins) merged.shape.back() *= shape[axis];
    else merged.shape.push_back(shape[axis]);
    for (size_t a = 0; a < arrays.size(); ++a) {
      if (joins) merged.strides[a].back() = arrays[a].strides[axis];
      else merged.strides[a].push_back(arrays[a].strides[axis]);
    }
  }
  if (merged.shape.empty()) {
    merged.shape.push_back(1);
    for (auto &strides : merged.strides) strides.push_back(0);
  }
  return merged;
}

}  // namespace

void walk(const std::vector<int64_t> &shape, const std::vector<Strided> &arrays, int64_t longest, const Run &run) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return;
  const Merged merged = merge(shape, arrays);
  const size_t outer = merged.shape.size() - 1;
  const int64_t length = merged.shape[outer], pieces = (length + longest - 1) / longest;
  int64_t runs = pieces;
  for (size_t axis = 0; axis < outer; ++axis) runs *= merged.shape[axis];
  const int64_t perTask = std::max<int64_t>(1, elementsPerTask / std::min(length, longest));

  std::vector<int64_t> inner(arrays.size());
  for (size_t a = 0; a < arrays.size(); ++a) inner[a] = merged.strides[a][outer];

  parallelFor((runs + perTask - 1) / perTask, [&](int64_t task) {
    std::vector<std::byte *> pointers(arrays.size());
    for (int64_t r = task * perTask; r < std::min(runs, (task + 1) * perTask); ++r) {
      const int64_t start = r % pieces * longest;
      for (size_t a = 0; a < arrays.size(); ++a) pointers[a] = arrays[a].data + start * inner[a];
      int64_t rest = r / pieces;
      for (size_t axis = outer; axis-- > 0; rest /= merged.shape[axis])
        for (size_t a = 0; a < arrays.size(); ++a) pointers[a] += rest % merged.shape[axis] * merged.strides[a][axis];
      run(std::min(longest, length - start), pointers.data(), inner.data());
    }
  });
}

std::vector<int64_t> broadcastStrides(const std::vector<int64_t> &shape, const std::vector<int64_t> &strides,
                                      const std::vector<int64_t> &to) {
  std::vector<int64_t> result(to.size(), 0);
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != 1) result[to.size() - shape.size() + i] = strides[i];
  return result;
}

}  // namespace emulator
