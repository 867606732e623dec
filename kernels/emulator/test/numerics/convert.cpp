// Conversions against the definitions of the formats: every fp16 and bf16 value, and every rounding boundary.
#include "../../src/numerics/convert.h"

#include <cmath>
#include <limits>
#include <vector>

#include "check.h"

using namespace emulator;

static double valueOf(uint16_t bits, int mantissaBits) {
  const int exponentBits = 15 - mantissaBits, bias = (1 << (exponentBits - 1)) - 1;
  const int exponent = bits >> mantissaBits & ((1 << exponentBits) - 1), mantissa = bits & ((1 << mantissaBits) - 1);
  const double magnitude = exponent == (1 << exponentBits) - 1 ? (mantissa ? NAN : INFINITY)
                           : exponent ? std::ldexp(1.0 + std::ldexp(mantissa, -mantissaBits), exponent - bias)
                                      : std::ldexp(mantissa, 1 - bias - mantissaBits);
  return bits & 0x8000 ? -magnitude : magnitude;
}

static void format(int mantissaBits, float (*widen)(uint16_t), uint16_t (*narrow)(float)) {
  const uint16_t infinity = static_cast<uint16_t>(0x7FFF & ~((1 << mantissaBits) - 1));
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto b = static_cast<uint16_t>(bits);
    const double value = valueOf(b, mantissaBits);
    if (std::isnan(value)) {
      CHECK(std::isnan(widen(b)));
      CHECK(std::isnan(widen(narrow(widen(b)))));
    } else {
      CHECK(widen(b) == value && std::signbit(widen(b)) == std::signbit(value));
      CHECK(narrow(widen(b)) == b);
    }
  }
  // Half way between neighbours goes to the even one; one float to either side goes to the nearer one.
  for (uint16_t b = 0; b < infinity; ++b) {
    const double low = valueOf(b, mantissaBits);
    const double high = b + 1 == infinity ? low + (low - valueOf(b - 1, mantissaBits)) : valueOf(b + 1, mantissaBits);
    const auto middle = static_cast<float>((low + high) / 2);
    const uint16_t even = b % 2 ? b + 1 : b;
    CHECK(narrow(middle) == even);
    CHECK(narrow(std::nextafter(middle, 0.0f)) == b);
    CHECK(narrow(std::nextafter(middle, INFINITY)) == b + 1);
    CHECK(narrow(-middle) == (even | 0x8000));
  }
  CHECK(narrow(INFINITY) == infinity && narrow(-INFINITY) == (infinity | 0x8000));
  CHECK(narrow(std::numeric_limits<float>::max()) == infinity);
  CHECK(narrow(std::numeric_limits<float>::denorm_min()) == 0);
}

static void hf32() {
  CHECK(roundToHf32(1.0f) == 1.0f);
  CHECK(roundToHf32(1.0f + 0x1p-11f) == 1.0f + 0x1p-11f);
  CHECK(roundToHf32(1.0f + 0x1p-12f) == 1.0f);                      // half way, to even
  CHECK(roundToHf32(1.0f + 0x1p-11f + 0x1p-12f) == 1.0f + 0x1p-10f);  // half way, to even
  CHECK(roundToHf32(-1.0f - 0x1.8p-12f) == -1.0f - 0x1p-11f);
  CHECK(roundToHf32(std::numeric_limits<float>::max()) == INFINITY);
  CHECK(roundToHf32(-INFINITY) == -INFINITY && std::isnan(roundToHf32(NAN)));
}

static void runs() {
  const float source[] = {1.9f, -1.9f, NAN, 300.0f, -300.0f, 0.5f};
  int8_t bytes[12] = {};
  store(ACL_INT8, bytes, 2, 6, source);  // every second one
  const int8_t expected[] = {1, 0, -1, 0, 0, 0, 127, 0, -128, 0, 0, 0};
  CHECK(memcmp(bytes, expected, sizeof bytes) == 0);
  uint8_t flags[6];
  store(ACL_BOOL, flags, 1, 6, source);
  for (const uint8_t flag : flags) CHECK(flag == 1);
  const int64_t wide[] = {(int64_t{1} << 32) + 5, -1, 256};
  int32_t narrow[3];
  store(ACL_INT32, narrow, 1, 3, wide);
  CHECK(narrow[0] == 5 && narrow[1] == -1 && narrow[2] == 256);
  // Runs and single conversions agree, in whatever vector version the machine runs.
  std::vector<uint16_t> all(0x10000), back(0x10000);
  std::vector<float> floats(0x10000);
  for (uint32_t i = 0; i < 0x10000; ++i) all[i] = static_cast<uint16_t>(i);
  load(ACL_FLOAT16, all.data(), 1, 0x10000, floats.data());
  for (uint32_t i = 0; i < 0x10000; ++i) CHECK(bitsOf(floats[i]) == bitsOf(halfToFloat(all[i])));
  store(ACL_FLOAT16, back.data(), 1, 0x10000, floats.data());
  for (uint32_t i = 0; i < 0x10000; ++i) CHECK(back[i] == floatToHalf(floats[i]));
}

// The nearest bfloat16 to an integer, ties to even, from its definition: 8 significant bits.
static uint16_t nearestBfloat(bool negative, uint64_t magnitude) {
  if (magnitude == 0) return 0;
  int exponent = 63;
  while (!(magnitude >> exponent)) --exponent;
  const int dropped = exponent - 7;
  uint64_t significand = dropped <= 0 ? magnitude << -dropped : magnitude >> dropped;
  if (dropped > 0) {
    const uint64_t rest = magnitude & ((uint64_t{1} << dropped) - 1), half = uint64_t{1} << (dropped - 1);
    significand += rest > half || (rest == half && significand % 2);
  }
  return static_cast<uint16_t>((negative ? 0x8000 : 0) + ((exponent + 126) << 7) + static_cast<int>(significand));
}

// Integers are rounded once, though they have more bits than a float: beside every tie, and at the ends.
static void integers() {
  std::vector<uint64_t> magnitudes{0, 1, 255, 256, 257, INT64_MAX, uint64_t{1} << 63, UINT64_MAX};
  for (int exponent = 8; exponent < 64; ++exponent)
    for (uint64_t significand = 128; significand < 256; significand += 37)
      for (int64_t beside = -1; beside <= 1; ++beside)
        magnitudes.push_back((((2 * significand + 1) << (exponent - 8))) + static_cast<uint64_t>(beside));
  for (const uint64_t magnitude : magnitudes) {
    uint16_t found = 0;
    float single = 0;
    store(ACL_BF16, &found, 1, 1, &magnitude);
    CHECK(found == nearestBfloat(false, magnitude));
    store(ACL_FLOAT, &single, 1, 1, &magnitude);
    CHECK(single == static_cast<float>(static_cast<long double>(magnitude)));
    uint16_t half = 0;
    store(ACL_FLOAT16, &half, 1, 1, &magnitude);
    CHECK(magnitude < 2048 ? halfToFloat(half) == static_cast<float>(magnitude) : magnitude < 65520 || half == 0x7C00);
    if (magnitude > uint64_t{1} << 63) continue;
    const auto negative = static_cast<int64_t>(-magnitude);
    store(ACL_BF16, &found, 1, 1, &negative);
    CHECK(found == nearestBfloat(magnitude != 0, magnitude));
  }
  const uint64_t large = UINT64_MAX;
  uint64_t back = 0;
  double wide = 0;
  load(ACL_UINT64, &large, 1, 1, &back);
  CHECK(back == large);
  load(ACL_UINT64, &large, 1, 1, &wide);
  CHECK(wide == 18446744073709551616.0);
}

int main() {
  integers();
  format(10, halfToFloat, floatToHalf);
  format(7, bfloatToFloat, floatToBfloat);
  hf32();
  runs();
}
