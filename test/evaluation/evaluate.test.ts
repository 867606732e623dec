/** `evaluate` as a library: decisions that differ between devices, progress, what it refuses. */
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type EvaluateOptions,
  evaluate,
  GoEmotionsClassifier,
  InvalidArgumentError,
  NonFiniteLogitsError,
} from '../../src/index.ts'
import { modelWithNaN } from '../support/model-with-nan.ts'

const texts = ['I love you.', 'That joke made me laugh out loud lol', 'What time is it?']
const dataset = [
  { text: texts[0]!, labels: ['love'] },
  { text: texts[1]!, labels: [] },
  { text: texts[2]!, labels: [7, 27] },
]

async function scores(dtype: 'float32' | 'float16', label: string): Promise<number[]> {
  await using classifier = await GoEmotionsClassifier.load({ device: 'reference', dtype })
  const { probs } = await classifier.predict(texts)
  return probs.map((row) => row[classifier.labels.indexOf(label)]!)
}

describe('a threshold between what two devices give', () => {
  test.each([
    [0, 'love', true],
    [1, 'amusement', false],
  ])('flips a decision of text %i', async (text, label, isRight) => {
    const [single, half] = [await scores('float32', label), await scores('float16', label)]
    const [low, high] = [single[text]!, half[text]!].sort((a, b) => a - b)
    expect(low).toBeLessThan(high!)
    await using classifier = await GoEmotionsClassifier.load({ device: 'reference' })
    // Nothing but this label of this text is near its threshold.
    const threshold = {
      ...Object.fromEntries(classifier.labels.map((one) => [one, 1])),
      [label]: (low! + high!) / 2,
    }
    const progress: number[][] = []
    const { devices, comparisons } = await evaluate({
      dataset,
      devices: ['reference', 'reference'],
      compareDType: 'float16',
      threshold,
      batchSize: 2,
      onProgress: (done, total) => progress.push([done, total]),
    })
    expect(progress).toEqual([2, 3, 5, 6].map((done) => [done, 6]))
    const { flips, baseline, device, differences } = comparisons[0]!
    expect([baseline.dtype, device.dtype]).toEqual(['float32', 'float16'])
    const isChosen = half[text]! > single[text]!
    expect(flips).toEqual([
      {
        text,
        line: undefined,
        label,
        baseline: single[text],
        device: half[text],
        threshold: threshold[label],
        right: isChosen === isRight ? 'device' : 'baseline',
      },
    ])
    const predicted = differences.find((one) => one.label === label && one.metric === 'predicted')
    expect(predicted!.value).toBe(isChosen ? 1 : -1)
    expect(devices).toHaveLength(2)
  })
})

test('a device beside itself differs in nothing', async () => {
  const { comparisons } = await evaluate({ dataset, devices: ['cpu', 'cpu'] })
  const { differences, flips, agreement } = comparisons[0]!
  expect(flips).toEqual([])
  expect(agreement.maxProbabilityError).toBe(0)
  expect(differences.every(({ value }) => value === 0 || value === null)).toBe(true)
})

test.each<[Partial<EvaluateOptions>, string]>([
  [{ devices: [] }, 'devices'],
  [{ limit: 0 }, 'limit'],
  [{ limit: 1.5 }, 'limit'],
  [{ dataset: [] }, 'has no texts'],
  [{ threshold: { joy: 0.5 } }, 'is missing'],
  [{ threshold: 2 }, '2 is not a number from 0 to 1'],
  [{ devices: ['reference'], threads: 2 }, 'threads'],
  [{ plans: false }, 'plans'],
])('refuses %j', async (options, message) => {
  const attempt = evaluate({ dataset, devices: ['cpu'], ...options })
  await expect(attempt).rejects.toThrow(InvalidArgumentError)
  await expect(attempt).rejects.toThrow(message)
})

describe('a device that gives NaN', () => {
  let directory: string
  beforeAll(async () => {
    directory = await modelWithNaN()
  })
  afterAll(() => rm(directory, { recursive: true }))

  test('is an error that names the device, not a figure', async () => {
    const error: unknown = await evaluate({
      dataset,
      devices: ['cpu'],
      modelPath: directory,
    }).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(NonFiniteLogitsError)
    expect(error).toMatchObject({ kind: 'device', device: 'cpu', texts: [0, 1, 2] })
  })
})
