/** Bins of values and the errors in them, by hand. */
import { expect, test } from 'vitest'
import { errorByValue } from '../../../src/precision/operator-case/error-by-value.ts'

const of = (values: number[], errors: number[]) => {
  const truth = values.map(() => 1)
  return errorByValue(
    Float64Array.from(values),
    Float64Array.from(truth, (one, i) => one + errors[i]!),
    Float64Array.from(truth),
    'float16',
  )
}
const ulp = 2 ** -10

test('equally wide bins with round ends; the end of the last belongs to it', () => {
  // 2.4 over 24 bins: 0.1 each.
  const bins = of([-1.2, -1.15, 0.25, 1.2], [ulp, -3 * ulp, 2 * ulp, 0])
  expect(bins.map(({ from, to, count }) => [from, to, count])).toEqual([
    [-1.2, -1.1, 2],
    [0.2, 0.3, 1],
    [1.1, 1.2, 1],
  ])
  expect(bins[0]).toMatchObject({ maxAbs: 3 * ulp, meanUlp: 2, maxUlp: 3 })
})

test('beyond 64 each bin is four times as wide as the one before it', () => {
  const values = [-70, -2, -0.01, 0, 0.01, 2 ** -6, 1, 4, 70]
  const bins = of(
    values,
    values.map(() => ulp),
  )
  expect(bins.map(({ from, to, count }) => [from, to, count])).toEqual([
    [-256, -64, 1],
    [-4, -1, 1],
    [-(2 ** -6), 2 ** -6, 3],
    [2 ** -6, 2 ** -4, 1],
    [1, 4, 1],
    [4, 16, 1],
    [64, 256, 1],
  ])
})

test('what is not finite is left out', () => {
  expect(of([Number.NaN, Infinity], [0, 0])).toEqual([])
  expect(of([1, 2], [Number.NaN, Infinity])).toEqual([])
  expect(of([], [])).toEqual([])
  expect(of([3, 3], [0, ulp])).toMatchObject([{ from: 3, to: 4, count: 2, meanUlp: 0.5 }])
})
