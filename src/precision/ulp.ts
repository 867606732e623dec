/** The unit in the last place: how far apart the numbers of a dtype lie. */
import { type DType, finfo, isFloatDType } from '../tensor/dtype.ts'

const float64 = new Float64Array(1)
const words = new Int32Array(float64.buffer)
/** 2^(i − 1023), by the exponent bits of a float64. */
const powers = Float64Array.from({ length: 2047 }, (_, i) => 2 ** (i - 1023))

/**
 * A function that gives the spacing of the dtype's numbers at a finite `x`, 2^(max(⌊log2|x|⌋, emin) −
 * mantissa bits), so that subnormal numbers and zero have the spacing of the smallest normal ones.
 * `x` itself need not be a number of the dtype. Integers and bool are 1 apart.
 */
export function spacingOf(dtype: DType): (x: number) => number {
  if (!isFloatDType(dtype)) return () => 1
  const { eps, smallestNormal } = finfo[dtype]
  return (x) => {
    float64[0] = x
    const power = powers[(words[1]! >>> 20) & 0x7ff]!
    return (power > smallestNormal ? power : smallestNormal) * eps
  }
}

/** ⌈log2 x⌉ of a positive normal number, exactly. */
export function ceilLog2(x: number): number {
  float64[0] = x
  const isPower = (words[1]! & 0xfffff) === 0 && words[0] === 0
  return (words[1]! >>> 20) - (isPower ? 1023 : 1022)
}
