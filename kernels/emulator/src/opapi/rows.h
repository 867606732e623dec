// Operators along one axis or some trailing ones, a line of numbers at a time.
#pragma once
#include "operator.h"
#include "../numerics/pool.h"

namespace emulator {

// A view without an axis: where lines along that axis start.
inline View dropAxis(View view, int64_t axis) {
  if (view.shape.empty()) return view;
  view.shape.erase(view.shape.begin() + axis);
  view.strides.erase(view.strides.begin() + axis);
  return view;
}

// Element number index, in row-major order, of a view.
inline std::byte *elementAt(const View &view, int64_t index) {
  int64_t offset = 0;
  for (size_t axis = view.shape.size(); axis-- > 0; index /= view.shape[axis]) offset += index % view.shape[axis] * view.strides[axis];
  return view.first<std::byte>() + offset * static_cast<int64_t>(view.elementSize());
}

// The axes from first on, read and written as one line of numbers whatever the strides.
template <class T>
void loadTail(const View &view, std::byte *start, size_t first, T *numbers) {
  if (first == view.shape.size()) return load(view.dtype, start, 1, 1, numbers);
  const int64_t inner = numel({view.shape.begin() + static_cast<int64_t>(first) + 1, view.shape.end()});
  const auto size = static_cast<int64_t>(view.elementSize());
  if (first + 1 == view.shape.size()) return load(view.dtype, start, view.strides[first], view.shape[first], numbers);
  for (int64_t i = 0; i < view.shape[first]; ++i) loadTail(view, start + i * view.strides[first] * size, first + 1, numbers + i * inner);
}
template <class T>
void storeTail(const View &view, std::byte *start, size_t first, const T *numbers) {
  if (first == view.shape.size()) return store(view.dtype, start, 1, 1, numbers);
  const int64_t inner = numel({view.shape.begin() + static_cast<int64_t>(first) + 1, view.shape.end()});
  const auto size = static_cast<int64_t>(view.elementSize());
  if (first + 1 == view.shape.size()) return store(view.dtype, start, view.strides[first], view.shape[first], numbers);
  for (int64_t i = 0; i < view.shape[first]; ++i) storeTail(view, start + i * view.strides[first] * size, first + 1, numbers + i * inner);
}

// f(i) for every line, in groups worth a thread.
template <class F>
void forEachLine(int64_t count, int64_t length, F f) {
  const int64_t group = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, length));
  parallelFor((count + group - 1) / group, [&](int64_t part) {
    for (int64_t i = part * group; i < std::min(count, (part + 1) * group); ++i) f(i);
  });
}

}  // namespace emulator
