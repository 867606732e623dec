/** Percentiles against what is worked out by hand, and against numpy.percentile's documentation. */
import { expect, test } from 'vitest'
import { median, percentile } from '../../src/bench/statistics.ts'

test.each([
  // numpy.percentile([[10, 7, 4], [3, 2, 1]], 50) in numpy's manual.
  [[10, 7, 4, 3, 2, 1], 50, 3.5],
  [[5], 99, 5],
  [[2, 1], 0, 1],
  [[2, 1], 100, 2],
  // Rank 0.95 · 3 = 2.85: three and 0.85 of the way from 30 to 40.
  [[40, 10, 30, 20], 95, 38.5],
  // Rank 0.99 · 100 = 99 exactly.
  [Array.from({ length: 101 }, (_, i) => 100 - i), 99, 99],
])('of %j, %d per cent', (values, percent, expected) => {
  expect(percentile(values, percent)).toBeCloseTo(expected, 12)
})

test('the values stay in their order, and none have no median', () => {
  const values = [3, 1, 2]
  expect(median(values)).toBe(2)
  expect(values).toEqual([3, 1, 2])
  expect(median([])).toBeNaN()
})
