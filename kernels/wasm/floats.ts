/**
 * Between float32 and the 16-bit floats, rounding to nearest even. A unit is a block of elements. Every
 * NaN becomes the quiet one of src/tensor/float-bits.ts, which these agree with.
 */
import { block } from './elementwise'

function toFloat16(bits: u32): u16 {
  const sign = <u16>((bits >> 16) & 0x8000)
  const size = bits & 0x7fffffff
  if (size > 0x7f800000) return 0x7e00
  // 65520, the midpoint between the largest float16 and 2^16, goes to infinity.
  if (size >= 0x477ff000) return sign | 0x7c00
  // From 2^-14 on normal: the exponent's bias changes from 127 to 15.
  if (size >= 0x38800000) {
    const rebiased = size - 0x38000000
    return sign | <u16>((rebiased + 0xfff + ((rebiased >> 13) & 1)) >> 13)
  }
  // Beside 0.5 the spacing of float32 is that of subnormal float16: adding it rounds.
  return sign | <u16>(reinterpret<u32>(reinterpret<f32>(size) + 0.5) - reinterpret<u32>(<f32>0.5))
}

function toBfloat16(bits: u32): u16 {
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fc0
  return <u16>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)
}

export function float32ToFloat16(
  begin: i32,
  end: i32,
  input: usize,
  output: usize,
  count: i32,
): void {
  const stop = min(end * block, count)
  for (let i = <usize>(begin * block); i < <usize>stop; i++) {
    store<u16>(output + (i << 1), toFloat16(load<u32>(input + (i << 2))))
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
  for (let i = <usize>(begin * block); i < <usize>stop; i++) {
    store<u16>(output + (i << 1), toBfloat16(load<u32>(input + (i << 2))))
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
