// exp, tanh, erf and what is made of them, for runs of float.
//
// The errors stated are against double precision, over all floats tried by test/numerics/functions.cpp. Every
// version of the machine code gives the same bits. Source and target of a run may be the same.
#pragma once
#include <cstdint>

#include "isa.h"

namespace emulator {

void expRun(Isa isa, const float *x, float *y, int64_t n);      // 1.5 ulp; subnormal results included
void tanhRun(Isa isa, const float *x, float *y, int64_t n);     // 2 ulp
void erfRun(Isa isa, const float *x, float *y, int64_t n);      // 2 ulp
void sigmoidRun(Isa isa, const float *x, float *y, int64_t n);  // 1/(1+exp(-x)), 3 ulp

// The GELU family. x/2 (1+erf(x/sqrt 2)) loses relative accuracy below x = -1, as in every fp32 library.
void geluErfRun(Isa isa, const float *x, float *y, int64_t n);
// x / (1+exp(-1.5957691 (x+0.044715 x^3))), the form documented for aclnnGelu.
void geluTanhRun(Isa isa, const float *x, float *y, int64_t n);
// x / (1+exp(-1.702 x))
void geluFastRun(Isa isa, const float *x, float *y, int64_t n);

}  // namespace emulator
