// Which vector instructions a kernel may use, found at run time: the libraries run on any x86_64 and aarch64.
//
// EMULATOR_MULTIVERSION(name, parameters, arguments) defines name(Isa, parameters) that calls the always-inline
// name##Body compiled for each instruction set. The body must be plain C++ without a*b+c contracted (the build
// sets -ffp-contract=off), so that every version gives the same bits.
#pragma once

namespace emulator {

enum class Isa { portable, avx2, avx512 };

// The best of this machine.
inline Isa bestIsa() {
#ifdef __x86_64__
  static const Isa best = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
                              ? Isa::avx512
                          : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Isa::avx2
                                                                                            : Isa::portable;
  return best;
#else
  return Isa::portable;
#endif
}

}  // namespace emulator

#define EMULATOR_INLINE inline __attribute__((always_inline))
#define EMULATOR_UNPACK(...) __VA_ARGS__

#ifdef __x86_64__
#define EMULATOR_AVX2 __attribute__((target("avx2,fma")))
#define EMULATOR_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")))
#define EMULATOR_MULTIVERSION(name, parameters, arguments)                                   \
  EMULATOR_AVX512 static void name##Avx512(EMULATOR_UNPACK parameters) { name##Body arguments; } \
  EMULATOR_AVX2 static void name##Avx2(EMULATOR_UNPACK parameters) { name##Body arguments; }     \
  static void name##Portable(EMULATOR_UNPACK parameters) { name##Body arguments; }               \
  void name(Isa isa, EMULATOR_UNPACK parameters) {                                               \
    if (isa == Isa::avx512) return name##Avx512 arguments;                                       \
    if (isa == Isa::avx2) return name##Avx2 arguments;                                           \
    name##Portable arguments;                                                                    \
  }
#else
#define EMULATOR_MULTIVERSION(name, parameters, arguments) \
  void name(Isa, EMULATOR_UNPACK parameters) { name##Body arguments; }
#endif
