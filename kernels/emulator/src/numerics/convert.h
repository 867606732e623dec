// Elements of tensors as numbers: float16, bfloat16 and HF32 rounding, and runs of any dtype read into and
// written from one of four number types: float (fp32, fp16, bf16), double, uint64_t (uint64), int64_t (other
// integers and bool).
//
// A new dtype is one more case in convert.cpp; nothing else switches on dtypes to reach an element.
#pragma once
#include <cstdint>
#include <cstring>

#include "acl_emulator.h"

namespace emulator {

inline uint32_t bitsOf(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline float floatOf(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// The conversions have no branch, so that loops over them vectorise.

// The exponent is rebiased by a multiplication, which also normalises subnormals.
inline float halfToFloat(uint16_t h) {
  const uint32_t magnitude = static_cast<uint32_t>(h & 0x7FFF) << 13;
  const uint32_t finite = bitsOf(floatOf(magnitude) * 0x1p112f);
  const uint32_t special = magnitude | 0x7F800000;
  return floatOf((magnitude >= 0x0F800000 ? special : finite) | static_cast<uint32_t>(h & 0x8000) << 16);
}

// To nearest, ties to even; overflow gives infinity, NaN a quiet NaN.
inline uint16_t floatToHalf(float x) {
  const uint32_t bits = bitsOf(x), magnitude = bits & 0x7FFFFFFF;
  const uint32_t normal = (magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1)) >> 13;
  // Below 2^-14 the spacing is 2^-24, which is the spacing of floats at 1/2: the addition rounds.
  const uint32_t small = magnitude < 0x38800000 ? magnitude : 0;
  const uint32_t subnormal = bitsOf(floatOf(small) + 0.5f) - 0x3F000000;
  const uint32_t finite = magnitude < 0x38800000 ? subnormal : normal;
  const uint32_t special = magnitude > 0x7F800000 ? 0x7E00 : 0x7C00;
  return static_cast<uint16_t>((magnitude >= 0x477FF000 ? special : finite) | (bits >> 16 & 0x8000));
}

inline float bfloatToFloat(uint16_t b) { return floatOf(static_cast<uint32_t>(b) << 16); }

inline uint16_t floatToBfloat(float x) {
  const uint32_t bits = bitsOf(x);
  const uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  const uint32_t quiet = bits >> 16 | 0x40;
  return static_cast<uint16_t>((bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : rounded);
}

// HF32 has 1 sign, 8 exponent and 11 mantissa bits. How the cube unit rounds to it is not documented; to
// nearest, ties to even, is an assumption.
inline float roundToHf32(float x) {
  const uint32_t bits = bitsOf(x);
  const uint32_t rounded = (bits + 0x7FF + (bits >> 12 & 1)) & ~uint32_t{0xFFF};
  return floatOf((bits & 0x7FFFFFFF) >= 0x7F800000 ? bits : rounded);
}

// What a tensor of this dtype is computed in.
enum class Number { real32, real64, natural, integer };
Number numberOf(aclDataType dtype);

// n elements, stride elements apart, into consecutive numbers and back. Numbers of a wider kind than the
// dtype are rounded as aclnnCast does: floating to integer truncates, NaN becomes 0 and what is out of range
// saturates (assumption); integers keep their low bits and are rounded to floating formats once; anything but 0
// is true. double to fp16 or bf16 goes through fp32 (assumption).
template <class T>
void load(aclDataType dtype, const void *source, int64_t stride, int64_t n, T *numbers);
template <class T>
void store(aclDataType dtype, void *target, int64_t stride, int64_t n, const T *numbers);

}  // namespace emulator
