/**
 * Between float32 and the 16-bit floats, rounding to nearest even. A unit is a block of elements. Every
 * NaN becomes the quiet one of src/tensor/float-bits.ts, which these agree with.
 */
import { block } from './elementwise'

/** Four float32 numbers as float16, in 32 bits each. */
function toFloat16(x: v128): v128 {
  const sign = v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000))
  const size = v128.and(x, i32x4.splat(0x7fffffff))
  // From 2^-14 on normal: the exponent's bias changes from 127 to 15.
  const rebiased = i32x4.sub(size, i32x4.splat(0x38000000))
  const isOdd = v128.and(i32x4.shr_u(rebiased, 13), i32x4.splat(1))
  const halfway = i32x4.add(i32x4.splat(0xfff), isOdd)
  const normal = i32x4.shr_u(i32x4.add(rebiased, halfway), 13)
  // Beside 0.5 the spacing of float32 is that of subnormal float16: adding it rounds.
  const half = f32x4.splat(0.5)
  const subnormal = i32x4.sub(f32x4.add(size, half), half)
  const finite = v128.bitselect(subnormal, normal, i32x4.lt_s(size, i32x4.splat(0x38800000)))
  // 65520, the midpoint between the largest float16 and 2^16, goes to infinity.
  const isLarge = i32x4.ge_s(size, i32x4.splat(0x477ff000))
  const rounded = v128.or(sign, v128.bitselect(i32x4.splat(0x7c00), finite, isLarge))
  return v128.bitselect(i32x4.splat(0x7e00), rounded, f32x4.ne(x, x))
}

/** Four float32 numbers as bfloat16, in 32 bits each. */
function toBfloat16(x: v128): v128 {
  const isOdd = v128.and(i32x4.shr_u(x, 16), i32x4.splat(1))
  const halfway = i32x4.add(i32x4.splat(0x7fff), isOdd)
  const rounded = i32x4.shr_u(i32x4.add(x, halfway), 16)
  return v128.bitselect(i32x4.splat(0x7fc0), rounded, f32x4.ne(x, x))
}

export function float32ToFloat16(
  begin: i32,
  end: i32,
  input: usize,
  output: usize,
  count: i32,
): void {
  const stop = min(end * block, count)
  for (let i = begin * block; i < stop; i += 8) {
    const at = input + ((<usize>i) << 2)
    const low = toFloat16(v128.load(at))
    const high = toFloat16(v128.load(at, 16))
    v128.store(output + ((<usize>i) << 1), i16x8.narrow_i32x4_u(low, high))
  }
}

export function float32ToBfloat16(
  begin: i32,
  end: i32,
  input: usize,
  output: usize,
  count: i32,
): void {
  const stop = min(end * block, count)
  for (let i = begin * block; i < stop; i += 8) {
    const at = input + ((<usize>i) << 2)
    const low = toBfloat16(v128.load(at))
    const high = toBfloat16(v128.load(at, 16))
    v128.store(output + ((<usize>i) << 1), i16x8.narrow_i32x4_u(low, high))
  }
}

/** Shifted into place the bits are the number times 2^-112, subnormal or not. */
export function float16ToFloat32(
  begin: i32,
  end: i32,
  input: usize,
  output: usize,
  count: i32,
): void {
  const stop = min(end * block, count)
  for (let i = begin * block; i < stop; i += 4) {
    const half = v128.load_ext<u16>(input + ((<usize>i) << 1))
    const sign = i32x4.shl(v128.and(half, i32x4.splat(0x8000)), 16)
    const size = i32x4.shl(v128.and(half, i32x4.splat(0x7fff)), 13)
    const finite = f32x4.mul(size, f32x4.splat(reinterpret<f32>(<u32>(239 << 23))))
    const special = v128.or(size, i32x4.splat(0x7f800000))
    const isSpecial = i32x4.ge_s(size, i32x4.splat(0x0f800000))
    v128.store(
      output + ((<usize>i) << 2),
      v128.or(sign, v128.bitselect(special, finite, isSpecial)),
    )
  }
}

export function bfloat16ToFloat32(
  begin: i32,
  end: i32,
  input: usize,
  output: usize,
  count: i32,
): void {
  const stop = min(end * block, count)
  for (let i = begin * block; i < stop; i += 4) {
    const upper = v128.load_ext<u16>(input + ((<usize>i) << 1))
    v128.store(output + ((<usize>i) << 2), i32x4.shl(upper, 16))
  }
}
