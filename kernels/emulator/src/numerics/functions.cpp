// The functions, branch-free so that loops over them vectorise. All coefficients are interpolations at Chebyshev
// nodes computed in double precision; the stated errors are those of the polynomials alone.
#include "functions.h"

#include <cmath>

#include "convert.h"

namespace emulator {
namespace {

// exp(x) = 2^n exp(r), |r| <= ln(2)/2. ln 2 is split so that n times the high part (355/512) is exact.
// The Taylor polynomial of degree 7 is off by less than 6e-9. 2^n is applied in two steps: n reaches -149 and 128.
EMULATOR_INLINE float expOf(float x) {
  constexpr float shift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  float clamped = x > 89.0f ? 89.0f : x;
  clamped = clamped < -104.0f ? -104.0f : clamped;
  const float shifted = clamped * 1.44269504f + shift;
  const float n = shifted - shift;
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  const float y = p * (r * r) + r + 1.0f;
  const auto exponent = static_cast<int32_t>(bitsOf(shifted) - bitsOf(shift));
  const int32_t half = exponent >> 1;
  const float scaled = y * floatOf(static_cast<uint32_t>(half + 127) << 23) *
                       floatOf(static_cast<uint32_t>(exponent - half + 127) << 23);
  return x != x ? x : scaled;
}

// Below 0.625: x + x^3 P(x^2), off by 2e-8. Above: 1 - 2/(exp(2|x|)+1), whose error is that of the subtrahend.
EMULATOR_INLINE float tanhOf(float x) {
  const float a = std::fabs(x), z = x * x;
  float p = -0.0060451650875880236f;
  p = p * z + 0.020961329099330368f;
  p = p * z - 0.05384326317194488f;
  p = p * z + 0.1333271884554138f;
  p = p * z - 0.33333328433316334f;
  const float small = x + x * (z * p);
  const float large = 1.0f - 2.0f / (expOf(2.0f * a) + 1.0f);
  const float sign = floatOf((bitsOf(large) & 0x7FFFFFFF) | (bitsOf(x) & 0x80000000));
  const float y = a < 0.625f ? small : sign;
  return x != x ? x : y;
}

// Below 1: x P(x^2), off by 2e-9. Above: 1 - exp(log erfc(x)), the logarithm as a polynomial off by 2e-8; from 4 on
// the result is 1.
EMULATOR_INLINE float erfOf(float x) {
  const float a = std::fabs(x), z = x * x;
  float p = 7.875875049774909e-05f;
  p = p * z - 0.0008016864283079189f;
  p = p * z + 0.0051890874229484855f;
  p = p * z - 0.02685421201036213f;
  p = p * z + 0.11283594715153857f;
  p = p * z - 0.3761262666671981f;
  // The leading coefficient in two floats: its rounding alone would cost a third of an ulp.
  const float small = x + x * (z * p + 0.128379165848351f);
  const float t = a < 4.0f ? a : 4.0f;
  float q = 1.6386373273171332e-06f;
  q = q * t - 4.608744733520967e-05f;
  q = q * t + 0.0005970529464884395f;
  q = q * t - 0.004760747712379292f;
  q = q * t + 0.02642437093134765f;
  q = q * t - 0.11008568029832425f;
  q = q * t - 0.6318202467756118f;
  q = q * t - 1.1302367226365282f;
  q = q * t + 0.00032091438365578536f;
  const float large = 1.0f - expOf(q);
  const float sign = floatOf((bitsOf(large) & 0x7FFFFFFF) | (bitsOf(x) & 0x80000000));
  const float y = a < 1.0f ? small : sign;
  return x != x ? x : y;
}

EMULATOR_INLINE float sigmoidOf(float x) { return 1.0f / (1.0f + expOf(-x)); }

EMULATOR_INLINE float geluErfOf(float x) { return 0.5f * x * (1.0f + erfOf(x * 0.70710678118654752f)); }
// At -infinity both give -infinity / infinity = NaN, which is what the documented formula gives.
EMULATOR_INLINE float geluTanhOf(float x) {
  return x / (1.0f + expOf(-1.5957691216057308f * (x + 0.044715f * (x * x * x))));
}
EMULATOR_INLINE float geluFastOf(float x) { return x / (1.0f + expOf(-1.702f * x)); }

#define EMULATOR_FUNCTION(name)                                                          \
  EMULATOR_INLINE void name##RunBody(const float *x, float *y, int64_t n) {              \
    for (int64_t i = 0; i < n; ++i) y[i] = name##Of(x[i]);                               \
  }                                                                                      \
  }                                                                                      \
  EMULATOR_MULTIVERSION(name##Run, (const float *x, float *y, int64_t n), (x, y, n))     \
  namespace {

EMULATOR_FUNCTION(exp)
EMULATOR_FUNCTION(tanh)
EMULATOR_FUNCTION(erf)
EMULATOR_FUNCTION(sigmoid)
EMULATOR_FUNCTION(geluErf)
EMULATOR_FUNCTION(geluTanh)
EMULATOR_FUNCTION(geluFast)

}  // namespace
}  // namespace emulator
