// exp, tanh, erf, sigmoid and the GELUs against double precision, over floats of every exponent.
#include "../../src/numerics/functions.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "../../src/numerics/convert.h"
#include "check.h"

using namespace emulator;

using Function = void (*)(Isa, const float *, float *, int64_t);

// Every 997th float of both signs, all magnitudes: about 4.3 million. Sanitizers look at memory and threads, which are
// the same for a tenth of them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t step = 9973;
#else
constexpr uint64_t step = 997;
#endif
static const std::vector<float> &samples() {
  static const std::vector<float> all = [] {
    std::vector<float> made;
    for (uint64_t bits = 0; bits < 0x7F800000; bits += step) {
      made.push_back(floatOf(static_cast<uint32_t>(bits)));
      made.push_back(-made.back());
    }
    return made;
  }();
  return all;
}

static std::vector<Isa> versions() {
  std::vector<Isa> all{Isa::portable};
  if (bestIsa() >= Isa::avx2) all.push_back(Isa::avx2);
  if (bestIsa() >= Isa::avx512) all.push_back(Isa::avx512);
  return all;
}

// ulp of a float near the exact value
static double ulp(double exact) {
  const int exponent = exact == 0 ? -126 : std::max(std::ilogb(exact), -126);
  return std::ldexp(1.0, exponent - 23);
}

// Errors in ulp of scale(x, exact): of the result itself, or of a larger term it is the difference of.
static void accuracy(const char *name, Function function, const std::function<double(double)> &exact, double allowedUlp,
                     const std::function<double(double, double)> &scale) {
  const auto &x = samples();
  std::vector<float> first(x.size());
  function(Isa::portable, x.data(), first.data(), static_cast<int64_t>(x.size()));
  double worst = 0, where = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double wanted = exact(x[i]);
    if (std::fabs(wanted) > std::numeric_limits<float>::max()) {
      CHECK(std::isinf(first[i]) || std::fabs(first[i]) == std::numeric_limits<float>::max());
      continue;
    }
    const double error = std::fabs(first[i] - wanted) / ulp(scale(x[i], wanted));
    if (!(error <= worst)) worst = error, where = x[i];
  }
  printf("%s: %.3f ulp at %.9g\n", name, worst, where);
  CHECK(worst <= allowedUlp);
  for (const Isa isa : versions()) {
    std::vector<float> other(x.size());
    function(isa, x.data(), other.data(), static_cast<int64_t>(x.size()));
    CHECK(memcmp(other.data(), first.data(), x.size() * sizeof(float)) == 0);
  }
}

static float one(Function function, float x) {
  float y;
  function(bestIsa(), &x, &y, 1);
  return y;
}

int main() {
  const auto ofResult = [](double, double exact) { return exact; };
  // A GELU near 0 on the negative side is x times a difference from 1, in any fp32 evaluation: its error counts
  // in ulp of x.
  const auto ofInput = [](double x, double) { return x; };
  accuracy("exp", expRun, [](double x) { return std::exp(x); }, 1.5, ofResult);
  accuracy("tanh", tanhRun, [](double x) { return std::tanh(x); }, 2, ofResult);
  accuracy("erf", erfRun, [](double x) { return std::erf(x); }, 2, ofResult);
  // Where exp(-x) overflows, sigmoid is 0 instead of up to 2.9e-39 = 2^-128, an ulp at 2^-105.
  const auto sigmoidScale = [](double, double exact) { return std::max(exact, 0x1p-105); };
  accuracy("sigmoid", sigmoidRun, [](double x) { return 1 / (1 + std::exp(-x)); }, 3, sigmoidScale);
  accuracy("gelu erf", geluErfRun, [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }, 2, ofInput);
  const double c = 2 * std::sqrt(2 / std::acos(-1.0));
  accuracy("gelu tanh", geluTanhRun, [c](double x) { return x / (1 + std::exp(-c * (x + 0.044715 * x * x * x))); }, 2, ofInput);
  accuracy("gelu fast", geluFastRun, [](double x) { return x / (1 + std::exp(-1.702 * x)); }, 2, ofInput);

  for (const Function f : {expRun, tanhRun, erfRun, sigmoidRun, geluErfRun, geluTanhRun, geluFastRun}) CHECK(std::isnan(one(f, NAN)));
  CHECK(one(expRun, INFINITY) == INFINITY && one(expRun, -INFINITY) == 0);
  CHECK(one(tanhRun, INFINITY) == 1 && one(tanhRun, -INFINITY) == -1);
  CHECK(one(erfRun, INFINITY) == 1 && one(erfRun, -INFINITY) == -1);
  CHECK(one(sigmoidRun, INFINITY) == 1 && one(sigmoidRun, -INFINITY) == 0);
  CHECK(one(geluErfRun, INFINITY) == INFINITY);
}
