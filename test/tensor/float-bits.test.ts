/** float16 and bfloat16, exhaustively: every bit pattern, and the midpoint above every number. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bfloat16ToNumber,
  float16ToNumber,
  numberToBfloat16,
  numberToFloat16,
  oddNumber,
} from '../../src/tensor/float-bits.ts'
import { decodeBits, largestFinite, roundTo } from '../support/float-format.ts'

const formats = [
  { dtype: 'float16', decode: float16ToNumber, encode: numberToFloat16, infinity: 0x7c00 },
  { dtype: 'bfloat16', decode: bfloat16ToNumber, encode: numberToBfloat16, infinity: 0x7f80 },
] as const

const view = new DataView(new ArrayBuffer(8))

/** The float64 next to a positive one. */
function neighbour(value: number, direction: 1 | -1): number {
  view.setFloat64(0, value)
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(direction))
  return view.getFloat64(0)
}

describe.each(formats)('$dtype', ({ dtype, decode, encode, infinity }) => {
  const patterns = Array.from({ length: 0x10000 }, (_, bits) => bits)
  const sign = 0x8000

  it('decodes every bit pattern as the formula says', () => {
    const wrong = patterns.filter((bits) => !Object.is(decode(bits), decodeBits(dtype, bits)))
    expect(wrong).toEqual([])
  })

  it('encodes every number to the bits it came from, and every NaN to a quiet one', () => {
    const wrong = patterns.filter((bits) => {
      const again = encode(decode(bits))
      if (bits % sign <= infinity) return again !== bits
      return !Number.isNaN(decode(again)) || again === infinity
    })
    expect(wrong).toEqual([])
  })

  it('rounds the midpoint of every two neighbours to even, and what is beside it to the nearer', () => {
    const wrong: string[] = []
    const check = (value: number, bits: number): void => {
      if (encode(value) !== bits) wrong.push(`${value} gave ${encode(value)}, not ${bits}`)
      if (encode(-value) !== sign + bits) wrong.push(`${-value} gave ${encode(-value)}`)
    }
    for (let bits = 0; bits < infinity; bits++) {
      const lower = decodeBits(dtype, bits)
      // Above the largest number comes the one that would be next if exponents went on.
      const upper =
        bits + 1 === infinity
          ? 2 * lower - decodeBits(dtype, bits - 1)
          : decodeBits(dtype, bits + 1)
      const midpoint = (lower + upper) / 2
      check(midpoint, bits % 2 === 0 ? bits : bits + 1)
      // One unit of float64 beside the midpoint: float32 would land on it and round twice.
      check(neighbour(midpoint, 1), bits + 1)
      check(neighbour(midpoint, -1), bits)
    }
    expect(wrong).toEqual([])
  })

  it('rounds any float64 as exact arithmetic does', () => {
    const anyNumber = fc.oneof(
      fc.double(),
      fc.double({ min: -largestFinite(dtype), max: largestFinite(dtype) }),
      fc.double({ min: -1e-5, max: 1e-5 }),
      fc.float(),
    )
    fc.assert(
      fc.property(anyNumber, (value) => {
        expect(decodeBits(dtype, encode(value))).toBe(roundTo(dtype, value))
      }),
      { numRuns: 3000 },
    )
  })

  it('takes numbers far outside of its range', () => {
    const halfSmallest = decodeBits(dtype, 1) / 2
    expect([Infinity, 1e39, 1e300, Number.MAX_VALUE].map(encode)).toEqual(
      new Array(4).fill(infinity),
    )
    expect([-Infinity, -1e39, -1e300].map(encode)).toEqual(new Array(3).fill(sign + infinity))
    expect([0, halfSmallest, 1e-46, Number.MIN_VALUE].map(encode)).toEqual([0, 0, 0, 0])
    expect([-0, -halfSmallest, -1e-300].map(encode)).toEqual([sign, sign, sign])
    expect(decode(encode(NaN))).toBeNaN()
  })
})

/** Known conversions, by hand. */
it.each([
  [1, 0x3c00, 0x3f80],
  [-2, 0xc000, 0xc000],
  [65504, 0x7bff, 0x4780],
  [65519.99, 0x7bff, 0x4780],
  [65520, 0x7c00, 0x4780],
  [2 ** -24, 0x0001, 0x3380],
  [2 ** -25, 0x0000, 0x3300],
  [2 ** -14 - 2 ** -24, 0x03ff, 0x3880],
  [0.1, 0x2e66, 0x3dcd],
  [2049, 0x6800, 0x4500],
  [2051, 0x6802, 0x4500],
  [3.4e38, 0x7c00, 0x7f80],
])('%d is %i in float16 and %i in bfloat16', (value, half, brain) => {
  expect(numberToFloat16(value)).toBe(half)
  expect(numberToBfloat16(value)).toBe(brain)
})

describe('oddNumber', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  /** Integers that lie on, or one beside, the midpoint of two numbers of a coarser format. */
  const nearMidpoint = fc
    .tuple(
      fc.bigInt(0n, 2n ** 24n),
      fc.integer({ min: 1, max: 38 }),
      fc.integer({ min: -1, max: 1 }),
    )
    .map(([high, shift, beside]) => (2n * high + 1n) * 2n ** BigInt(shift - 1) + BigInt(beside))

  it('rounds on to float32, float16 and bfloat16 as the integer itself would', () => {
    fc.assert(
      fc.property(fc.oneof(int64, nearMidpoint), (value) => {
        const odd = oddNumber(value)
        expect(Math.fround(odd)).toBe(roundTo('float32', value))
        expect(decodeBits('float16', numberToFloat16(odd))).toBe(roundTo('float16', value))
        expect(decodeBits('bfloat16', numberToBfloat16(odd))).toBe(roundTo('bfloat16', value))
      }),
      { numRuns: 5000 },
    )
  })

  it('is not what rounding to float64 first gives', () => {
    // Just above the midpoint of 2^40 and the next float32; float64 cannot see the last bit here.
    const value = 2n ** 62n + 2n ** 38n + 1n
    expect(Math.fround(Number(value))).toBe(2 ** 62)
    expect(Math.fround(oddNumber(value))).toBe(2 ** 62 + 2 ** 39)
    expect(Math.fround(oddNumber(-value))).toBe(-(2 ** 62 + 2 ** 39))
  })

  it('keeps what float64 holds', () => {
    for (const value of [0n, 1n, -7n, 2n ** 53n, -(2n ** 63n), 2n ** 62n + 2n ** 20n]) {
      expect(BigInt(oddNumber(value))).toBe(value)
    }
  })
})
