/**
 * Random sequences of shapes, evictions, errors and restarts on the NPU backend over the bundled
 * emulator: results are the bits that a backend without plans gives, with and without graphs, the emulator sees no violation, and
 * nothing lives at the end.
 */
import * as fc from 'fast-check'
import { beforeEach, expect, it } from 'vitest'
import type { NpuBackend } from '../../src/backends/npu/npu-backend.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import type { RobertaForSequenceClassification } from '../../src/model/roberta.ts'
import { observe } from '../../src/ops/index.ts'
import { cases, weights } from '../support/embedded-golden.ts'
import { controls, forEachBinding, onEmulator } from '../support/emulator.ts'

/** Texts of 16, 32 or 48 rows when padded. */
const texts = cases
  .map(({ input_ids }) => input_ids)
  .filter(({ length }) => length <= 48)
  .sort((a, b) => a.length - b.length)

/** Calls that fail in one way or another: of a recording, of a capture, of a replay, of a wait. */
const fallible = [
  'aclmdlRICaptureBegin',
  'aclmdlRICaptureEnd',
  'aclmdlRIExecuteAsync',
  'aclCreateTensor',
  'aclSetAclOpExecutorRepeatable',
  'aclnnAddmmGetWorkspaceSize',
  'aclnnAddmm',
  'aclrtMalloc',
  'aclrtMemcpyAsync',
  'aclrtSynchronizeStream',
]

const batch = fc.record({
  start: fc.nat(texts.length - 1),
  count: fc.integer({ min: 1, max: 3 }),
})
type Batch = typeof batch extends fc.Arbitrary<infer B> ? B : never

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('forward' as const), batch }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('together' as const),
      batches: fc.array(batch, { minLength: 2, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('failure' as const),
      batch,
      name: fc.constantFrom(...fallible),
      n: fc.integer({ min: 1, max: 20 }),
      // Some are no failure: a refused executor, memory that is there at the second attempt.
      code: fc.constantFrom(507899, 561000, 207001),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      batch,
      n: fc.integer({ min: 1, max: 14 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('observed' as const), batch }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
)

/** What `run` gives without plans, by batch. */
const expected = new Map<string, Float64Array[]>()
const sequencesOf = ({ start, count }: Batch) => texts.slice(start, start + count)

const load = (backend: NpuBackend) =>
  loadModel(weights, { backend, dtype: 'float32', warn: expect.unreachable })

function unload(model: RobertaForSequenceClassification): void {
  for (const parameter of model.parameters) parameter.dispose()
}

async function learn(batches: readonly Batch[]): Promise<void> {
  const missing = batches.filter((some) => !expected.has(JSON.stringify(some)))
  if (missing.length === 0) return
  const compute = async (backend: NpuBackend) => {
    const model = await load(backend)
    for (const some of missing) {
      expected.set(JSON.stringify(some), await forwardLogits(model, backend, sequencesOf(some)))
    }
    unload(model)
  }
  await onEmulator(compute, { plans: false })
}

forEachBinding((binding) => {
  beforeEach(() => controls.reset())

  it('results are those without plans, whatever comes in which order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 25 }),
        // From none to all.
        fc.constantFrom(0, 3e6, 8e6, 1e9),
        fc.boolean(),
        async (steps, planMemory, graphs) => {
          await learn(
            steps.flatMap((one) =>
              'batch' in one ? [one.batch] : 'batches' in one ? one.batches : [],
            ),
          )
          const play = async (backend: NpuBackend) => {
            let model = await load(backend)
            const run = (some: Batch) => forwardLogits(model, backend, sequencesOf(some))
            const check = async (some: Batch) =>
              expect(await run(some)).toEqual(expected.get(JSON.stringify(some)))
            for (const one of steps) {
              controls.reset()
              switch (one.kind) {
                case 'forward':
                  await check(one.batch)
                  break
                case 'together':
                  await Promise.all(one.batches.map(check))
                  break
                case 'failure':
                  controls.failCall(one.name, BigInt(one.n), one.code)
                  await check(one.batch).catch((error: unknown) =>
                    expect(error).toMatchObject({ name: 'AscendError', functionName: one.name }),
                  )
                  break
                case 'fault':
                  controls.faultCall('aclnnAddmm', BigInt(one.n), 507015)
                  controls.faultCall('aclmdlRIExecuteAsync', 1n, 507015)
                  // 507011 is of a task inside of a graph.
                  await expect(run(one.batch)).rejects.toMatchObject({
                    code: expect.toBeOneOf([507015, 507011]),
                  })
                  break
                case 'observed': {
                  using _ = observe({})
                  await run(one.batch)
                  break
                }
                case 'restart':
                  unload(model)
                  model = await load(backend)
              }
              expect(controls.report().violations).toEqual([])
            }
            controls.reset()
            unload(model)
          }
          await onEmulator(play, { planMemory, graphs })
        },
      ),
      { numRuns: binding === 'koffi' ? 30 : 4 },
    )
  }, 300_000)
})
