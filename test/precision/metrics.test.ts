/** Metrics against numpy's values (test/golden/metrics.py), and against some that are easy by hand. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Metrics, measure } from '../../src/precision/metrics.ts'
import { percentileOf } from '../../src/precision/percentile.ts'
import { spacingOf } from '../../src/precision/ulp.ts'
import { type FloatDType, floatDTypes } from '../../src/tensor/dtype.ts'
import { exponentRange, floatFormats } from '../support/float-format.ts'

type GoldenMetrics = Omit<Metrics, 'worst' | 'ulp' | 'relativeL2' | 'nmse' | 'effectiveBits'> & {
  worst: number | null
  ulp: Omit<Metrics['ulp'], 'histogram'> & { histogram: number[] }
  relativeL2: number | null
  nmse: number | null
  effectiveBits: number | null
}

interface Golden {
  name: string
  dtype: FloatDType
  actual: (number | string)[]
  expected: (number | string)[]
  metrics: GoldenMetrics
}

const golden = JSON.parse(
  readFileSync(new URL('../golden/metrics.json', import.meta.url), 'utf8'),
) as Golden[]

/** Equal but for the order of float64 sums. */
function expectClose(actual: number, expected: number, name: string): void {
  const isClose = Math.abs(actual - expected) <= 1e-12 * Math.abs(expected)
  expect(isClose, `${name}: ${actual}, numpy has ${expected}`).toBe(true)
}

describe('as numpy has them', () => {
  test.each(golden.map((one) => [one.dtype, one.name, one] as const))('%s: %s', (dtype, _, one) => {
    const [actual, expected] = [one.actual, one.expected].map((list) =>
      Float64Array.from(list, Number),
    ) as [Float64Array, Float64Array]
    const { relative, ulp, nonFinite, worst, ...rest } = measure(actual, expected, {
      dtype,
      shape: [actual.length],
    })
    const wanted = one.metrics
    expect(worst?.index[0] ?? null).toBe(wanted.worst)
    if (worst !== undefined) {
      expect([worst.actual, worst.expected]).toEqual([
        actual[wanted.worst!],
        expected[wanted.worst!],
      ])
    }
    for (const [name, value] of Object.entries(rest)) {
      const want = wanted[name as keyof typeof rest]
      // numpy has no ratio to a norm of zero.
      if (want === null) expect(Number.isFinite(value), name).toBe(true)
      else expectClose(value, want, name)
    }
    for (const name of ['max', 'mean', 'p99'] as const) {
      expectClose(relative[name], wanted.relative[name], `relative.${name}`)
      expectClose(ulp[name], wanted.ulp[name], `ulp.${name}`)
    }
    expect(relative.shareBelow).toEqual(wanted.relative.shareBelow)
    expect([ulp.shareAbove1, ulp.shareAbove32]).toEqual([
      wanted.ulp.shareAbove1,
      wanted.ulp.shareAbove32,
    ])
    expect(ulp.histogram.map(({ count }) => count)).toEqual(wanted.ulp.histogram)
    expect(nonFinite).toEqual(wanted.nonFinite)
  })
})

describe('by hand', () => {
  const of = (actual: number[], expected: number[], shape = [actual.length]) =>
    measure(Float64Array.from(actual), Float64Array.from(expected), { dtype: 'float32', shape })

  test('3, 4 against 3, 5', () => {
    const metrics = of([3, 4], [3, 5], [2, 1])
    expect(metrics).toMatchObject({ count: 2, maxAbs: 1, mae: 0.5, errorBalance: 0.5 })
    expect(metrics.worst).toEqual({ index: [1, 0], actual: 4, expected: 5 })
    expect(metrics.rmse).toBeCloseTo(Math.SQRT1_2, 15)
    expect(metrics.nmse).toBeCloseTo(1 / 34, 15)
    expect(metrics.cosine).toBeCloseTo(29 / Math.sqrt(25 * 34), 15)
    expect(metrics.relative).toMatchObject({ max: 0.2, mean: 0.1 })
    // 5 lies between 4 and 8, where float32 numbers are 2^-21 apart.
    expect(metrics.ulp.max).toBe(2 ** 21)
  })

  test('a relative error of 1e-3 is not below 1e-3', () => {
    const { shareBelow } = of([1001, 1000], [1000, 1000]).relative
    expect(shareBelow).toEqual({ '1e-2': 1, '5e-3': 1, '1e-3': 0.5, '1e-4': 0.5 })
  })

  test('bins of the histogram begin where the one before ends', () => {
    const one = 2 ** -23
    const { histogram } = of([1, 1 + one / 4, 1 + one, 1 + 3 * one, 3], [1, 1, 1, 1, 1]).ulp
    expect(histogram.slice(0, 5)).toEqual([
      { from: 0, to: 0, count: 1 },
      { from: 0, to: 0.5, count: 1 },
      { from: 0.5, to: 1, count: 1 },
      { from: 1, to: 2, count: 0 },
      { from: 2, to: 4, count: 1 },
    ])
    expect(histogram.at(-1)).toEqual({ from: 2 ** 23, to: 2 ** 24, count: 1 })
    expect(of([1e9], [1]).ulp.histogram.at(-1)).toEqual({ from: 2 ** 24, to: 2 ** 53, count: 1 })
  })

  test('everything is finite where one norm is zero', () => {
    const { relativeL2, nmse, effectiveBits, relative } = of([1, 0], [0, 0])
    for (const value of [relativeL2, nmse, effectiveBits, relative.max]) {
      expect(Number.isFinite(value)).toBe(true)
    }
  })

  test('of nothing, nothing is known', () => {
    const metrics = of([], [], [0, 3])
    expect(metrics).toMatchObject({ count: 0, worst: undefined })
    const { cosine, maxAbs, mae, rmse, relativeL2, nmse, effectiveBits, errorBalance } = metrics
    const { shareBelow, ...relative } = metrics.relative
    const { histogram, ...ulp } = metrics.ulp
    const all = [cosine, maxAbs, mae, rmse, relativeL2, nmse, effectiveBits, errorBalance]
    const more = [shareBelow, relative, ulp].flatMap((group) => Object.values(group))
    expect([...all, ...more].every(Number.isNaN)).toBe(true)
    expect(histogram).toEqual([])
  })

  test('integers are 1 apart', () => {
    const given = [Float64Array.of(7, 0), Float64Array.of(4, 0)] as const
    const { ulp, relative } = measure(...given, { dtype: 'int32', shape: [2] })
    expect([ulp.max, relative.max]).toEqual([3, 0.75])
  })

  test('a million elements', () => {
    const length = 1_000_000
    const expected = new Float64Array(length).fill(1)
    const actual = expected.map((one, i) => (i % 2 ? one + 2 ** -23 : one))
    const { ulp, errorBalance, mae } = measure(actual, expected, {
      dtype: 'float32',
      shape: [1000, 1000],
    })
    expect([ulp.mean, ulp.p99, errorBalance, mae]).toEqual([0.5, 1, 0.5, 2 ** -24])
  })

  test('two lengths are an error', () => {
    expect(() => of([1, 2], [1])).toThrow('2 and 1 elements do not both fill [2]')
  })
})

test.each(floatDTypes)('the spacing of %s is that of its format', (dtype) => {
  const { fractionBits } = floatFormats[dtype]
  const { largest, smallest } = exponentRange(dtype)
  const spacing = spacingOf(dtype)
  for (let exponent = smallest - 30; exponent <= largest; exponent++) {
    const expected = 2 ** (Math.max(exponent, smallest) - fractionBits)
    for (const factor of [1, 1.37, -1.99]) expect(spacing(factor * 2 ** exponent)).toBe(expected)
  }
  expect([spacing(0), spacing(-0)]).toEqual(Array(2).fill(2 ** (smallest - fractionBits)))
})

test('a percentile is the one of the sorted numbers', () => {
  const value = fc.oneof(fc.double({ noNaN: true, min: -1e3, max: 1e3 }), fc.integer({ max: 3 }))
  fc.assert(
    fc.property(fc.array(value, { minLength: 1 }), fc.integer({ min: 0, max: 100 }), (list, p) => {
      const sorted = list.toSorted((a, b) => a - b)
      const rank = ((list.length - 1) * p) / 100
      const [low, high] = [sorted[Math.floor(rank)]!, sorted[Math.ceil(rank)]!]
      const found = percentileOf(Float64Array.from(list), p)
      expect(found).toBeCloseTo(low + (high - low) * (rank - Math.floor(rank)), 9)
    }),
  )
  expect(percentileOf(new Float64Array(), 99)).toBeNaN()
})
