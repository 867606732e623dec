/** What is recorded, under which names, in how much memory, and what is left when something fails. */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  InvalidArgumentError,
  isObserved,
  type Observer,
  observe,
  openTrace,
  SequenceClassifier,
  type Tensor,
  traceForward,
} from '../../../src/index.ts'
import { readNpy } from '../../../src/precision/trace/npy.ts'
import { editedModel } from '../../support/edited-model.ts'

let folder: string
let classifier: SequenceClassifier
let heldBytes: number
beforeAll(async () => {
  classifier = await SequenceClassifier.load({ device: 'reference' })
  heldBytes = classifier.backend.heldBytes
})
afterAll(() => classifier.close())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
})
afterEach(async () => {
  // Whatever happened, nobody observes and nothing is held.
  expect(isObserved(classifier.backend)).toBe(false)
  expect(classifier.backend.heldBytes).toBe(heldBytes)
  await rm(folder, { recursive: true })
})

const layer0 = 'roberta.encoder.layer.0'
const attention = `${layer0}.attention.self`

/** Runs a forward with an observer, as a user's own code would. */
async function forward(texts: readonly string[], observer: Observer): Promise<void> {
  using _observing = observe(observer, classifier.backend)
  await classifier.logits(texts)
}

/** Numbers of the tensors that `pick` names. */
async function numbersOf(
  texts: readonly string[],
  pick: (event: Parameters<NonNullable<Observer['operator']>>[0]) => readonly Tensor[],
): Promise<Float64Array[]> {
  const kept: Tensor[] = []
  const operator: Observer['operator'] = (event) =>
    void kept.push(...pick(event).map((tensor) => tensor.alias()))
  await forward(texts, { operator, looksInside: true })
  const numbers = await Promise.all(kept.map((tensor) => tensor.numbers()))
  for (const tensor of kept) tensor.dispose()
  return numbers
}

describe('what is recorded', () => {
  it('without a selection: the output of every module that has a name, in order', async () => {
    const output = join(folder, 'trace')
    const { manifest, logits } = await traceForward(classifier, ['a', 'ok!'], { output })
    const scopes: string[] = []
    await forward(['a'], { module: ({ scope }) => void scopes.push(scope) })
    expect(manifest.modules.map(({ scope }) => scope)).toEqual(scopes.slice(0, -1))
    expect(scopes.at(-1)).toBe('')
    await using trace = await openTrace(output)
    expect(trace.manifest).toEqual(manifest)
    expect([...trace.tensors.keys()]).toEqual(scopes.slice(0, -1))
    expect(await trace.numbers('classifier')).toEqual(
      Float64Array.from(logits!.flatMap((row) => [...row.logits])),
    )
    expect(trace.inputIds).toEqual(
      ['a', 'ok!'].map((text) => [...classifier.encode(text).inputIds]),
    )
  })

  it('of operators: inputs, output and attributes, each tensor once', async () => {
    const output = join(folder, 'trace')
    await traceForward(classifier, ['a b'], {
      output,
      operators: ['softmax', 'gelu', 'linear'],
      layers: [0],
      inside: true,
    })
    await using trace = await openTrace(output)
    const dense = `${layer0}.intermediate.dense`
    const act = `${layer0}.intermediate.intermediate_act_fn`
    expect(trace.operators.map(({ id }) => id)).toEqual([
      ...['query', 'key', 'value'].map((name) => `${attention}.${name}/linear#0`),
      `${attention}/attention>softmax#0`,
      `${layer0}.attention.output.dense/linear#0`,
      `${dense}/linear#0`,
      `${act}/gelu#0`,
      `${layer0}.output.dense/linear#0`,
    ])
    expect(trace.operators[3]).toEqual({
      id: `${attention}/attention>softmax#0`,
      operator: 'softmax',
      scope: attention,
      within: 'attention',
      attributes: { axis: -1, scale: 1 / 8 },
      inputs: [{ input: 'input', tensor: `${attention}/attention>softmax#0/input` }],
      output: `${attention}/attention>softmax#0/output`,
    })
    // The weight is named by its key and not recorded; GELU's input is the output of before.
    expect(trace.operators[5]!.inputs).toEqual([
      { input: 'input', tensor: `${dense}/linear#0/input` },
      { input: 'weight', tensor: `${dense}.weight` },
      { input: 'bias', tensor: `${dense}.bias` },
    ])
    expect(trace.operators[6]!.inputs).toEqual([
      { input: 'input', tensor: `${dense}/linear#0/output` },
    ])
    expect(trace.tensors.has(`${act}/gelu#0/input`)).toBe(false)
    expect(trace.tensors.has(`${dense}.weight`)).toBe(false)

    const [scores, probabilities] = await numbersOf(['a b'], ({ operator, scope, ...event }) =>
      operator === 'softmax' && scope === attention ? [event.inputs[0]!, event.output] : [],
    )
    expect(await trace.numbers(`${attention}/attention>softmax#0/input`)).toEqual(scores)
    expect(await trace.numbers(`${attention}/attention>softmax#0/output`)).toEqual(probabilities)
  })

  it('of parameters: their values under their keys, if asked for', async () => {
    const output = join(folder, 'trace')
    const key = 'classifier.out_proj.bias'
    const selection = { operators: ['linear'], scope: /out_proj$/ } as const
    await traceForward(classifier, ['a'], { output, parameters: true, ...selection })
    await using trace = await openTrace(output)
    const parameter = classifier.model.parameters.find(({ name }) => name === key)!
    expect(await trace.numbers(key)).toEqual(await parameter.value.numbers())
    expect(trace.tensors.get(key)).toMatchObject({ isParameter: true, shape: [28] })
  })

  it('of modules with their inputs', async () => {
    const { manifest } = await traceForward(classifier, ['a'], { inputs: true, layers: [1] })
    const layer = 'roberta.encoder.layer.1'
    const inputs = new Map(manifest.modules.map((module) => [module.scope, module.inputs]))
    expect(inputs.get(`${layer}.attention.self.query`)).toEqual([
      `${layer}.attention.self.query/input.0`,
    ])
    // The same tensor.
    expect(inputs.get(`${layer}.attention.self.key`)).toEqual([
      `${layer}.attention.self.query/input.0`,
    ])
    expect(inputs.get(`${layer}.attention.output.LayerNorm`)).toEqual([
      `${layer}.attention.output.dense`,
      `${layer}.attention.self.query/input.0`,
    ])
  })

  it('is the same as .npy files, bfloat16 as float32', async () => {
    await using narrow = await SequenceClassifier.load({ device: 'reference', dtype: 'bfloat16' })
    const [whole, files] = [join(folder, 'whole'), join(folder, 'files')]
    const selection = { operators: 'all', modules: true, layers: [1] } as const
    await traceForward(narrow, ['a'], { output: whole, ...selection })
    await traceForward(narrow, ['a'], { output: files, format: 'npy', ...selection })
    await using one = await openTrace(whole)
    await using many = await openTrace(files)
    expect([...many.tensors]).toEqual([...one.tensors])
    expect(one.tensors.size).toBeGreaterThan(20)
    for (const [name, { dtype }] of one.tensors) {
      expect(dtype).toBe('bfloat16')
      expect(await many.numbers(name)).toEqual(await one.numbers(name))
    }
    expect((await many.read('roberta.encoder.layer.1')).dtype).toBe('F32')
    const file = join(files, 'roberta.encoder.layer.1.output.dense/linear#0/output.npy')
    expect((await readNpy(file)).shape).toEqual([3, 320])
  })

  it('is statistics alone where there is nowhere to write', async () => {
    const { manifest } = await traceForward(classifier, ['a'], { scope: /^classifier$/ })
    const logits = (await classifier.logits(['a']))[0]!.logits
    expect(manifest.tensorFormat).toBe('statistics')
    expect(manifest.tensors).toHaveLength(1)
    expect(manifest.tensors[0]!.statistics).toMatchObject({
      count: 28,
      min: Math.min(...logits),
      max: Math.max(...logits),
      mean: expect.closeTo(logits.reduce((sum, value) => sum + value) / 28, 12),
    })
  })
})

describe('bounded memory', () => {
  const texts = ['I am so happy today!', 'ok']
  const everything = { operators: 'all', modules: true, inside: true, inputs: true } as const

  it('many passes record what one does', async () => {
    const [one, many] = [join(folder, 'one'), join(folder, 'many')]
    await traceForward(classifier, texts, { output: one, ...everything })
    await traceForward(classifier, texts, { output: many, maxHeldBytes: 1, ...everything })
    for (const name of await readdir(one)) {
      const [expected, actual] = await Promise.all(
        [one, many].map((directory) => readFile(join(directory, name))),
      )
      expect(actual!.equals(expected!), name).toBe(true)
    }
  })

  it.each([20_000, 60_000, 200_000])('%i bytes are not exceeded', async (maxHeldBytes) => {
    const peakOf = async (body: () => Promise<unknown>): Promise<[number, number]> => {
      let peak = 0
      let forwards = 0
      using _observing = observe({
        operator: () => {
          peak = Math.max(peak, classifier.backend.heldBytes)
        },
        module: ({ scope }) => {
          if (scope === 'roberta.embeddings.word_embeddings') forwards += 1
        },
      })
      await body()
      return [peak, forwards]
    }
    const [plain] = await peakOf(() => classifier.logits(texts))
    const [traced, passes] = await peakOf(() =>
      traceForward(classifier, texts, { maxHeldBytes, modules: true }),
    )
    // The largest tensor, 11 × 1024 float32, does not fit into the least of the bounds.
    const bound = Math.max(maxHeldBytes, 11 * 1024 * 4)
    expect(traced - plain).toBeLessThanOrEqual(bound)
    expect(passes).toBeGreaterThan(1)
  })

  it('one pass where there is room', async () => {
    let forwards = 0
    const module: Observer['module'] = ({ scope }) => {
      if (scope === '') forwards += 1
    }
    using _observing = observe({ module })
    await traceForward(classifier, texts, { output: join(folder, 'trace'), ...everything })
    expect(forwards).toBe(1)
  })
})

describe('the watch', () => {
  const dense = 'roberta.encoder.layer.1.intermediate.dense'

  it('stops at the first operator that overflows and shows what went in', async () => {
    const model = join(folder, 'too-large')
    await editedModel(model, {
      [`${dense}.weight`]: (value) => value * 2e4,
    })
    await using narrow = await SequenceClassifier.load({
      modelPath: model,
      device: 'reference',
      dtype: 'float16',
    })
    const output = join(folder, 'trace')
    const { bad, logits, manifest } = await traceForward(narrow, ['I am so happy'], {
      output,
      watch: true,
      operators: 'all',
      // The answer does not depend on how many passes it takes.
      maxHeldBytes: 50_000,
    })
    expect(logits).toBeUndefined()
    expect(bad).toMatchObject({ id: `${dense}/linear#0`, operator: 'linear', scope: dense })
    expect(bad!.inputs.map(({ part, firstBad }) => [part, firstBad])).toEqual([
      ['input', undefined],
      ['weight', undefined],
      ['bias', undefined],
    ])
    const { index, value, around, aroundFrom } = bad!.output.firstBad!
    expect(around[index[1]! - aroundFrom]).toBe(value)
    expect(Math.abs(value)).toBe(Infinity)

    // By hand: the row of the input times the row of the weight is beyond float16.
    await using trace = await openTrace(output)
    expect(trace.manifest!.stoppedAt).toBe(`${dense}/linear#0`)
    expect(manifest.operators.at(-1)!.id).toBe(`${dense}/linear#0`)
    const input = await trace.numbers(manifest.operators.at(-1)!.inputs[0]!.tensor)
    const parameter = narrow.model.parameters.find(({ name }) => name === `${dense}.weight`)!
    const weight = await parameter.value.numbers()
    const [row, column] = index as [number, number]
    const dot = Array.from({ length: 320 }, (_, k) => k).reduce(
      (sum, k) => sum + input[row * 320 + k]! * weight[column * 320 + k]!,
      0,
    )
    expect(Math.sign(dot)).toBe(Math.sign(value))
    expect(Math.abs(dot)).toBeGreaterThan(65504)
  })

  it('finds a NaN in a weight where it is used first', async () => {
    const model = join(folder, 'nan')
    await editedModel(model, {
      [`${dense}.bias`]: (value, index) => (index === 5 ? NaN : value),
    })
    await using broken = await SequenceClassifier.load({
      modelPath: model,
      device: 'reference',
      onWarning: () => {},
    })
    const { bad } = await traceForward(broken, ['a'], { watch: true })
    expect(bad!.id).toBe(`${dense}/linear#0`)
    expect(bad!.output.firstBad).toMatchObject({ index: [0, 5], value: NaN })
    expect(bad!.inputs[2]).toMatchObject({
      part: 'bias',
      name: `${dense}.bias`,
      statistics: { nan: 1 },
      firstBad: { index: [5] },
    })
  })

  it('finds nothing in a sound model', async () => {
    const { bad, logits } = await traceForward(classifier, ['a'], { watch: true, inside: true })
    expect(bad).toBeUndefined()
    expect(logits).toHaveLength(1)
  })
})

describe('a trace that cannot be', () => {
  it.each([
    [{ layers: [0, 7] }, 'layers: nothing in layer 7'],
    [{ operators: ['softmax', 'gelu'] }, 'ops: no softmax ran'],
    [{ operators: ['cast'], inside: true }, 'ops: no cast ran'],
    [{ scope: /^encoder/ }, 'scope: nothing is selected'],
    [{ maxHeldBytes: 0 }, 'maxHeldBytes: 0 is not'],
  ] as const)('%j is refused, and nothing is written', async (options, words) => {
    // On the CPU, attention is one operator.
    await using cpu = await SequenceClassifier.load({ device: 'cpu', threads: 1 })
    const attempt = traceForward(cpu, ['a'], { output: join(folder, 'trace'), ...options })
    await expect(attempt).rejects.toThrow(InvalidArgumentError)
    await expect(attempt).rejects.toThrow(words)
    expect(await readdir(folder)).toEqual([])
  })

  it('no texts are refused', async () => {
    await expect(traceForward(classifier, [])).rejects.toThrow('texts: there are none')
  })

  it('does not touch what is there already', async () => {
    const output = join(folder, 'trace')
    await traceForward(classifier, ['a'], { output })
    const before = await readFile(join(output, 'manifest.json'))
    await expect(traceForward(classifier, ['ok'], { output })).rejects.toThrow('is there already')
    expect(await readFile(join(output, 'manifest.json'))).toEqual(before)
    expect(await readdir(folder)).toEqual(['trace'])
  })

  it('has no place to go', async () => {
    const output = join(folder, 'none', 'trace')
    await expect(traceForward(classifier, ['a'], { output })).rejects.toThrow('no such file')
    expect(existsSync(join(folder, 'none'))).toBe(false)
  })

  it.each(['safetensors', 'npy'] as const)(
    '%s: leaves nothing when the forward fails',
    async (format) => {
      using _failing = observe({
        module: ({ scope }) => {
          if (scope === `${layer0}.output`) throw new Error('as planned')
        },
      })
      const output = join(folder, 'trace')
      const options = { output, format, operators: 'all', maxHeldBytes: 30_000 } as const
      await expect(traceForward(classifier, ['a'], options)).rejects.toThrow('as planned')
      expect(await readdir(folder)).toEqual([])
    },
  )
})
