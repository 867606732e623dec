import { describe, expect, it } from 'vitest'
import {
  assertClose,
  assertCorrectlyRounded,
  assertSameBits,
  assertSameValues,
  overflowed,
} from './compare.ts'

const context = { label: 'gelu float16 · ordinary · a matrix', shape: [2, 3] }
const tolerance = { relative: 0.01, scaled: 0.001, smallest: 0 }
const exactly = { relative: 0, scaled: 0, smallest: 0 }

describe('assertClose', () => {
  it('accepts what the tolerance allows: relative, and scaled by the largest element', () => {
    assertClose([100.9, 0.09, 0, 0, 0, -0.099], [100, 0, 0, 0, 0, 0], tolerance, context)
  })

  it('names the sample, the count, the worst place, both values and the tolerance', () => {
    const actual = [100, 0, 0, 0, 0.5, 0.3]
    expect(() => assertClose(actual, [100, 0, 0, 0, 0, 0], tolerance, context)).toThrow(
      'gelu float16 · ordinary · a matrix: 2 of 6 elements are wrong; ' +
        'worst at [1, 1]: got 0.5, expected 0: off by 0.5, allowed are 0.1',
    )
  })

  it('counts infinities out of the largest element', () => {
    expect(() => assertClose([Infinity, 0.5], [Infinity, 0], tolerance, context)).toThrow('0.5')
  })

  it.each([
    [[NaN], [1]],
    [[1], [NaN]],
    [[Infinity], [-Infinity]],
    [[Infinity], [3e38]],
    [[NaN], [Infinity]],
  ])('never accepts %j for %j', (actual, expected) => {
    const anything = { relative: Infinity, scaled: 0, smallest: 0 }
    expect(() => assertClose(actual, expected, anything, context)).toThrow('1 of 1')
  })

  it('accepts NaN for NaN, and zeros of either sign', () => {
    assertClose([NaN, -0, -Infinity], [NaN, 0, -Infinity], exactly, context)
  })

  it('refuses another number of elements', () => {
    expect(() => assertClose([1], [1, 2], tolerance, context)).toThrow('1 elements, expected 2')
  })
})

describe('assertCorrectlyRounded', () => {
  it('accepts only the nearest number', () => {
    // Between 1 and 1 + 2^-10 in float16, nearer to 1.
    assertCorrectlyRounded([1], [1 + 0.49 * 2 ** -10], 'float16', context)
    expect(() =>
      assertCorrectlyRounded([1 + 2 ** -10], [1 + 0.49 * 2 ** -10], 'float16', context),
    ).toThrow('which rounds to 1')
  })

  it('accepts both sides of a tie that float64 arithmetic cannot place', () => {
    const almostTie = 1 + 2 ** -11 + 2 ** -50
    assertCorrectlyRounded([1, 1 + 2 ** -10], [almostTie, almostTie], 'float16', context)
  })

  it('wants Infinity where the dtype overflows, and the sign of an exact zero', () => {
    assertCorrectlyRounded([Infinity, 65504], [65521, 65519], 'float16', context)
    expect(() => assertCorrectlyRounded([65504], [65521], 'float16', context)).toThrow('Infinity')
    expect(() => assertCorrectlyRounded([0], [-0], 'float16', context)).toThrow('1 of 1')
    expect(() => assertCorrectlyRounded([0], [NaN], 'float16', context)).toThrow('NaN')
  })
})

it('assertSameBits and assertSameValues tell zeros apart', () => {
  assertSameBits([0x7e01n], [0x7e01n], context)
  expect(() => assertSameBits([0x7e01n], [0x7e00n], context)).toThrow('0x7e01')
  assertSameValues([NaN, 5n], [NaN, 5n], context)
  expect(() => assertSameValues([-0], [0], context)).toThrow('1 of 1')
})

it('overflowed keeps exact values and turns only what overflows into infinities', () => {
  expect(overflowed('float16', [65519.9, 65520, -1e300, 0.1])).toEqual([
    65519.9,
    Infinity,
    -Infinity,
    0.1,
  ])
})
