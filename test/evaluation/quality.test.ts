/** Quality against scikit-learn on small made-up predictions (test/golden/evaluation.py), and by hand. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { calibrationOf } from '../../src/evaluation/quality/calibration.ts'
import { type Judged, type Quality, qualityOf } from '../../src/evaluation/quality/quality.ts'
import { rankingOf } from '../../src/evaluation/quality/ranking.ts'

interface Case extends Omit<Judged, 'labels'> {
  readonly quality: Quality
}
const { cases } = JSON.parse(
  readFileSync(new URL('../golden/evaluation.json', import.meta.url), 'utf8'),
) as { cases: Record<string, Case> }

/** Every number within 1e-12: both are sums of at most 360 terms in float64. Nulls are nulls. */
function expectClose(actual: unknown, expected: unknown, path: string): void {
  if (typeof expected === 'number') {
    expect(Math.abs((actual as number) - expected), path).toBeLessThan(1e-12)
  } else if (typeof expected === 'object' && expected !== null) {
    expect(Object.keys(actual as object).sort(), path).toEqual(Object.keys(expected).sort())
    for (const [key, value] of Object.entries(expected)) {
      expectClose((actual as Record<string, unknown>)[key], value, `${path}.${key}`)
    }
  } else {
    expect(actual, path).toBe(expected)
  }
}

describe('as scikit-learn has it', () => {
  test.each(Object.entries(cases))('%s', (name, { quality, ...judged }) => {
    const labels = quality.labels.map(({ label }) => label)
    expectClose(qualityOf({ labels, ...judged }), quality, name)
  })

  test('the data has what is difficult', () => {
    const { labels } = cases['multi-label']!.quality
    expect(labels[3]).toMatchObject({ support: 0, rocAuc: null, averagePrecision: null })
    expect(labels[4]).toMatchObject({ support: 60, rocAuc: null, averagePrecision: 1 })
    expect(labels[5]!.rocAuc).toBe(0.5)
    const scores = cases['multi-label']!.probabilities.map((row) => row[0])
    expect(new Set(scores).size).toBeLessThan(20)
    expect(cases['single-label']!.quality.confusion!.some((row) => row.every((n) => n === 0))).toBe(
      true,
    )
  })
})

describe('ranking', () => {
  const rank = (scores: number[], positive: number[]) =>
    rankingOf(Float64Array.from(scores), Uint8Array.from(positive))

  test('the best threshold is in the middle, of equals the highest', () => {
    // F1 by threshold: 0.8: 2/3, 0.6: 1/2, 0.4: 4/5, 0.2: 2/3
    expect(rank([0.8, 0.6, 0.4, 0.2], [1, 0, 1, 0])).toMatchObject({
      bestThreshold: expect.closeTo(0.3, 12),
      bestF1: 0.8,
    })
    // F1 is 2/3 at 0.9 and at 0.3 (2 of 4).
    expect(rank([0.9, 0.7, 0.5, 0.3], [1, 0, 0, 1])).toMatchObject({
      bestThreshold: expect.closeTo(0.8, 12),
      bestF1: 2 / 3,
    })
    expect(rank([0.9, 0.5], [1, 1])).toMatchObject({ bestThreshold: 0.25, bestF1: 1 })
  })

  test('a threshold between neighbouring numbers still separates them', () => {
    const above = 0.5
    const below = 0.5 - 2 ** -54
    const { bestThreshold } = rank([above, below], [1, 0])
    expect(above >= bestThreshold!).toBe(true)
    expect(below >= bestThreshold!).toBe(false)
  })

  test('undefined where all texts are of one kind', () => {
    const none = { rocAuc: null, averagePrecision: null, bestThreshold: null, bestF1: null }
    expect(rank([0.1, 0.9], [0, 0])).toEqual(none)
    expect(rank([0.1, 0.9], [1, 1])).toMatchObject({ rocAuc: null, averagePrecision: 1 })
  })
})

test('scores of 0 and 1 are in the first and the last bin', () => {
  const { bins, error } = calibrationOf(Float64Array.of(0, 1, 0.1), Uint8Array.of(0, 1, 1))
  expect(bins.map(({ count }) => count)).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 1])
  expect(error).toBeCloseTo(0.3, 12)
  expect(bins[2]).toEqual({ count: 0, meanScore: null, shareRight: null })
})
