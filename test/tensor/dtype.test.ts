import { describe, expect, it } from 'vitest'
import {
  codecs,
  dtypeNames,
  dtypes,
  finfo,
  floatDTypes,
  hostArrayOver,
  isDType,
  isFloatDType,
  newHostArray,
} from '../../src/tensor/dtype.ts'
import { decodeBits, floatFormats, largestFinite } from '../support/float-format.ts'

function encoded(dtype: 'int32' | 'bool' | 'float32', list: readonly number[]): number[] {
  const array = newHostArray(dtype, list.length)
  for (const [i, value] of list.entries()) codecs[dtype].encode(array, i, value)
  return [...array]
}

describe('dtypes', () => {
  it('have names, kinds and sizes', () => {
    expect(dtypeNames).toEqual(['float32', 'float16', 'bfloat16', 'int32', 'int64', 'bool'])
    expect(dtypeNames.map((name) => dtypes[name].itemsize)).toEqual([4, 2, 2, 4, 8, 1])
    expect(dtypeNames.filter(isFloatDType)).toEqual([...floatDTypes])
    expect(['float32', 'float64', 'toString'].map(isDType)).toEqual([true, false, false])
  })

  it('keep their elements in arrays of their own size', () => {
    for (const name of dtypeNames) {
      const array = newHostArray(name, 3)
      expect(array.byteLength).toBe(3 * dtypes[name].itemsize)
      expect([...array].map(Number)).toEqual([0, 0, 0])
    }
  })

  it.each(floatDTypes)('finfo of %s follows from its format', (dtype) => {
    const { fractionBits } = floatFormats[dtype]
    const { eps, max, smallestNormal, smallestSubnormal } = finfo[dtype]
    expect(max).toBe(largestFinite(dtype))
    expect(smallestSubnormal).toBe(decodeBits(dtype, 1))
    expect(smallestNormal).toBe(decodeBits(dtype, 2 ** fractionBits))
    const one = codecOne(dtype)
    expect(eps).toBe(decodeBits(dtype, one + 1) - 1)
  })
})

/** The bits of 1: the exponent's bias above an empty fraction. */
function codecOne(dtype: 'float32' | 'float16' | 'bfloat16'): number {
  const { exponentBits, fractionBits } = floatFormats[dtype]
  return (2 ** (exponentBits - 1) - 1) * 2 ** fractionBits
}

describe('hostArrayOver', () => {
  const bytes = Uint8Array.from({ length: 24 }, (_, i) => i)

  it('shares aligned memory', () => {
    const array = hostArrayOver('int32', bytes.buffer, 4, 2)
    expect(array.buffer).toBe(bytes.buffer)
    expect([...array]).toEqual([0x07060504, 0x0b0a0908])
  })

  it('copies where the offset is not aligned', () => {
    const array = hostArrayOver('int64', bytes.buffer, 3, 2)
    expect(array.buffer).not.toBe(bytes.buffer)
    expect([...array]).toEqual([0x0a09080706050403n, 0x1211100f0e0d0c0bn])
  })
})

describe('codecs', () => {
  it('float32 rounds to nearest even and overflows to infinity', () => {
    const limit = 2 ** 128 - 2 ** 103 // the midpoint of the largest float32 and 2^128
    const list = [1 + 2 ** -24, 1 + 3 * 2 ** -24, limit, -limit, 2 ** -150, -(2 ** -150), NaN]
    expect(encoded('float32', list)).toEqual([1, 1 + 2 ** -22, Infinity, -Infinity, 0, -0, NaN])
  })

  it('int32 truncates, saturates and takes NaN as 0', () => {
    const list = [1.9, -1.9, -0.5, 2 ** 31, -(2 ** 31) - 1, 1e300, -Infinity, NaN]
    expect(encoded('int32', list)).toEqual([
      1,
      -1,
      0,
      2 ** 31 - 1,
      -(2 ** 31),
      2 ** 31 - 1,
      -(2 ** 31),
      0,
    ])
  })

  it('int64 truncates, saturates and takes NaN as 0', () => {
    const list = [1.9, -1.9, 2 ** 62, 2 ** 63, -(2 ** 63), -1e300, Infinity, NaN]
    const array = newHostArray('int64', list.length)
    for (const [i, value] of list.entries()) codecs.int64.encode(array, i, value)
    const largest = 9223372036854775807n
    expect([...array]).toEqual([
      1n,
      -1n,
      4611686018427387904n,
      largest,
      -largest - 1n,
      -largest - 1n,
      largest,
      0n,
    ])
  })

  it('int64 decodes to the nearest float64', () => {
    const array = BigInt64Array.of(-5n, 2n ** 53n + 1n, -(2n ** 63n))
    expect([0, 1, 2].map((i) => codecs.int64.decode(array, i))).toEqual([-5, 2 ** 53, -(2 ** 63)])
  })

  it('bool is whether a value is not zero', () => {
    expect(encoded('bool', [0, -0, 1, -1, 0.1, NaN, Infinity, 256])).toEqual([
      0, 0, 1, 1, 1, 1, 1, 1,
    ])
  })
})
