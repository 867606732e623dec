/**
 * Exact conversion between numbers (float64) and the bit patterns of float16 and bfloat16.
 *
 * Rounding is to nearest, ties to even, in one step from float64. Going through float32 with its
 * own rounding to nearest would round twice; instead the way there is *rounded to odd*: if float32
 * cannot hold the value, the neighbour whose last bit is 1 is taken. A later rounding to nearest
 * to a format with at least two bits less is then right (Boldo and Melquiond, "Emulation of FMA
 * and correctly rounded sums: proved algorithms using rounding to odd", IEEE TC 57(4), 2008).
 */

const float32 = new Float32Array(1)
const bits32 = new Uint32Array(float32.buffer)
const float64 = new Float64Array(1)
const bits64 = new BigUint64Array(float64.buffer)

const quietNaN16 = 0x7e00
const quietNaNBrain = 0x7fc0

/** The float32 bits of `value` rounded to odd; NaN must have been dealt with. */
function oddFloat32Bits(value: number): number {
  float32[0] = value
  const nearest = float32[0] as number
  let bits = bits32[0] as number
  if (nearest === value) return bits
  // Bit patterns of one sign count up with the magnitude, so the neighbour toward zero is one less.
  if (Math.abs(nearest) > Math.abs(value)) bits -= 1
  return (bits | 1) >>> 0
}

/** Drops the lowest `count` bits of a non-negative integer below 2^31, to nearest, ties to even. */
function dropBits(value: number, count: number): number {
  const half = 2 ** (count - 1)
  const kept = Math.floor(value / 2 ** count)
  const rest = value - kept * 2 ** count
  return rest > half || (rest === half && kept % 2 === 1) ? kept + 1 : kept
}

/** The float16 bit pattern nearest to `value`; every NaN becomes the quiet NaN 0x7e00. */
export function numberToFloat16(value: number): number {
  if (Number.isNaN(value)) return quietNaN16
  const bits = oddFloat32Bits(value)
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  // 65520 = 0x477ff000 is the midpoint between the largest float16 and 2^16; a tie goes to Inf.
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  // 2^-14 = 0x38800000 is the smallest normal float16: rebias the exponent from 127 to 15.
  if (magnitude >= 0x38800000) return sign | dropBits(magnitude - 0x38000000, 13)
  // Subnormal: the significand as a multiple of 2^-24. Below 2^-25 = 0x33000000 it rounds to 0.
  if (magnitude < 0x33000000) return sign
  const significand = (magnitude & 0x7fffff) | 0x800000
  return sign | dropBits(significand, 126 - (magnitude >>> 23))
}

/** The bfloat16 bit pattern nearest to `value`; every NaN becomes the quiet NaN 0x7fc0. */
export function numberToBfloat16(value: number): number {
  if (Number.isNaN(value)) return quietNaNBrain
  const bits = oddFloat32Bits(value)
  return ((bits >>> 16) & 0x8000) | dropBits(bits & 0x7fffffff, 16)
}

const float16Values = Float32Array.from({ length: 0x10000 }, (_, bits) => {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (0x400 + fraction) * 2 ** (exponent - 25)
})

export function float16ToNumber(bits: number): number {
  return float16Values[bits] as number
}

export function bfloat16ToNumber(bits: number): number {
  bits32[0] = bits << 16
  return float32[0] as number
}

/**
 * `value` as a float64 rounded to odd, so that rounding the result once more to float32, float16 or
 * bfloat16 gives what rounding the integer itself would.
 */
export function oddNumber(value: bigint): number {
  const nearest = Number(value)
  const back = BigInt(nearest)
  if (back === value) return nearest
  float64[0] = nearest
  const magnitude = (x: bigint): bigint => (x < 0n ? -x : x)
  let bits = bits64[0] as bigint
  if (magnitude(back) > magnitude(value)) bits -= 1n
  bits64[0] = bits | 1n
  return float64[0] as number
}
