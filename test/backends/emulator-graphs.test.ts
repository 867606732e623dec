/**
 * Graphs of the NPU backend on the bundled emulator, over both FFI bindings: what capturing and
 * launching one calls, when there is none, and why not. That results are the same bits is in
 * emulator-plans.test.ts, failing calls are in emulator-faults.test.ts.
 */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { NpuBackend } from '../../src/backends/npu/npu-backend.ts'
import type { CannFunctionName } from '../../src/ffi/functions.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import type { RobertaForSequenceClassification } from '../../src/model/roberta.ts'
import { tensor } from '../../src/ops/index.ts'
import { cases, weights } from '../support/embedded-golden.ts'
import { controls, forEachBinding, onEmulator, openLacking } from '../support/emulator.ts'

const inputIds = cases.map(({ input_ids }) => input_ids)

/** `run` computes the logits of four texts, or of others. */
type Run = (sequences?: number[][]) => Promise<Float64Array[]>

async function withModel(
  backend: NpuBackend,
  body: (run: Run, model: RobertaForSequenceClassification) => Promise<void>,
): Promise<void> {
  const options = { backend, dtype: 'float32', warn: expect.unreachable } as const
  const model = await loadModel(weights, options)
  try {
    await body(
      (sequences = inputIds.slice(8, 12)) => forwardLogits(model, backend, sequences),
      model,
    )
  } finally {
    for (const parameter of model.parameters) parameter.dispose()
  }
}

/** Functions that `run` calls, and how often. */
async function callsOf(run: () => Promise<unknown>): Promise<Record<string, number>> {
  controls.reset()
  await run()
  const made = Object.entries(controls.report().calls).filter(([, count]) => count > 0)
  return Object.fromEntries(made)
}

/** To the device, and back. */
const steady = { aclrtMemcpyAsync: 2, aclrtSynchronizeStream: 1 }

forEachBinding(() => {
  beforeEach(() => controls.reset())
  afterEach(() => expect(controls.report().violations).toEqual([]))

  it('a forward uploads once, launches one graph, downloads once, waits once, and nothing else', () =>
    onEmulator((backend) =>
      withModel(backend, async (run) => {
        const recording = await callsOf(run)
        const operators = Object.fromEntries(
          Object.entries(recording).filter(([name]) => /^aclnn(?!.*GetWorkspaceSize)/.test(name)),
        )
        expect(operators).toMatchObject({ aclnnAddmm: 14, aclnnTanh: 1 })
        expect(recording.aclmdlRICaptureBegin).toBeUndefined()
        // The second one captures what the first one has launched.
        expect(await callsOf(run)).toEqual({
          ...operators,
          ...steady,
          // The first upload to memory that work has used goes through pinned memory.
          aclrtMallocHost: 1,
          aclrtCreateStream: 1,
          aclmdlRICaptureBegin: 1,
          aclmdlRICaptureEnd: 1,
          aclmdlRIExecuteAsync: 1,
        })
        for (let round = 0; round < 2; round++) {
          expect(await callsOf(run)).toEqual({ ...steady, aclmdlRIExecuteAsync: 1 })
        }
        expect(backend.settings).toMatchObject({ plans: 'on', graphs: 'on' })
        // Another plan is captured on the same stream.
        await run(inputIds.slice(8, 9))
        const other = await callsOf(() => run(inputIds.slice(8, 9)))
        expect(other).toMatchObject({ aclmdlRICaptureBegin: 1 })
        expect(other).not.toHaveProperty('aclrtCreateStream')
        expect(controls.report().live).toMatchObject({ graph: 2, stream: 2 })
      }),
    ))

  it('is captured while a thread begins to wait for the work before it', () =>
    onEmulator((backend) =>
      withModel(backend, async (run) => {
        const batches = [1, 2, 3, 4].map((count) => inputIds.slice(8, 8 + count))
        const one: Float64Array[][] = []
        for (const batch of batches) one.push(await run(batch))
        // The wait of each begins while the next one is captured.
        expect(await Promise.all(batches.map(run))).toEqual(one)
        expect(controls.report().live.graph).toBe(4)
        expect(backend.settings.graphs).toBe('on')
      }),
    ))

  it('goes with its plan', () =>
    onEmulator((backend) =>
      withModel(backend, async (run, model) => {
        await run()
        await run()
        expect(controls.report().live.graph).toBe(1)
        model.parameters[0]!.dispose()
        // Others may still use it until the next wait is over.
        expect(controls.report().live.graph).toBe(1)
        await backend.synchronize()
        expect(controls.report().live).toMatchObject({ graph: 0, executor: 0 })
      }),
    ))

  it('an executor that cannot be repeated is in no graph', () =>
    onEmulator((backend) =>
      withModel(backend, async (run) => {
        // The first product of the first plan.
        controls.failCall('aclSetAclOpExecutorRepeatable', 7n, 561000)
        const expected = await run()
        expect(await run()).toEqual(expected)
        expect(controls.report().live.graph).toBe(0)
        expect(backend.settings.graphs).toMatch(/^off: aclnn\w+ cannot be repeated$/)
        await run(inputIds.slice(8, 9))
        await run(inputIds.slice(8, 9))
        expect(backend.settings.graphs).toMatch(
          /^on, 1 of 2 plans without: aclnn\w+ cannot be repeated$/,
        )
      }),
    ))

  it.each([
    'aclmdlRICaptureBegin',
    'aclmdlRICaptureEnd',
    'aclmdlRIExecuteAsync',
    'aclmdlRIDestroy',
  ] as const)('without %s plans are replayed step by step', async (missing: CannFunctionName) => {
    const backend = openLacking(missing)
    try {
      await withModel(backend, async (run) => {
        const expected = await run()
        expect(await run()).toEqual(expected)
        expect(await callsOf(run)).toMatchObject({ ...steady, aclnnAddmm: 14 })
        expect(backend.settings).toMatchObject({
          plans: 'on',
          graphs: `off: there is no ${missing}`,
        })
      })
    } finally {
      await backend.close()
    }
  })

  it.each(['aclrtCreateStream', 'aclmdlRICaptureBegin', 'aclmdlRICaptureEnd', 'aclnnTanh'])(
    'where %s fails the plan is replayed step by step, and the settings say why',
    (name) =>
      onEmulator((backend) =>
        withModel(backend, async (run) => {
          const expected = await run()
          controls.failCall(name, 1n, 507899)
          expect(await run()).toEqual(expected)
          expect(await callsOf(run)).toMatchObject({ ...steady, aclnnAddmm: 14 })
          expect(backend.settings.graphs).toBe(`off: ${name} failed with code 507899`)
          // That says nothing of other plans.
          await run(inputIds.slice(8, 9))
          await run(inputIds.slice(8, 9))
          expect(controls.report().live.graph).toBe(1)
        }),
      ),
  )

  it.each([
    ['that ends at the second attempt', ['aclmdlRICaptureEnd'], 0],
    ['that ends after the next wait', ['aclmdlRICaptureEnd', 'aclmdlRICaptureEnd'], 1],
    ['that an operator has stopped', ['aclnnTanh', 'aclmdlRICaptureEnd'], 1],
  ])('nothing stays in a capture %s', (_, names, streams) =>
    onEmulator((backend) =>
      withModel(backend, async (run) => {
        const expected = await run()
        controls.reset()
        const failed: Record<string, bigint> = {}
        for (const name of names) {
          failed[name] = (failed[name] ?? 0n) + 1n
          controls.failCall(name, failed[name], 507899)
        }
        expect(await run()).toEqual(expected)
        expect(backend.settings.graphs).toBe(`off: ${names[0]} failed with code 507899`)
        expect(controls.report().live).toMatchObject({ graph: 0, stream: 2 - streams })
        // A plain copy, which a capture in this thread would refuse.
        tensor(backend, 'float32', [2 ** 20], new Float32Array(2 ** 20)).dispose()
        // Another plan is captured, on a new stream where the old one is gone.
        await run(inputIds.slice(8, 9))
        const other = await callsOf(() => run(inputIds.slice(8, 9)))
        expect(other).toMatchObject({ aclmdlRICaptureEnd: 1, aclmdlRIExecuteAsync: 1 })
        expect(other.aclrtCreateStream ?? 0).toBe(streams)
        expect(controls.report().live).toMatchObject({ graph: 1, stream: 2 })
      }),
    ),
  )
})
