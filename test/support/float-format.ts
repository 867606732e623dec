/**
 * The float formats by their definition, for expectations: IEEE 754-2019 section 3.4 (binary16,
 * binary32) and bfloat16, which is the upper half of binary32.
 *
 * Decoding evaluates the formula of the standard; rounding is done on exact integers. Neither looks
 * at bits the way `src/tensor/float-bits.ts` does, which is tested against this.
 */
import type { FloatDType } from '../../src/tensor/dtype.ts'

export interface FloatFormat {
  readonly exponentBits: number
  readonly fractionBits: number
}

export const floatFormats: Readonly<Record<FloatDType, FloatFormat>> = {
  float32: { exponentBits: 8, fractionBits: 23 },
  float16: { exponentBits: 5, fractionBits: 10 },
  bfloat16: { exponentBits: 8, fractionBits: 7 },
}

/** The exponents of the largest and of the smallest normal numbers. */
export function exponentRange(dtype: FloatDType): { largest: number; smallest: number } {
  const largest = 2 ** (floatFormats[dtype].exponentBits - 1) - 1
  return { largest, smallest: 1 - largest }
}

/** The largest finite number. */
export function largestFinite(dtype: FloatDType): number {
  const { fractionBits } = floatFormats[dtype]
  return (2 - 2 ** -fractionBits) * 2 ** exponentRange(dtype).largest
}

/** The number that a bit pattern stands for. */
export function decodeBits(dtype: FloatDType, pattern: number): number {
  const { exponentBits, fractionBits } = floatFormats[dtype]
  const fraction = pattern % 2 ** fractionBits
  const exponent = Math.floor(pattern / 2 ** fractionBits) % 2 ** exponentBits
  const sign = Math.floor(pattern / 2 ** (fractionBits + exponentBits)) === 1 ? -1 : 1
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN
  const { smallest } = exponentRange(dtype)
  if (exponent === 0) return sign * fraction * 2 ** (smallest - fractionBits)
  return sign * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - 1 + smallest)
}

/** A magnitude as `integer · 2^exponent`, exactly. */
function dyadic(magnitude: number | bigint): { integer: bigint; exponent: number } {
  if (typeof magnitude === 'bigint') return { integer: magnitude, exponent: 0 }
  let exponent = 0
  let scaled = magnitude
  while (!Number.isInteger(scaled)) {
    scaled *= 2
    exponent -= 1
  }
  return { integer: BigInt(scaled), exponent }
}

/** The nearest number of the format, ties to even, overflowing to ±Infinity. */
export function roundTo(dtype: FloatDType, value: number | bigint): number {
  if (typeof value === 'number' && (!Number.isFinite(value) || value === 0)) return value
  if (value === 0n) return 0
  if (value < 0) return -roundTo(dtype, -value)
  const { integer, exponent } = dyadic(value)
  const { largest, smallest } = exponentRange(dtype)
  const topExponent = integer.toString(2).length - 1 + exponent
  const quantum = Math.max(topExponent, smallest) - floatFormats[dtype].fractionBits
  const drop = quantum - exponent
  if (drop <= 0) return topExponent > largest ? Infinity : Number(value)
  const unit = 2n ** BigInt(drop)
  const down = integer / unit
  const rest = 2n * (integer % unit)
  const up = rest > unit || (rest === unit && down % 2n === 1n)
  const rounded = Number(up ? down + 1n : down) * 2 ** quantum
  return rounded > largestFinite(dtype) ? Infinity : rounded
}
