/** Many texts at once: sorted by length within windows, given back in their order. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { SequenceClassifier } from '../../src/index.ts'
import { logitsInOrder } from '../../src/model/logits-in-order.ts'

let classifier: SequenceClassifier
beforeAll(async () => {
  classifier = await SequenceClassifier.load({ device: 'cpu' })
})
afterAll(() => classifier.close())

/** 150 texts of 1 to 10 words, lengths in no order: two windows of batches of two. */
const texts = Array.from({ length: 150 }, (_, at) => `${'a '.repeat((at * 7) % 10)}b${at}`)

test('gives the logits of each text in its place', async () => {
  const outputs = await logitsInOrder(classifier, texts, { batchSize: 2 })
  for (const at of [0, 1, 64, 127, 128, 149]) {
    const [alone] = await classifier.logits([texts[at]!])
    const { logits } = outputs[at]!
    // Native libraries round differently in batches of other sizes; other texts differ by far more.
    alone!.logits.forEach((logit, label) => {
      expect(Math.abs(logits[label]! - logit)).toBeLessThan(1e-4)
    })
  }
  expect(outputs).toHaveLength(texts.length)
})

test('texts of like length run together, 64 batches at a time, and progress counts texts', async () => {
  const forward = vi.spyOn(classifier, 'forward')
  const progress: number[] = []
  await logitsInOrder(classifier, texts, {
    batchSize: 2,
    onProgress: (done) => progress.push(done),
  })
  const lengths = forward.mock.calls.map(([batch]) => batch.map(({ inputIds }) => inputIds.length))
  forward.mockRestore()
  const ascending = (of: number[]): number[] => [...of].sort((a, b) => a - b)
  for (const window of [lengths.slice(0, 64).flat(), lengths.slice(64).flat()]) {
    expect(window).toEqual(ascending(window))
  }
  expect(lengths).toHaveLength(75)
  expect(progress).toEqual(Array.from({ length: 75 }, (_, batch) => 2 * (batch + 1)))
})

test('a text that is cut says so in its place', async () => {
  const outputs = await logitsInOrder(classifier, ['a b c d e f', 'a'], { maxLength: 4 })
  expect(outputs.map(({ truncated }) => truncated)).toEqual([true, false])
})
