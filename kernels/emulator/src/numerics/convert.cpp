// Reading and writing runs of elements of any dtype.
#include "convert.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "isa.h"

namespace emulator {
namespace {

// The two 16-bit floating formats as C++ types; bool has its own so that storing it can test for 0.
struct Half { uint16_t bits; };
struct Bfloat { uint16_t bits; };
struct Bool { uint8_t value; };

// Calls f with a null pointer to the element type of dtype.
template <class F>
void withType(aclDataType dtype, F f) {
  switch (dtype) {
    case ACL_FLOAT: return f(static_cast<float *>(nullptr));
    case ACL_FLOAT16: return f(static_cast<Half *>(nullptr));
    case ACL_BF16: return f(static_cast<Bfloat *>(nullptr));
    case ACL_DOUBLE: return f(static_cast<double *>(nullptr));
    case ACL_INT8: return f(static_cast<int8_t *>(nullptr));
    case ACL_UINT8: return f(static_cast<uint8_t *>(nullptr));
    case ACL_INT16: return f(static_cast<int16_t *>(nullptr));
    case ACL_UINT16: return f(static_cast<uint16_t *>(nullptr));
    case ACL_INT32: return f(static_cast<int32_t *>(nullptr));
    case ACL_UINT32: return f(static_cast<uint32_t *>(nullptr));
    case ACL_INT64: return f(static_cast<int64_t *>(nullptr));
    case ACL_UINT64: return f(static_cast<uint64_t *>(nullptr));
    case ACL_BOOL: return f(static_cast<Bool *>(nullptr));
    default: throw std::logic_error("no numbers of dtype " + std::to_string(dtype));
  }
}

template <class T, class E>
EMULATOR_INLINE T read(E e) {
  if constexpr (std::is_same_v<E, Half>) return static_cast<T>(halfToFloat(e.bits));
  else if constexpr (std::is_same_v<E, Bfloat>) return static_cast<T>(bfloatToFloat(e.bits));
  else if constexpr (std::is_same_v<E, Bool>) return static_cast<T>(e.value != 0);
  else if constexpr (std::is_floating_point_v<E> && std::is_integral_v<T>) {
    throw std::logic_error("floating elements are not read as integers");
  } else return static_cast<T>(e);
}

template <class I, class T>
EMULATOR_INLINE I truncateTo(T x) {
  // The limits are powers of two, exact in T.
  const T below = static_cast<T>(std::numeric_limits<I>::min());
  const T above = std::ldexp(T{1}, std::numeric_limits<I>::digits);
  if (x != x) return 0;
  if (x < below) return std::numeric_limits<I>::min();
  if (x >= above) return std::numeric_limits<I>::max();
  return static_cast<I>(x);
}

// A float that rounds to bfloat16 (or anything of at most 22 bits) as the integer itself does: bits below the 24th
// are gathered in the 24th ("round to odd"), so that no tie is made.
template <class I>
EMULATOR_INLINE float oddFloat(I x) {
  uint64_t magnitude = x < 0 ? -static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
  int lost = 0;
  for (; magnitude >> 24; ++lost) magnitude = magnitude >> 1 | (magnitude & 1);
  const float y = std::ldexp(static_cast<float>(magnitude), lost);
  return x < 0 ? -y : y;
}

template <class E, class T>
EMULATOR_INLINE E write(T x) {
  if constexpr (std::is_same_v<E, Bfloat> && std::is_integral_v<T>) return {floatToBfloat(oddFloat(x))};
  else if constexpr (std::is_same_v<E, Half>) return {floatToHalf(static_cast<float>(x))};
  else if constexpr (std::is_same_v<E, Bfloat>) return {floatToBfloat(static_cast<float>(x))};
  else if constexpr (std::is_same_v<E, Bool>) return {static_cast<uint8_t>(x != 0)};
  else if constexpr (std::is_floating_point_v<T> && std::is_integral_v<E>) return truncateTo<E>(x);
  else return static_cast<E>(x);
}

// The frequent pairs have vector code of their own; the rest is as fast as plain C++ is.
template <class T, class E>
EMULATOR_INLINE void readRunBody(const E *source, int64_t n, T *numbers) {
  for (int64_t i = 0; i < n; ++i) numbers[i] = read<T>(source[i]);
}
template <class T, class E>
EMULATOR_INLINE void writeRunBody(E *target, int64_t n, const T *numbers) {
  for (int64_t i = 0; i < n; ++i) target[i] = write<E>(numbers[i]);
}

EMULATOR_INLINE void readHalvesBody(const Half *s, int64_t n, float *d) { readRunBody(s, n, d); }
EMULATOR_INLINE void readBfloatsBody(const Bfloat *s, int64_t n, float *d) { readRunBody(s, n, d); }
EMULATOR_INLINE void writeHalvesBody(Half *d, int64_t n, const float *s) { writeRunBody(d, n, s); }
EMULATOR_INLINE void writeBfloatsBody(Bfloat *d, int64_t n, const float *s) { writeRunBody(d, n, s); }
EMULATOR_MULTIVERSION(readHalves, (const Half *s, int64_t n, float *d), (s, n, d))
EMULATOR_MULTIVERSION(readBfloats, (const Bfloat *s, int64_t n, float *d), (s, n, d))
EMULATOR_MULTIVERSION(writeHalves, (Half *d, int64_t n, const float *s), (d, n, s))
EMULATOR_MULTIVERSION(writeBfloats, (Bfloat *d, int64_t n, const float *s), (d, n, s))

}  // namespace

Number numberOf(aclDataType dtype) {
  if (dtype == ACL_FLOAT || dtype == ACL_FLOAT16 || dtype == ACL_BF16) return Number::real32;
  if (dtype == ACL_DOUBLE) return Number::real64;
  return dtype == ACL_UINT64 ? Number::natural : Number::integer;
}

template <class T>
void load(aclDataType dtype, const void *source, int64_t stride, int64_t n, T *numbers) {
  if (n == 0) return;  // the pointers may be NULL
  if constexpr (std::is_same_v<T, float>) {
    if (stride == 1 && dtype == ACL_FLOAT) return static_cast<void>(memcpy(numbers, source, static_cast<size_t>(n) * 4));
    if (stride == 1 && dtype == ACL_FLOAT16) return readHalves(bestIsa(), static_cast<const Half *>(source), n, numbers);
    if (stride == 1 && dtype == ACL_BF16) return readBfloats(bestIsa(), static_cast<const Bfloat *>(source), n, numbers);
  }
  withType(dtype, [&](auto *type) {
    using E = std::remove_pointer_t<decltype(type)>;
    const E *e = static_cast<const E *>(source);
    for (int64_t i = 0; i < n; ++i) numbers[i] = read<T>(e[i * stride]);
  });
}

template <class T>
void store(aclDataType dtype, void *target, int64_t stride, int64_t n, const T *numbers) {
  if (n == 0) return;  // the pointers may be NULL
  if constexpr (std::is_same_v<T, float>) {
    if (stride == 1 && dtype == ACL_FLOAT) return static_cast<void>(memcpy(target, numbers, static_cast<size_t>(n) * 4));
    if (stride == 1 && dtype == ACL_FLOAT16) return writeHalves(bestIsa(), static_cast<Half *>(target), n, numbers);
    if (stride == 1 && dtype == ACL_BF16) return writeBfloats(bestIsa(), static_cast<Bfloat *>(target), n, numbers);
  }
  withType(dtype, [&](auto *type) {
    using E = std::remove_pointer_t<decltype(type)>;
    E *e = static_cast<E *>(target);
    for (int64_t i = 0; i < n; ++i) e[i * stride] = write<E>(numbers[i]);
  });
}

template void load(aclDataType, const void *, int64_t, int64_t, float *);
template void load(aclDataType, const void *, int64_t, int64_t, double *);
template void load(aclDataType, const void *, int64_t, int64_t, int64_t *);
template void load(aclDataType, const void *, int64_t, int64_t, uint64_t *);
template void store(aclDataType, void *, int64_t, int64_t, const float *);
template void store(aclDataType, void *, int64_t, int64_t, const double *);
template void store(aclDataType, void *, int64_t, int64_t, const int64_t *);
template void store(aclDataType, void *, int64_t, int64_t, const uint64_t *);

}  // namespace emulator
