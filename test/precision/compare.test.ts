/** `compare` where nothing is wrong: no false alarm; and what it counts, bounds and refuses. */
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { CpuBackend } from '../../src/backends/cpu/cpu-backend.ts'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { embeddedModelDirectory } from '../../src/model/locate.ts'
import { tokenBatch } from '../../src/model/token-batch.ts'
import type { Backend } from '../../src/ops/index.ts'
import { type CompareOptions, compareSubjects } from '../../src/precision/compare/compare.ts'
import { Pairs } from '../../src/precision/compare/pairs.ts'
import { record } from '../../src/precision/compare/tape.ts'
import { finalVerdict } from '../../src/precision/compare/verdict.ts'
import { leakedStorageCount } from '../../src/tensor/storage.ts'
import { isBuilt, openEmulator } from '../support/emulator.ts'
import { alarms, everyStandard } from '../support/every-standard.ts'
import { FaultyBackend } from '../support/faulty-backend.ts'
import { subjectOn } from '../support/subject.ts'

const texts = ['I am so happy today!', 'Thank you so much.', 'That is disgusting.', 'no']
const notBuilt = 'needs npm run build:emulator'

interface Sides {
  readonly device: Parameters<typeof subjectOn>[1]
  readonly reference: Parameters<typeof subjectOn>[1]
}

async function compared(
  device: Backend,
  options: Partial<CompareOptions> = {},
  sides: Partial<Sides> = {},
) {
  await using ours = await subjectOn(device, sides.device)
  await using theirs = await subjectOn(new ReferenceBackend(), sides.reference)
  return await compareSubjects(ours, theirs, { texts, standard: everyStandard, ...options })
}

describe('reference against reference', () => {
  test.each(['packed', 'padded'] as const)('%s: zero everywhere', async (layout) => {
    const result = await compared(new ReferenceBackend(), { layout, batchSize: 3 })
    expect(alarms(result)).toEqual([])
    const { operators, modules } = result
    const errors = [
      result.logits.maxAbs,
      result.probabilities.maxAbs,
      ...operators.flatMap(({ cascaded, isolated }) => [
        cascaded!.metrics.maxAbs,
        isolated!.metrics.maxAbs,
      ]),
      ...operators
        .filter(({ within }) => within === undefined)
        .map(({ grafted }) => grafted!.maxLogitError),
      ...modules.flatMap(({ metrics, grafted }) => [metrics.maxAbs, grafted?.maxLogitError ?? 0]),
    ]
    expect(new Set(errors)).toEqual(new Set([0]))
    expect(result.agreement).toMatchObject({ meanCosine: 1, mae: 0, top1: 1, top3InOrder: 1 })
    expect(result.agreement.flips).toEqual([])
    expect(result.parameters).toEqual({ compared: 41, different: [] })
    expect(result.inputs.map(({ name }) => name)).toEqual([
      'inputIds',
      'positionIds',
      'tokenTypeIds',
      'firstRows',
      ...(layout === 'padded' ? ['paddingMask'] : []),
    ])
    expect([result.firstDivergent, result.unmatched]).toEqual([undefined, []])
    // 3 embeddings, 2 sums, a layer norm; 10 operators a layer; and the head of 4.
    expect(result.grafts).toEqual({ done: 6 + 2 * 10 + 4, leftOut: 0 })
  })
})

describe('no false alarm on the embedded model, by any standard', () => {
  test('cpu against the reference', async () => {
    const result = await compared(new CpuBackend())
    expect(alarms(result)).toEqual([])
    expect(result.logits.maxAbs).toBeGreaterThan(0)
    const attention = result.operators.find(({ operator }) => operator === 'attention')
    expect(attention?.fused).toEqual({ device: true, reference: false })
  })

  test.for(['float32', 'float16', 'bfloat16'] as const)(
    'the emulator in %s against the reference in the same',
    async (dtype, context) => {
      context.skip(!isBuilt, notBuilt)
      const result = await compared(
        openEmulator(),
        { standard: 'three-way' },
        { device: { dtype }, reference: { dtype } },
      )
      expect(alarms(result)).toEqual([])
    },
  )

  test('the emulator in float32 against the reference, by all standards', async (context) => {
    context.skip(!isBuilt, notBuilt)
    const result = await compared(openEmulator())
    expect(alarms(result)).toEqual([])
  })

  test('the emulator in float16 against the reference in float32', async (context) => {
    context.skip(!isBuilt, notBuilt)
    const result = await compared(
      openEmulator(),
      { standard: 'three-way' },
      { device: { dtype: 'float16' } },
    )
    expect(alarms(result)).toEqual([])
    // Rounding to float16 alone moves logits, operator by operator.
    expect(
      result.operators.find(({ operator }) => operator === 'gelu')?.grafted?.maxLogitError,
    ).toBeGreaterThan(0)
  })

  test('cpu in float32 against the reference in bfloat16, which is the coarser one', async () => {
    const result = await compared(
      new CpuBackend(),
      { standard: 'three-way' },
      { reference: { dtype: 'bfloat16' } },
    )
    expect(alarms(result)).toEqual([])
  })
})

describe('what is counted and bounded', () => {
  test('of the operators only those with the largest errors are grafted', async () => {
    const result = await compared(new CpuBackend(), { grafts: 3, standard: 'strict' })
    const whole = result.operators.filter(({ within }) => within === undefined)
    const errorOf = ({ isolated }: (typeof whole)[number]) => isolated!.metrics.relativeL2
    const withError = whole.filter((one) => errorOf(one) > 0)
    const grafted = withError.filter((one) => one.grafted !== undefined)
    const most = [...withError].sort((a, b) => errorOf(b) - errorOf(a)).slice(0, 3)
    expect(new Set(grafted)).toEqual(new Set(most))
    expect(result.grafts).toEqual({
      done: 30 - withError.length + 3,
      leftOut: withError.length - 3,
    })
  })

  test('nothing stays behind, also where a device fails on the way', async () => {
    const [ours, theirs] = [new ReferenceBackend(), new ReferenceBackend()]
    let calls = 0
    const failing = new FaultyBackend(ours, {
      execute: (call, run) => {
        calls += 1
        if (calls === 60) throw new Error('lost')
        run(call)
      },
    })
    await using device = await subjectOn(failing)
    await using reference = await subjectOn(theirs)
    const weights = [ours.heldBytes, theirs.heldBytes]
    await expect(compareSubjects(device, reference, { texts: ['no'] })).rejects.toThrow('lost')
    expect([ours.heldBytes, theirs.heldBytes]).toEqual(weights)
    await compareSubjects(device, reference, { texts: ['no'] })
    expect([ours.heldBytes, theirs.heldBytes]).toEqual(weights)
    expect(leakedStorageCount()).toBe(0)
  })

  test('at most 5000 pairs are sampled, of logits and of hidden values', async () => {
    const { sample } = await compared(new ReferenceBackend(), { modes: ['cascaded'] })
    const logits = texts.length * 28
    expect(sample.length).toBeGreaterThan(logits)
    expect(sample.length).toBeLessThanOrEqual(logits + 2500)
  })
})

describe('fails closed', () => {
  test('what has another shape has no counterpart, which is an error', async () => {
    await using subject = await subjectOn(new ReferenceBackend())
    const sequences = texts.map((text) => subject.encode(text).inputIds)
    using all = await record(subject, tokenBatch(sequences, 'packed', 1))
    using some = await record(subject, tokenBatch(sequences.slice(1), 'packed', 1))
    const { unmatched } = new Pairs(some, all)
    expect(unmatched[0]).toMatch(/word_embeddings\/embedding#0 \(\[\d+, 320\] on the device, /)
    expect(unmatched.some((what) => what.endsWith('(only on the reference)'))).toBe(true)
    const result = await compared(new ReferenceBackend(), { texts: ['no'], standard: 'strict' })
    expect(finalVerdict({ ...result, unmatched })).toMatchObject({ status: 'error' })
  })

  test.each([
    ['no texts', { texts: [] }, 'texts: there are none'],
    ['no modes', { modes: [] }, 'modes: none is no mode'],
    ['a standard there is not', { standard: 'mine' }, "no standard 'mine'"],
    ['a threshold there is not', { threshold: 2 }, 'threshold: 2 is not'],
    ['half a graft', { grafts: 0.5 }, 'grafts: 0.5 is not'],
    ['a batch of nothing', { batchSize: 0 }, 'batch-size: 0 is not'],
  ])('%s', async (_, options, words) => {
    await expect(compared(new ReferenceBackend(), options)).rejects.toThrow(words)
  })

  test('two models that are not made alike', async () => {
    const directory = fileURLToPath(new URL('../golden/variants/gelu-new', import.meta.url))
    const sides = { reference: { directory, tokenizerOf: embeddedModelDirectory } }
    await expect(compared(new ReferenceBackend(), {}, sides)).rejects.toThrow(
      /models: .* is not the same on both sides/,
    )
  })
})
