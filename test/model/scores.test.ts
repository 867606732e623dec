import { expect, test } from 'vitest'
import {
  checkSelection,
  probabilities,
  ranking,
  type Selection,
  select,
} from '../../src/model/scores.ts'

test('sigmoid of each logit', () => {
  // 1/(1+e^-x) to 17 digits.
  const [low, zero, high] = probabilities([-2, 0, 1000], 'sigmoid')
  expect(low).toBeCloseTo(0.11920292202211755, 16)
  expect(zero).toBe(0.5)
  expect(high).toBe(1)
  expect(probabilities([-1000], 'sigmoid')).toEqual([0])
})

test('softmax over all logits, also for large ones', () => {
  const scores = probabilities([1000, 1001, 1002], 'softmax')
  // e^-2, e^-1 and 1 over their sum.
  expect(scores[0]).toBeCloseTo(0.09003057317038046, 15)
  expect(scores[1]).toBeCloseTo(0.24472847105479764, 15)
  expect(scores[2]).toBeCloseTo(0.6652409557748219, 15)
})

test('ranks best first, ties in label order', () => {
  expect(ranking([0.2, 0.9, 0.2], ['a', 'b', 'c']).map(({ label }) => label)).toEqual([
    'b',
    'a',
    'c',
  ])
})

test('ranks NaN last', () => {
  expect(ranking([NaN, 0, NaN, 1], ['a', 'b', 'c', 'd']).map(({ label }) => label)).toEqual([
    'd',
    'b',
    'a',
    'c',
  ])
})

test('selects from the threshold on, at most top-k', () => {
  const ranked = ranking([0.3, 0.9, 0.29, 0.5], ['a', 'b', 'c', 'd'])
  const labels = (selection: object) => select(ranked, selection).map(({ label }) => label)
  expect(labels({ threshold: 0.3 })).toEqual(['b', 'd', 'a'])
  expect(labels({ threshold: 0.3, topK: 2 })).toEqual(['b', 'd'])
  expect(labels({ topK: 1 })).toEqual(['b'])
  expect(labels({})).toHaveLength(4)
  expect(labels({ threshold: { a: 0.3, b: 0.91, c: 0.2, d: 0.6 } })).toEqual(['a', 'c'])
})

test.each([
  [{ threshold: -0.1 }, 'threshold'],
  [{ threshold: 1.1 }, 'threshold'],
  [{ threshold: NaN }, 'threshold'],
  [{ threshold: { a: 0.1 } }, 'threshold of "b": is missing'],
  [{ threshold: { a: 0.1, b: 2 } }, 'threshold of "b": 2 is not'],
  [{ threshold: { a: 0.1, b: 0, c: 0 } }, 'the model has no label "c"'],
  [{ threshold: null }, 'threshold'],
  [{ topK: 0 }, 'top-k'],
  [{ topK: 1.5 }, 'top-k'],
])('refuses %j', (selection, argument) => {
  expect(() => checkSelection(selection as Selection, ['a', 'b'])).toThrow(argument)
})
