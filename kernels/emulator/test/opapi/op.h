// Tensors of doubles on the device, and running an operator as a program would: for the tests of the operators.
//
// Formats are encoded and decoded here from their definitions, not with the emulator's own conversions.
#pragma once
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "../runtime/session.h"

using Shape = std::vector<int64_t>;
using Values = std::vector<double>;

inline int64_t count(const Shape &shape) {
  int64_t n = 1;
  for (const int64_t s : shape) n *= s;
  return n;
}

inline size_t sizeOf(aclDataType t) {
  return t == ACL_DOUBLE || t == ACL_INT64 || t == ACL_UINT64                      ? 8
         : t == ACL_FLOAT || t == ACL_INT32 || t == ACL_UINT32                     ? 4
         : t == ACL_FLOAT16 || t == ACL_BF16 || t == ACL_INT16 || t == ACL_UINT16 ? 2
                                                                                   : 1;
}

inline int mantissaOf(aclDataType t) { return t == ACL_FLOAT16 ? 10 : t == ACL_BF16 ? 7 : t == ACL_FLOAT ? 23 : 52; }

// The nearest value of the format, ties to even.
inline double rounded(aclDataType t, double x) {
  if (t == ACL_DOUBLE || !std::isfinite(x) || x == 0) return x;
  if (t != ACL_FLOAT && t != ACL_FLOAT16 && t != ACL_BF16) return x;
  const int e = std::max(std::ilogb(x), t == ACL_FLOAT16 ? -14 : -126), m = mantissaOf(t);
  const double y = std::ldexp(std::nearbyint(std::ldexp(x, m - e)), e - m);
  return std::fabs(y) >= std::ldexp(1.0, t == ACL_FLOAT16 ? 16 : 128) ? std::copysign(INFINITY, x) : y;
}

inline void encode(aclDataType t, double x, unsigned char *to) {
  if (t == ACL_DOUBLE) return static_cast<void>(memcpy(to, &x, 8));
  if (t == ACL_FLOAT || t == ACL_BF16) {
    const auto f = static_cast<float>(t == ACL_BF16 ? rounded(t, x) : x);
    memcpy(to, reinterpret_cast<const unsigned char *>(&f) + (t == ACL_BF16 ? 2 : 0), sizeOf(t));
    return;
  }
  if (t == ACL_FLOAT16) {
    const double y = std::fabs(rounded(t, x));
    uint16_t bits = std::signbit(x) ? 0x8000 : 0;
    if (std::isnan(x)) bits |= 0x7E00;
    else if (std::isinf(y)) bits |= 0x7C00;
    else if (y < 0x1p-14) bits |= static_cast<uint16_t>(std::ldexp(y, 24));
    else bits |= static_cast<uint16_t>(((std::ilogb(y) + 15) << 10) + static_cast<int>(std::ldexp(y, 10 - std::ilogb(y))) - 1024);
    memcpy(to, &bits, 2);
    return;
  }
  const auto i = static_cast<int64_t>(x);
  memcpy(to, &i, sizeOf(t));  // little-endian
}

inline double decode(aclDataType t, const unsigned char *from) {
  if (t == ACL_DOUBLE) { double d; memcpy(&d, from, 8); return d; }
  if (t == ACL_FLOAT) { float f; memcpy(&f, from, 4); return f; }
  uint64_t bits = 0;
  memcpy(&bits, from, sizeOf(t));
  if (t == ACL_BF16) { const auto wide = static_cast<uint32_t>(bits << 16); float f; memcpy(&f, &wide, 4); return f; }
  if (t == ACL_FLOAT16) {
    const int e = static_cast<int>(bits >> 10 & 31), m = static_cast<int>(bits & 1023);
    const double y = e == 31 ? (m ? NAN : INFINITY) : e ? std::ldexp(1024 + m, e - 25) : std::ldexp(m, -24);
    return bits & 0x8000 ? -y : y;
  }
  if (t == ACL_UINT8 || t == ACL_UINT16 || t == ACL_UINT32 || t == ACL_UINT64 || t == ACL_BOOL) return static_cast<double>(bits);
  const int unused = 64 - 8 * static_cast<int>(sizeOf(t));
  return static_cast<double>(static_cast<int64_t>(bits << unused) >> unused);
}

// plain: row-major. transposed: the last two axes swapped in memory. spread: from element 3 on, every second one.
enum class Layout { plain, transposed, spread };

class Device {
 public:
  Device(aclDataType dtype, Shape shape, const Values &values = {}, Layout layout = Layout::plain)
      : dtype(dtype), shape(std::move(shape)), strides(this->shape.size()) {
    const bool swap = layout == Layout::transposed && this->shape.size() >= 2;
    Shape order = this->shape;
    if (swap) std::swap(order[order.size() - 1], order[order.size() - 2]);
    int64_t step = layout == Layout::spread ? 2 : 1;
    for (size_t i = order.size(); i-- > 0; step *= order[i]) strides[i] = step;
    if (swap) std::swap(strides[strides.size() - 1], strides[strides.size() - 2]);
    offset = layout == Layout::spread ? 3 : 0;
    elements = layout == Layout::spread ? 2 * count(order) + 3 : count(order);
    CHECK_OK(aclrtMalloc(&address, std::max<size_t>(1, bytes()), ACL_MEM_MALLOC_HUGE_FIRST));
    const int64_t storage[1] = {elements};
    handle = aclCreateTensor(this->shape.data(), this->shape.size(), dtype, strides.data(), offset, ACL_FORMAT_ND, storage, 1, address);
    CHECK(handle);
    std::vector<unsigned char> memory(bytes(), 0x5A);
    if (!values.empty()) CHECK(static_cast<int64_t>(values.size()) == count(this->shape));
    for (size_t i = 0; i < values.size(); ++i) encode(dtype, values[i], memory.data() + at(static_cast<int64_t>(i)));
    if (!memory.empty()) CHECK_OK(aclrtMemcpy(address, memory.size(), memory.data(), memory.size(), ACL_MEMCPY_HOST_TO_DEVICE));
  }
  ~Device() {
    CHECK_OK(aclDestroyTensor(handle));
    CHECK_OK(aclrtFree(address));
  }
  Device(const Device &) = delete;
  operator aclTensor *() const { return handle; }

  // Also checks that nothing between a view's elements was written.
  Values read() const {
    std::vector<unsigned char> memory(bytes());
    if (!memory.empty()) CHECK_OK(aclrtMemcpy(memory.data(), memory.size(), address, memory.size(), ACL_MEMCPY_DEVICE_TO_HOST));
    std::vector<bool> mine(memory.size());
    Values values;
    for (int64_t i = 0; i < count(shape); ++i) {
      values.push_back(decode(dtype, memory.data() + at(i)));
      for (size_t b = 0; b < sizeOf(dtype); ++b) mine[at(i) + b] = true;
    }
    for (size_t b = 0; b < memory.size(); ++b) CHECK(mine[b] || memory[b] == 0x5A);
    return values;
  }

  const aclDataType dtype;
  const Shape shape;

 private:
  size_t bytes() const { return static_cast<size_t>(elements) * sizeOf(dtype); }
  size_t at(int64_t index) const {
    int64_t position = offset;
    for (size_t axis = shape.size(); axis-- > 0; index /= shape[axis]) position += index % shape[axis] * strides[axis];
    return static_cast<size_t>(position) * sizeOf(dtype);
  }
  Shape strides;
  int64_t offset, elements;
  void *address = nullptr;
  aclTensor *handle;
};

struct Scalar {
  template <class T>
  Scalar(T value, aclDataType dtype) : handle(aclCreateScalar(&value, dtype)) { CHECK(handle); }
  explicit Scalar(float value) : Scalar(value, ACL_FLOAT) {}
  ~Scalar() { CHECK_OK(aclDestroyScalar(handle)); }
  Scalar(const Scalar &) = delete;
  operator aclScalar *() const { return handle; }
  aclScalar *handle;
};

struct Integers {
  explicit Integers(const Shape &values) : handle(aclCreateIntArray(values.data(), values.size())) { CHECK(handle); }
  ~Integers() { CHECK_OK(aclDestroyIntArray(handle)); }
  Integers(const Integers &) = delete;
  operator aclIntArray *() const { return handle; }
  aclIntArray *handle;
};

using PhaseTwo = aclnnStatus (*)(void *, uint64_t, aclOpExecutor *, aclrtStream);

// Both phases and a synchronise; the status of the last.
template <class PhaseOne, class... Arguments>
aclError perform(PhaseOne one, PhaseTwo two, const Arguments &...arguments) {
  StreamHandle stream;
  uint64_t size = 0;
  aclOpExecutor *executor = nullptr;
  CHECK_OK(one(arguments..., &size, &executor));
  void *workspace = nullptr;
  if (size > 0) CHECK_OK(aclrtMalloc(&workspace, size, ACL_MEM_MALLOC_HUGE_FIRST));
  CHECK_OK(two(workspace, size, executor, stream));
  const aclError status = aclrtSynchronizeStream(stream);
  if (workspace) CHECK_OK(aclrtFree(workspace));
  return status;
}
#define RUN(name, ...) CHECK_OK(perform(name##GetWorkspaceSize, name, __VA_ARGS__))

// Phase 1 refuses with this code and a text that has the word.
#define REFUSED(code, word, name, ...)                                                        \
  do {                                                                                        \
    uint64_t refusedSize = 0;                                                                 \
    aclOpExecutor *refusedExecutor = nullptr;                                                 \
    CHECK((code) == name##GetWorkspaceSize(__VA_ARGS__, &refusedSize, &refusedExecutor));     \
    const char *refusedText = aclGetRecentErrMsg();                                           \
    CHECK(refusedText && strstr(refusedText, word));                                          \
    CHECK(!refusedExecutor);                                                                  \
  } while (0)

// Every element within ulps of the format around the exact value, plus an absolute allowance.
inline void checkClose(const char *file, int line, const Device &out, const Values &exact, double ulps, double absolute = 0) {
  const Values found = out.read();
  CHECK(found.size() == exact.size());
  for (size_t i = 0; i < exact.size(); ++i) {
    const double wanted = rounded(out.dtype, exact[i]);
    if (found[i] == wanted || (std::isnan(found[i]) && std::isnan(wanted))) continue;
    const int e = exact[i] == 0 ? -126 : std::max(std::ilogb(exact[i]), out.dtype == ACL_FLOAT16 ? -14 : -126);
    const double allowed = ulps * std::ldexp(1.0, e - mantissaOf(out.dtype)) + absolute;
    if (std::fabs(found[i] - exact[i]) <= allowed) continue;
    fprintf(stderr, "%s:%d: element %zu is %.9g, not %.9g (+-%.3g)\n", file, line, i, found[i], exact[i], allowed);
    exit(1);
  }
}
#define CHECK_CLOSE(...) checkClose(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK_EXACT(out, values) checkClose(__FILE__, __LINE__, out, values, 0)

// Reproducible numbers in [-scale, scale), already rounded to the format.
inline Values randoms(aclDataType dtype, int64_t n, uint32_t seed, double scale = 1) {
  Values values(static_cast<size_t>(n));
  for (double &v : values) {
    seed = seed * 1664525 + 1013904223;
    v = rounded(dtype, (static_cast<double>(seed) * 0x1p-31 - 1) * scale);
  }
  return values;
}
