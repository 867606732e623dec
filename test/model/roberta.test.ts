/**
 * The model against values computed elsewhere: PyTorch's float64 logits and hidden states of the
 * embedded model, and a numpy forward pass over small checkpoints with unusual configurations.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import type { RobertaForSequenceClassification } from '../../src/model/roberta.ts'
import { SequenceClassifier } from '../../src/model/sequence-classifier.ts'
import { observe } from '../../src/ops/index.ts'
import { leakedStorageCount } from '../../src/tensor/storage.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'

interface Fingerprint {
  shape: [number, number]
  sum: number
  mean_abs: number
  rms: number
  max_abs: number
  weighted: number
  first4: number[]
  last4: number[]
}
interface Golden {
  labels: string[]
  cases: {
    text: string
    truncated: boolean
    input_ids: number[]
    logits64: number[]
    hidden?: Fingerprint[]
  }[]
}

const golden = JSON.parse(
  readFileSync(new URL('../fixtures/roberta-tiny-golden.json', import.meta.url), 'utf8'),
) as Golden

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  return Array.from(a).reduce((max, x, i) => Math.max(max, Math.abs(x - b[i]!)), 0)
}

describe('the embedded model', () => {
  let classifier: SequenceClassifier
  beforeAll(async () => {
    classifier = await SequenceClassifier.load({ device: 'reference' })
  })
  afterAll(async () => {
    const backend = classifier.backend as ReferenceBackend
    await classifier.close()
    expect(backend.heldBytes).toBe(0)
    expect(leakedStorageCount()).toBe(0)
  })

  test('has the labels of the golden file, in its order', () => {
    expect(classifier.labels).toEqual(golden.labels)
  })

  test.each(golden.cases)('ids and logits of $text', async ({ text, ...expected }) => {
    const { inputIds, truncated } = classifier.encode(text)
    expect(Array.from(inputIds)).toEqual(expected.input_ids)
    expect(truncated).toBe(expected.truncated)
    const [output] = await classifier.logits([text])
    expect(output!.truncated).toBe(expected.truncated)
    expect(largestDifference(output!.logits, expected.logits64)).toBeLessThan(1e-5)
  })

  const withHidden = golden.cases.filter(({ hidden }) => hidden !== undefined)
  test.each(withHidden)('hidden states of $text', async ({ input_ids, hidden }) => {
    const states: Tensor[] = []
    const paths = ['roberta.embeddings', 'roberta.encoder.layer.0', 'roberta.encoder.layer.1']
    {
      using _ = observe({
        module: ({ scope, output }) => {
          if (paths.includes(scope)) states.push((output as Tensor).alias())
        },
      })
      await forwardLogits(classifier.model, classifier.backend, [input_ids])
    }
    expect(states).toHaveLength(paths.length)
    for (const [index, state] of states.entries()) {
      const want = hidden![index]!
      expect(state.shape).toEqual(want.shape)
      const values = await state.numbers()
      state.dispose()
      const [, width] = want.shape
      const sum = (f: (x: number, i: number) => number): number =>
        values.reduce((total, x, i) => total + f(x, i), 0)
      // Each state is within some 1e-6 of float64's; sums over all of them add that up.
      const slack = 2e-6 * values.length
      expect(Math.abs(sum((x) => x) - want.sum)).toBeLessThan(slack)
      expect(Math.abs(sum((x) => Math.abs(x)) / values.length - want.mean_abs)).toBeLessThan(2e-6)
      expect(Math.abs(Math.sqrt(sum((x) => x * x) / values.length) - want.rms)).toBeLessThan(2e-6)
      expect(Math.abs(Math.max(...values.map(Math.abs)) - want.max_abs)).toBeLessThan(1e-5)
      const weighted = sum((x, i) => x * Math.cos(0.1 * Math.floor(i / width) + 0.01 * (i % width)))
      expect(Math.abs(weighted - want.weighted)).toBeLessThan(slack)
      expect(largestDifference(values.subarray(0, 4), want.first4)).toBeLessThan(5e-6)
      expect(largestDifference(values.subarray(-4), want.last4)).toBeLessThan(5e-6)
    }
  })

  test('after the last attention only first tokens are computed, unless somebody looks; logits are the same', async () => {
    const { model, backend } = classifier
    const sequences = golden.cases.slice(0, 5).map(({ input_ids }) => input_ids)
    const unseen = await forwardLogits(model, backend, sequences)
    const rows = new Map<string, number>()
    const observed = observe({
      module: ({ scope, output }) => rows.set(scope, (output as Tensor).shape[0]!),
    })
    expect(await forwardLogits(model, backend, sequences)).toEqual(unseen)
    expect(rows.get('roberta.encoder.layer.1.output')).toBe(sequences.flat().length)
    const widths: number[] = []
    const execute = vi.spyOn(backend, 'execute')
    observed[Symbol.dispose]()
    await forwardLogits(model, backend, sequences)
    for (const [{ operator, output }] of execute.mock.calls) {
      if (operator === 'gelu') widths.push(output.shape[0]!)
    }
    execute.mockRestore()
    expect(widths).toEqual([sequences.flat().length, sequences.length])
  })

  test('padded and packed batches give the logits of single texts', async () => {
    const some = golden.cases.filter(({ input_ids }) => input_ids.length < 40).slice(0, 12)
    const sequences = some.map(({ input_ids }) => input_ids)
    for (const layout of ['packed', 'padded'] as const) {
      const rows = await forwardLogits(classifier.model, classifier.backend, sequences, layout)
      rows.forEach((logits, i) => {
        expect(largestDifference(logits, some[i]!.logits64), layout).toBeLessThan(1e-5)
      })
    }
  })

  test('refuses ids that the vocabulary does not have, and texts that are too long', async () => {
    const run = (ids: number[]) => forwardLogits(classifier.model, classifier.backend, [ids])
    await expect(run([0, 8000, 2])).rejects.toThrow('token id: index 8000 is outside of 0…7999')
    await expect(run([0, -1, 2])).rejects.toThrow('token id: index -1')
    await expect(run(new Array<number>(129).fill(5))).rejects.toThrow('position id: index 130')
    await expect(run([])).rejects.toThrow('text 0 has no tokens')
  })
})

/** 16-bit storage: logits stay within what the format can hold, and are not float32's in disguise. */
describe.each([
  // Twelve rounded activations in a row, each off by up to half an epsilon (2^-11, 2^-8), on logits of about 5.
  { dtype: 'float16' as const, largest: 0.03 },
  { dtype: 'bfloat16' as const, largest: 0.25 },
])('the embedded model in $dtype', ({ dtype, largest }) => {
  test('stays near the float64 logits', async () => {
    await using classifier = await SequenceClassifier.load({ device: 'reference', dtype })
    const cases = golden.cases.slice(0, 10)
    const outputs = await classifier.logits(cases.map(({ text }) => text))
    const worst = outputs.map(({ logits }, i) => largestDifference(logits, cases[i]!.logits64))
    expect(Math.max(...worst)).toBeLessThan(largest)
    expect(Math.max(...worst)).toBeGreaterThan(largest / 100)
  })
})

describe.each(['gelu-new', 'no-prefix'])('the variant %s', (name) => {
  const directory = fileURLToPath(new URL(`../golden/variants/${name}`, import.meta.url))
  const expected = JSON.parse(readFileSync(`${directory}/golden.json`, 'utf8')) as {
    input_ids: number[][]
    logits64: number[][]
  }
  let model: RobertaForSequenceClassification
  const backend = new ReferenceBackend()
  const warnings: string[] = []
  beforeAll(async () => {
    const warn = (message: string) => void warnings.push(message)
    model = await loadModel(directory, { backend, dtype: 'float32', warn })
  })

  test.each(['packed', 'padded'] as const)('gives numpy’s logits, %s', async (layout) => {
    const rows = await forwardLogits(model, backend, expected.input_ids, layout)
    rows.forEach((logits, i) => {
      expect(largestDifference(logits, expected.logits64[i]!)).toBeLessThan(1e-5)
    })
  })

  test('loads without a warning', () => {
    expect(warnings).toEqual([])
  })
})
