// Matrix product with fp32 accumulation, as the cube unit's: inputs of any floating format and layout, fp32 sums,
// and whoever asked gets the fp32 rows to finish (scale, add, round once).
//
// The order of summation depends on k and the instruction set alone: results do not depend on the number of
// threads, nor on m, n or the position in a batch. (The 910B's order is not documented; its results differ in
// the last bits.)
#pragma once
#include <cstdint>
#include <functional>

#include "acl_emulator.h"
#include "isa.h"

namespace emulator {

enum class Rounding { none, hf32, half };  // of fp32 inputs while they are packed

struct Matrix {
  aclDataType dtype;  // fp32, fp16 or bf16
  const void *data;   // element [0, 0]
  int64_t rowStride, columnStride;
  Rounding rounding = Rounding::none;
};

// sums: n fp32 values of a row from column on. Called concurrently, for each part of the result once.
using Finish = std::function<void(int64_t row, int64_t column, int64_t n, const float *sums)>;

void gemm(Isa isa, int64_t m, int64_t n, int64_t k, const Matrix &a, const Matrix &b, const Finish &finish);

}  // namespace emulator
