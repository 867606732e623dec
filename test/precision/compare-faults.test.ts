/**
 * One fault of each kind, planted around a real backend or on disk: `compare` finds it and names it, and
 * in isolated mode blames the faulty operator and no other.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { embeddedModelDirectory } from '../../src/model/locate.ts'
import type { Backend, HostElements, OperatorCall } from '../../src/ops/index.ts'
import { type CompareOptions, compareSubjects } from '../../src/precision/compare/compare.ts'
import type { ComparisonResult } from '../../src/precision/compare/result.ts'
import { newHostArray } from '../../src/tensor/dtype.ts'
import { RobertaTokenizer } from '../../src/tokenizer/tokenizer.ts'
import { type Edit, editedModel } from '../support/edited-model.ts'
import { isBuilt, openEmulator } from '../support/emulator.ts'
import { type Fault, FaultyBackend } from '../support/faulty-backend.ts'
import { subjectOn } from '../support/subject.ts'

const texts = ['I am so happy today!', 'Thank you so much.', 'That is disgusting.']
const layer = (index: number): string => `roberta.encoder.layer.${index}`
const notBuilt = 'needs npm run build:emulator'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Compares a device with the reference, both of which end with it. */
async function compared(
  device: Backend,
  options: Partial<CompareOptions> = {},
  ofDevice: Parameters<typeof subjectOn>[1] = {},
  ofReference: Parameters<typeof subjectOn>[1] = {},
): Promise<ComparisonResult> {
  await using ours = await subjectOn(device, ofDevice)
  await using theirs = await subjectOn(new ReferenceBackend(), ofReference)
  return await compareSubjects(ours, theirs, { texts, modes: ['cascaded', 'isolated'], ...options })
}

const faulty = (fault: Fault): Backend => new FaultyBackend(new ReferenceBackend(), fault)

/** Compares the embedded model with one that is changed on disk, both on the reference. */
let directories = 0
async function comparedEdited(
  edits: Readonly<Record<string, Edit>>,
  config?: Readonly<Record<string, unknown>>,
): Promise<ComparisonResult> {
  directories += 1
  const directory = join(folder, String(directories))
  await editedModel(directory, edits, config)
  return compared(new ReferenceBackend(), {}, { directory })
}

/** The operators that isolated mode blames. */
function blamed({ operators }: ComparisonResult): string[] {
  return operators
    .filter(({ isolated }) => isolated!.verdict.status !== 'pass')
    .map(({ id }) => id.replace(/#\d+$/, ''))
}

function badInputs({ inputs }: ComparisonResult): string[] {
  return inputs.filter(({ verdict }) => verdict.status !== 'pass').map(({ name }) => name)
}

function badWeights({ parameters }: ComparisonResult): string[] {
  return parameters.different.map(({ name }) => name)
}

/** Changes one array of the transfer that brings a batch: ids, positions, types, first rows, mask. */
function inBatch(position: number, change: (data: HostElements['data']) => void): Fault {
  return {
    upload: (arrays) => {
      if (arrays.length < 4) return arrays
      return arrays.map((array, at) => {
        if (at !== position) return array
        const data = array.data.slice()
        change(data)
        return { ...array, data }
      })
    },
  }
}

const everyGelu = [0, 1].map((index) => `${layer(index)}.intermediate.intermediate_act_fn/gelu`)
const everyLayerNorm = [
  'roberta.embeddings.LayerNorm/layer_norm',
  ...[0, 1].flatMap((index) => [
    `${layer(index)}.attention.output.LayerNorm/add_layer_norm`,
    `${layer(index)}.output.LayerNorm/add_layer_norm`,
  ]),
]

describe('a wrong form of GELU', () => {
  test('in the kernel', async () => {
    const tanhForm = (call: OperatorCall): OperatorCall =>
      call.operator === 'gelu' ? { ...call, attributes: { approximate: 'tanh' } } : call
    const result = await compared(faulty({ execute: (call, run) => run(tanhForm(call)) }))
    expect(result.verdict.status).toBe('error')
    expect(blamed(result)).toEqual(everyGelu)
    expect(result.firstDivergent).toBe(`${everyGelu[0]}#0`)
    expect(result.verdict.rule).toContain(everyGelu[0])
  })

  test('in config.json', async () => {
    const result = await comparedEdited({}, { hidden_act: 'gelu_new' })
    expect(blamed(result)).toEqual(everyGelu)
    const gelu = result.operators.find(({ operator }) => operator === 'gelu')
    expect(gelu?.attributes).toEqual({ approximate: { device: 'tanh', reference: 'none' } })
    expect(gelu?.rerun).toContain('--approximate tanh')
    expect(gelu?.rerun).toContain('--against approximate=none')
  })
})

describe('eps 1e-12 for 1e-5', () => {
  test('in the kernel', async () => {
    const wrong = (call: OperatorCall): OperatorCall =>
      call.operator.includes('layer_norm') ? { ...call, attributes: { eps: 1e-12 } } : call
    const result = await compared(faulty({ execute: (call, run) => run(wrong(call)) }))
    expect(result.verdict.status).toBe('error')
    // Where the variance is large eps does not matter.
    expect(blamed(result)).toContain(everyLayerNorm[0])
    expect(everyLayerNorm).toEqual(expect.arrayContaining(blamed(result)))
    expect(result.firstDivergent).toBe(`${everyLayerNorm[0]}#0`)
  })

  test('in config.json, also where nothing shows it', async () => {
    const result = await comparedEdited({}, { layer_norm_eps: 1e-12 })
    const named = result.operators.filter(({ attributes }) => attributes !== undefined)
    expect(named.map(({ id }) => id)).toEqual(everyLayerNorm.map((id) => `${id}#0`))
    expect(named[0]!.attributes).toEqual({ eps: { device: 1e-12, reference: 1e-5 } })
    expect(result.verdict.status).toBe('error')
  })
})

describe('a mask off by one', () => {
  const shifted = (mask: HostElements['data']): void => void mask.copyWithin(1, 0)

  test('in the batch: no operator is at fault', async () => {
    const result = await compared(faulty(inBatch(4, shifted)), { layout: 'padded' })
    expect(result.verdict.status).toBe('error')
    expect(badInputs(result)).toEqual(['paddingMask'])
    expect(result.verdict.rule).toContain('paddingMask')
    expect(blamed(result)).toEqual([])
    expect(result.firstDivergent).toContain(`${layer(0)}.attention.self/attention>softmax`)
  })

  test('in the kernel of softmax', async () => {
    const execute: Fault['execute'] = (call, run) => {
      const [scores, mask] = call.inputs
      if (call.operator !== 'softmax' || mask === undefined) return run(call)
      const data = (mask.storage.slot as Uint8Array).slice()
      const original = mask.storage.slot as Uint8Array
      const kept = original.slice()
      shifted(data)
      original.set(data)
      run({ ...call, inputs: [scores, mask] })
      original.set(kept)
    }
    const result = await compared(faulty({ execute }), { layout: 'padded' })
    expect(badInputs(result)).toEqual([])
    const attention = [0, 1].map((index) => `${layer(index)}.attention.self/attention`)
    expect(blamed(result)).toEqual(attention.flatMap((path) => [`${path}>softmax`, path]))
  })
})

test('position ids off by one', async () => {
  const offByOne = (ids: HostElements['data']): void => {
    for (let i = 0; i < ids.length; i++) ids[i] = Number(ids[i]) + 1
  }
  const result = await compared(faulty(inBatch(1, offByOne)))
  expect(result.verdict.status).toBe('error')
  expect(badInputs(result)).toEqual(['positionIds'])
  expect(blamed(result)).toEqual([])
  expect(result.firstDivergent).toBe('roberta.embeddings.position_embeddings/embedding#0')
})

test('one transposed weight', async () => {
  const name = `${layer(1)}.attention.self.key.weight`
  const size = 320
  const transpose: Edit = (_, index, all) => all[(index % size) * size + Math.floor(index / size)]!
  const result = await comparedEdited({ [name]: transpose })
  expect(result.verdict.status).toBe('error')
  expect(badWeights(result)).toEqual([name])
  expect(blamed(result)).toEqual([`${layer(1)}.attention.self.key/linear`])
  expect(result.firstDivergent).toBe(`${layer(1)}.attention.self.key/linear#0`)
})

describe('one bad row in an embedding', () => {
  const name = 'roberta.embeddings.word_embeddings.weight'
  const spoil = (row: number): Record<string, Edit> => ({
    [name]: (value, index) => (Math.floor(index / 320) === row ? 0 : value),
  })

  test('that a text needs', async () => {
    const tokenizer = await RobertaTokenizer.load(embeddedModelDirectory)
    const token = tokenizer.encode(texts[1]!, { maxLength: 128 }).inputIds[2]!
    const result = await comparedEdited(spoil(token))
    expect(badWeights(result)).toEqual([name])
    expect(blamed(result)).toEqual(['roberta.embeddings.word_embeddings/embedding'])
    expect(result.parameters.different[0]!.judgement.verdict.element?.index).toEqual([token, 0])
  })

  test('that no text needs', async () => {
    const result = await comparedEdited(spoil(7000))
    expect(result.verdict).toMatchObject({ status: 'error' })
    expect(result.verdict.rule).toContain(name)
    expect(blamed(result)).toEqual([])
    expect(result.firstDivergent).toBeUndefined()
  })
})

test('HF32 where float32 was asked for', async (context) => {
  context.skip(!isBuilt, notBuilt)
  const result = await compared(openEmulator({ cubeMathType: 'hf32' }))
  expect(result.device).toMatchObject({ device: 'emulator', isEmulated: true })
  expect(result.device.settings).toMatchObject({ cubeMathType: 'hf32' })
  const products = result.operators.filter(
    ({ operator, isolated }) =>
      ['linear', 'matmul', 'attention'].includes(operator) && isolated!.metrics.maxAbs > 0,
  )
  expect(blamed(result)).toEqual(products.map(({ id }) => id.replace(/#\d+$/, '')))
  expect(products.filter(({ operator }) => operator === 'linear')).toHaveLength(14)
  expect(result.firstDivergent).toBe(`${layer(0)}.attention.self.query/linear#0`)
})

test('NaN from an overflow in float16', async (context) => {
  context.skip(!isBuilt, notBuilt)
  const name = `${layer(0)}.intermediate.dense`
  const directory = join(folder, 'overflow')
  await editedModel(directory, { [`${name}.weight`]: (value) => value * 30_000 })
  const result = await compared(
    openEmulator(),
    {},
    { directory, dtype: 'float16' },
    { directory, dtype: 'float32' },
  )
  expect(result.verdict.status).toBe('error')
  expect(blamed(result)).toEqual([`${name}/linear`])
  expect(result.firstDivergent).toBe(`${name}/linear#0`)
  const linear = result.operators.find(({ id }) => id === `${name}/linear#0`)
  expect(linear!.isolated!.verdict.rule).toContain('NaN or infinities are in different places')
})

test('a stale buffer', async () => {
  // Every second GELU leaves what the one before has written: the second layer's.
  let calls = 0
  let before = newHostArray('float32', 0)
  const execute: Fault['execute'] = (call, run) => {
    if (call.operator !== 'gelu') return run(call)
    const output = call.output.storage.slot as Float32Array
    calls += 1
    if (calls % 2 === 0) return void output.set(before)
    run(call)
    before = output.slice()
  }
  const result = await compared(faulty({ execute }))
  expect(result.verdict.status).toBe('error')
  expect(blamed(result)).toEqual([everyGelu[1]])
  expect(result.firstDivergent).toBe(`${everyGelu[1]}#0`)
})
