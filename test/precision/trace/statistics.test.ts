/** Statistics and bad elements, by hand. */
import { expect, test } from 'vitest'
import { firstBadElement, statisticsOf } from '../../../src/precision/trace/statistics.ts'

test('counts everything, and figures are of the finite elements', () => {
  const values = Float64Array.of(1, NaN, -3, Infinity, 0, -Infinity, -0, 6, Infinity)
  // 1, −3, 0, −0, 6: mean 0.8, mean of squares 46 / 5 = 9.2, variance 9.2 − 0.64.
  expect(statisticsOf(values)).toEqual({
    count: 9,
    nan: 1,
    positiveInfinity: 2,
    negativeInfinity: 1,
    zeros: 2,
    min: -3,
    max: 6,
    mean: 0.8,
    std: expect.closeTo(Math.sqrt(8.56), 12),
  })
})

test.each([[[]], [[NaN, Infinity]]])('of %j there are no figures', (values) => {
  const figures = { min: null, max: null, mean: null, std: null }
  expect(statisticsOf(Float64Array.from(values))).toMatchObject({
    count: values.length,
    ...figures,
  })
})

test('the first bad element is shown with those around it in its row', () => {
  const values = Float64Array.from({ length: 24 }, (_, at) => at)
  values[13] = -Infinity
  values[20] = NaN
  expect(firstBadElement(values, [2, 12])).toEqual({
    index: [1, 1],
    value: -Infinity,
    around: [12, -Infinity, 14, 15, 16, 17],
    aroundFrom: 0,
  })
  expect(firstBadElement(values.slice(16), [8])).toEqual({
    index: [4],
    value: NaN,
    around: [16, 17, 18, 19, NaN, 21, 22, 23],
    aroundFrom: 0,
  })
  expect(firstBadElement(Float64Array.of(NaN), [])).toEqual({
    index: [],
    value: NaN,
    around: [NaN],
    aroundFrom: 0,
  })
  expect(firstBadElement(Float64Array.of(1, 2), [2])).toBeUndefined()
})
