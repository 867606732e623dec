/** The library as its users call it. Expected scores are the model card's, to its two digits. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  DeviceUnavailableError,
  GoEmotionsClassifier,
  InvalidArgumentError,
  pipeline,
  type TextClassificationPipeline,
} from '../../src/index.ts'

describe('GoEmotionsClassifier', () => {
  let classifier: GoEmotionsClassifier
  beforeAll(async () => {
    classifier = await GoEmotionsClassifier.load({ device: 'reference' })
  })
  afterAll(() => classifier.close())

  test('predict gives labels from the threshold on, and all probabilities', async () => {
    const texts = ['I am so happy today!', 'You did an amazing job, congratulations!']
    const { results, probs } = await classifier.predict(texts, { threshold: 0.3 })
    expect(results.map(({ index, text }) => [index, text])).toEqual([
      [0, texts[0]],
      [1, texts[1]],
    ])
    expect(results[0]!.labels.map(({ label }) => label)).toEqual(['joy'])
    expect(results[0]!.labels[0]!.score).toBeCloseTo(0.84, 2)
    expect(results[1]!.labels.map(({ label }) => label)).toEqual(['admiration', 'gratitude'])
    expect(probs.map((row) => row.length)).toEqual([28, 28])
    expect(probs[0]![classifier.labels.indexOf('excitement')]).toBeCloseTo(0.21, 2)
  })

  test('the batch size changes nothing', async () => {
    const texts = ['I love you.', 'That is disgusting.', '', 'this is so annoying ugh', '😂😂😂']
    const all = await classifier.predict(texts)
    for (const batchSize of [1, 2, 3]) {
      const some = await classifier.predict(texts, { batchSize })
      expect(some.results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4])
      some.probs.forEach((row, i) => {
        row.forEach((score, label) => {
          expect(Math.abs(score - all.probs[i]![label]!)).toBeLessThan(1e-6)
        })
      })
    }
  })

  test('no texts give no results', async () => {
    expect(await classifier.predict([])).toEqual({ results: [], probs: [] })
  })

  test.each([
    [['a', 7], {}, 'texts[1]'],
    ['a text', {}, 'texts'],
    [['a'], { threshold: 2 }, 'threshold'],
    [['a'], { threshold: '0.3' as unknown as number }, 'threshold'],
    [['a'], { topK: 0 }, 'top-k'],
    [['a'], { batchSize: 0 }, 'batch-size'],
    [['a'], { maxLength: 1 }, 'max-length'],
  ])('refuses %j with %j', async (texts, options, argument) => {
    const attempt = classifier.predict(texts as string[], options)
    await expect(attempt).rejects.toThrow(InvalidArgumentError)
    await expect(attempt).rejects.toThrow(argument)
  })

  test('devices that cannot be had', async () => {
    const load = (device: string) => GoEmotionsClassifier.load({ device })
    await expect(load('gpu')).rejects.toThrow(InvalidArgumentError)
    for (const none of ['npu:x', 'npu:', 'npu:0,', 'npu:0,0', 'cpu:0', 'cpu:all']) {
      await expect(load(none)).rejects.toThrow(InvalidArgumentError)
    }
    for (const device of ['npu', 'npu:1', 'npu:0,1', 'npu:all']) {
      await expect(load(device)).rejects.toThrow(DeviceUnavailableError)
    }
  })

  test('closing twice is fine; using it afterwards is not', async () => {
    const short = await GoEmotionsClassifier.load()
    await short.close()
    await short.close()
    await expect(short.predict(['a'])).rejects.toThrow('this classifier is closed')
  })

  test('two predictions at once do not disturb each other', async () => {
    const texts = [['I love you.', 'ok'], ['That is disgusting.']]
    const apart = [await classifier.predict(texts[0]!), await classifier.predict(texts[1]!)]
    const together = await Promise.all(texts.map((some) => classifier.predict(some)))
    expect(together).toEqual(apart)
  })

  test('dtypes that no model has', async () => {
    const load = GoEmotionsClassifier.load({ dtype: 'int32' as 'float32' })
    await expect(load).rejects.toThrow("dtype: 'int32'")
  })
})

describe('pipeline', () => {
  let classify: TextClassificationPipeline
  beforeAll(async () => {
    classify = await pipeline('text-classification')
  })
  afterAll(() => classify.dispose())

  // The forms of transformers.js' text-classification pipeline.
  test('one text: its best label', async () => {
    const result = await classify('Thank you so much for your help!')
    expect(result).toEqual([{ label: 'gratitude', score: expect.closeTo(0.99, 2) }])
  })

  test('one text, top_k 3', async () => {
    const result = await classify('Thank you so much for your help!', { top_k: 3 })
    expect(result.map(({ label }) => label)).toEqual(['gratitude', 'admiration', 'caring'])
  })

  test('several texts: the best label of each', async () => {
    const result = await classify(['I love you.', 'That is disgusting.'])
    expect(result.map(({ label }) => label)).toEqual(['love', 'disgust'])
  })

  test('several texts, top_k 2 and null', async () => {
    const two = await classify(['I love you.', 'That is disgusting.'], { top_k: 2 })
    expect(two.map((labels) => labels.map(({ label }) => label))).toEqual([
      ['love', 'admiration'],
      ['disgust', 'annoyance'],
    ])
    const every = await classify(['I love you.'], { top_k: null })
    expect(every[0]).toHaveLength(28)
  })

  test('another task is refused', async () => {
    await expect(pipeline('translation' as 'text-classification')).rejects.toThrow('translation')
  })
})
