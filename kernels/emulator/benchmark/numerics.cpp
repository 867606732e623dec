// How fast this machine computes: the matrix products of RoBERTa-base at 257 tokens, and elementwise functions.
// These are times of the emulator on a CPU; they say nothing about an NPU.
//
//   make benchmark && ./benchmark
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <vector>

#include "../src/numerics/convert.h"
#include "../src/numerics/functions.h"
#include "../src/numerics/gemm.h"
#include "../src/numerics/pool.h"

using namespace emulator;

static double secondsOf(const std::function<void()> &body) {
  body();
  double best = 1e9;
  for (int i = 0; i < 7; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

static void product(aclDataType dtype, int64_t m, int64_t n, int64_t k) {
  const int64_t size = dtype == ACL_FLOAT ? 4 : 2;
  std::vector<float> values(static_cast<size_t>(std::max(m, n) * k));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 17) - 8.0f;
  std::vector<char> a(static_cast<size_t>(m * k * size)), b(static_cast<size_t>(n * k * size)), out(static_cast<size_t>(m * n * size));
  store(dtype, a.data(), 1, m * k, values.data());
  store(dtype, b.data(), 1, n * k, values.data());
  const double seconds = secondsOf([&] {  // the right matrix is a transposed weight
    gemm(bestIsa(), m, n, k, {dtype, a.data(), k, 1}, {dtype, b.data(), 1, k},
         [&](int64_t row, int64_t column, int64_t count, const float *sums) {
           store(dtype, out.data() + (row * n + column) * size, 1, count, sums);
         });
  });
  printf("%s %lldx%lldx%lld  %.1f GFLOP/s\n", dtype == ACL_FLOAT ? "fp32" : "fp16", static_cast<long long>(m),
         static_cast<long long>(n), static_cast<long long>(k), 2e-9 * static_cast<double>(m * n * k) / seconds);
}

static void elementwise(const char *name, void (*run)(Isa, const float *, float *, int64_t)) {
  std::vector<float> x(1 << 20), y(x.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 801) * 0.01f - 4.0f;
  const double seconds = secondsOf([&] { run(bestIsa(), x.data(), y.data(), static_cast<int64_t>(x.size())); });
  printf("%s  %.2f G elements/s on one thread\n", name, 1e-9 * static_cast<double>(x.size()) / seconds);
}

int main() {
  const char *names[] = {"portable", "avx2", "avx512"};
  printf("%s, %lld threads\n", names[static_cast<int>(bestIsa())], static_cast<long long>(parallelThreads()));
  for (const aclDataType dtype : {ACL_FLOAT, ACL_FLOAT16}) {
    product(dtype, 257, 768, 768);
    product(dtype, 257, 3072, 768);
    product(dtype, 257, 768, 3072);
  }
  elementwise("exp", expRun);
  elementwise("tanh", tanhRun);
  elementwise("erf", erfRun);
  elementwise("sigmoid", sigmoidRun);
  elementwise("gelu (erf)", geluErfRun);
  elementwise("gelu (tanh)", geluTanhRun);
}
