/** The classifier's table, on numbers that are easy by hand. */
import { expect, test } from 'vitest'
import { agreementOf } from '../../src/precision/agreement.ts'

const labels = ['joy', 'love', 'anger', 'fear']

test('two texts', () => {
  const reference = [
    [0.8, 0.4, 0.2, 0.0],
    [0.1, 0.2, 0.3, 0.6],
  ]
  const device = [
    [0.8, 0.4, 0.2, 0.0],
    [0.1, 0.31, 0.29, 0.6],
  ]
  const found = agreementOf(device, reference, labels, 0.3)
  expect(found.mae).toBeCloseTo((0.11 + 0.01) / 8, 15)
  expect(found.maxProbabilityError).toBeCloseTo(0.11, 15)
  // 0.01 + 0.31 · 0.2 + 0.29 · 0.3 + 0.36 over √(0.01 + 0.0961 + 0.0841 + 0.36) √0.5
  const second = 0.519 / Math.sqrt(0.5502 * 0.5)
  expect(found.meanCosine).toBeCloseTo((1 + second) / 2, 14)
  expect(found.errorRate).toBeCloseTo((1 - second) / 2, 14)
  // The best three of the second text are fear, anger, love; on the device fear, love, anger.
  expect([found.top1, found.top3, found.top3InOrder]).toEqual([1, 1, 0.5])
  expect(found.flips).toEqual([
    { text: 1, label: 'love', threshold: 0.3, device: 0.31, reference: 0.2, margin: 0.3 - 0.2 },
    { text: 1, label: 'anger', threshold: 0.3, device: 0.29, reference: 0.3, margin: 0 },
  ])
})

test('of equals the label with the lower id is the better', () => {
  const ties = [[0.5, 0.5, 0.5, 0.5]]
  const found = agreementOf(ties, [[0.9, 0.8, 0.7, 0.1]], labels, 0.3)
  expect([found.top1, found.top3, found.top3InOrder]).toEqual([1, 1, 1])
  expect(agreementOf(ties, [[0.9, 0.8, 0.1, 0.7]], labels, 0.3).top3).toBe(0)
})

test('a threshold for each label', () => {
  const { flips } = agreementOf([[0.5, 0.5, 0, 0]], [[0.4, 0.4, 0, 0]], labels, [0.45, 0.55, 1, 1])
  expect(flips.map(({ label, threshold }) => [label, threshold])).toEqual([['joy', 0.45]])
})

test('NaN agrees with nothing, not even with NaN', () => {
  const broken = [[Number.NaN, 0, 0, 0]]
  for (const device of [broken, [[0.1, 0, 0, 0]]]) {
    expect(agreementOf(device, broken, labels, 0.3)).toMatchObject({
      meanCosine: 0,
      maxProbabilityError: 1,
      errorRate: 1,
      mae: 0.25,
      top1: 0,
      top3: 0,
      top3InOrder: 0,
    })
  }
})

test.each([
  ['no texts', [], [], 0.3, 'no probabilities'],
  ['a text more', [[1, 1, 1, 1]], [], 0.3, 'reference: has 0 texts'],
  ['a label less', [[1, 1, 1, 1]], [[1, 1, 1]], 0.3, 'text 0 has 3 probabilities for 4 labels'],
  ['too few thresholds', [[1, 1, 1, 1]], [[1, 1, 1, 1]], [0.3], 'thresholds'],
])('refuses %s', (_, device, reference, thresholds, words) => {
  expect(() => agreementOf(device, reference, labels, thresholds)).toThrow(words)
})
