/** `compare` where nothing is wrong: no false alarm; and what it counts, bounds and refuses. */
import { describe, expect, test } from 'vitest'
import { CpuBackend } from '../../src/backends/cpu/cpu-backend.ts'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import type { Backend } from '../../src/ops/index.ts'
import { type CompareOptions, compareSubjects } from '../../src/precision/compare/compare.ts'
import { isBuilt, openEmulator } from '../support/emulator.ts'
import { alarms, everyStandard } from '../support/every-standard.ts'
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
