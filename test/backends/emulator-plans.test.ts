/**
 * Plans of the NPU backend on the bundled emulator, over both FFI bindings: what a replay calls, that it
 * computes the same, and when there is none. Graphs are in emulator-graphs.test.ts, failing calls in
 * emulator-faults.test.ts.
 */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { NpuBackend } from '../../src/backends/npu/npu-backend.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import type { RobertaForSequenceClassification } from '../../src/model/roberta.ts'
import {
  add,
  embedding,
  type HostTensor,
  observe,
  runProgram,
  tensor,
} from '../../src/ops/index.ts'
import type { FloatDType } from '../../src/tensor/dtype.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { cases, weights } from '../support/embedded-golden.ts'
import { controls, forEachBinding, onEmulator, openEmulator } from '../support/emulator.ts'

const inputIds = cases.map(({ input_ids }) => input_ids)

async function withModel(
  backend: NpuBackend,
  body: (model: RobertaForSequenceClassification) => Promise<void>,
  dtype: FloatDType = 'float32',
): Promise<void> {
  const model = await loadModel(weights, { backend, dtype, warn: expect.unreachable })
  try {
    await body(model)
  } finally {
    for (const parameter of model.parameters) parameter.dispose()
  }
}

/** Functions that were called since the last reset, and how often. */
function calls(): Record<string, number> {
  const made = Object.entries(controls.report().calls).filter(([, count]) => count > 0)
  return Object.fromEntries(made)
}

const integers = (...data: number[]): HostTensor => ({
  dtype: 'int32',
  shape: [data.length],
  data: Int32Array.from(data),
})

const float = (value: number): HostTensor => ({
  dtype: 'float32',
  shape: [1],
  data: Float32Array.of(value),
})

forEachBinding(() => {
  beforeEach(() => controls.reset())
  afterEach(() => expect(controls.report().violations).toEqual([]))

  it('a replay uploads once, launches each operator, downloads once, waits once, and nothing else', () => {
    const check = (backend: NpuBackend) =>
      withModel(backend, async (model) => {
        const run = () => forwardLogits(model, backend, inputIds.slice(8, 12))
        await run()
        const recorded = calls()
        await run()
        controls.reset()
        await run()
        const launches = Object.entries(recorded).filter(
          ([name]) => name.startsWith('aclnn') && !name.endsWith('GetWorkspaceSize'),
        )
        expect(launches).toHaveLength(11)
        expect(calls()).toEqual({
          ...Object.fromEntries(launches),
          aclrtMemcpyAsync: 2,
          aclrtSynchronizeStream: 1,
        })
        expect(backend.settings).toMatchObject({ plans: 'on', graphs: 'off' })
      })
    return onEmulator(check, { graphs: false })
  })

  it.each(['float32', 'float16', 'bfloat16'] as const)(
    'results are the same bits with and without plans and graphs, in %s',
    async (dtype) => {
      const batches = [8, 16, 8, 24, 16, 8].map((start) => inputIds.slice(start, start + 8))
      const results: Float64Array[][][] = []
      for (const options of [{ plans: false }, { graphs: false }, {}]) {
        const rows: Float64Array[][] = []
        const compute = (backend: NpuBackend) =>
          withModel(
            backend,
            async (model) => {
              for (const batch of batches) rows.push(await forwardLogits(model, backend, batch))
            },
            dtype,
          )
        await onEmulator(compute, options)
        const isPlanned = calls().aclSetAclOpExecutorRepeatable !== undefined
        expect([isPlanned, calls().aclmdlRIExecuteAsync]).toEqual(
          [
            [false, undefined],
            [true, undefined],
            [true, 3],
          ][results.length],
        )
        controls.reset()
        results.push(rows)
      }
      expect(results[1]).toEqual(results[0])
      expect(results[2]).toEqual(results[0])
    },
  )

  it('forwards that are not waited for each get their own result', () =>
    onEmulator((backend) =>
      withModel(backend, async (model) => {
        const batches = [8, 9, 10, 11].map((start) => inputIds.slice(start, start + 1))
        const run = (batch: number[][]) => forwardLogits(model, backend, batch)
        const one: Float64Array[][] = []
        for (const batch of batches) one.push(await run(batch))
        // Nothing begins before everything is enqueued.
        controls.hold(1)
        const all = batches.map(run)
        controls.hold(0)
        expect(await Promise.all(all)).toEqual(one)
      }),
    ))

  it('executors that refuse to be repeated are launched in two phases each time, and counted', () =>
    onEmulator((backend) =>
      withModel(backend, async (model) => {
        const run = () => forwardLogits(model, backend, inputIds.slice(8, 12))
        // The first embedding and the first product.
        controls.failCall('aclSetAclOpExecutorRepeatable', 1n, 561000)
        controls.failCall('aclSetAclOpExecutorRepeatable', 7n, 561000)
        const expected = await run()
        expect(backend.settings.plans).toMatch(
          /^on, 2 of 39 launches one-shot: aclnnEmbedding aclnn\w+$/,
        )
        for (let round = 0; round < 2; round++) {
          controls.reset()
          expect(await run()).toEqual(expected)
          const phase1 = Object.entries(calls()).filter(([name]) => name.endsWith('WorkspaceSize'))
          expect(phase1.map(([, count]) => count)).toEqual([1, 1])
          expect(calls().aclCreateTensor ?? 0).toBe(0)
        }
      }),
    ))

  it('an observer sees every operator, whatever was recorded', () =>
    onEmulator((backend) =>
      withModel(backend, async (model) => {
        const run = () => forwardLogits(model, backend, inputIds.slice(8, 12))
        const expected = await run()
        await run()
        const seen: string[] = []
        {
          using _ = observe({ operator: ({ operator }) => void seen.push(operator) })
          await run()
        }
        expect(seen.filter((operator) => operator === 'add_layer_norm')).toHaveLength(4)
        expect(await run()).toEqual(expected)
      }),
    ))

  it('weights that were given back are in no plan', () =>
    onEmulator(async (backend) => {
      const run = (model: RobertaForSequenceClassification) =>
        forwardLogits(model, backend, inputIds.slice(8, 12))
      let expected: Float64Array[] | undefined
      await withModel(backend, async (model) => {
        expected = await run(model)
        model.parameters[0]!.dispose()
        // The device waits for the last use, and the plan goes.
        await backend.synchronize()
        expect(controls.report().live.executor).toBe(0)
        await expect(run(model)).rejects.toThrow(/was not loaded/)
      })
      await withModel(backend, async (model) => expect(await run(model)).toEqual(expected))
    }))

  it('a program that is given other weights reads those', () =>
    onEmulator(async (backend) => {
      const program = {}
      const weights = [5, 6].map((value) => tensor(backend, 'float32', [1], Float32Array.of(value)))
      for (const weight of weights) {
        using sum = runProgram(backend, program, [float(1)], ([x]) => add(x!, weight))
        expect([...(await sum.numbers())]).toEqual([weight === weights[0] ? 6 : 7])
        weight.dispose()
      }
    }))

  it('indices are checked before each replay', () =>
    onEmulator(async (backend) => {
      {
        using table = tensor(backend, 'float32', [3, 1], Float32Array.of(5, 6, 7))
        const program = {}
        const pick = async (...indices: number[]) => {
          using rows = runProgram(backend, program, [integers(...indices)], ([given]) =>
            embedding(given!, table),
          )
          return [...(await rows.numbers())]
        }
        expect(await pick(0, 2)).toEqual([5, 7])
        controls.reset()
        expect(await pick(1, 1)).toEqual([6, 6])
        expect(calls().aclnnEmbeddingGetWorkspaceSize).toBeUndefined()
        controls.reset()
        await expect(pick(1, 3)).rejects.toMatchObject({ name: 'IndexOutOfRangeError' })
        await expect(pick(-1, 0)).rejects.toMatchObject({ name: 'IndexOutOfRangeError' })
        expect(calls()).toEqual({})
        expect(await pick(2, 1)).toEqual([7, 6])
        expect(calls().aclnnEmbeddingGetWorkspaceSize).toBeUndefined()
      }
    }))

  it('a result that is kept is not overwritten', () =>
    onEmulator(async (backend) => {
      const program = {}
      const twice = (value: number): Tensor =>
        runProgram(backend, program, [float(value)], ([x]) => add(x!, x!))
      {
        using first = twice(1)
        using second = twice(2)
        expect([...(await first.numbers()), ...(await second.numbers())]).toEqual([2, 4])
      }
      using third = twice(3)
      using fourth = twice(4)
      expect([...(await third.numbers()), ...(await fourth.numbers())]).toEqual([6, 8])
    }))

  it('a forward that uploads something itself is not recorded', () =>
    onEmulator(async (backend) => {
      const program = {}
      for (const offset of [10, 20, 30]) {
        using sum = runProgram(backend, program, [float(1)], ([x]) =>
          add(x!, tensor(backend, 'float32', [1], Float32Array.of(offset))),
        )
        expect([...(await sum.numbers())]).toEqual([1 + offset])
      }
      await backend.synchronize()
      expect(controls.report().live.executor).toBe(0)
      // The second and the third time nobody even tries.
      expect(calls().aclSetAclOpExecutorRepeatable).toBe(1)
    }))

  it('plans hold no more memory than they may: the least recently used ones go', async () => {
    const batch = (texts: number) => inputIds.slice(8, 8 + texts)
    let bytes = 0
    await onEmulator((backend) =>
      withModel(backend, async (model) => {
        const before = backend.heldBytes
        await forwardLogits(model, backend, batch(4))
        bytes = backend.heldBytes - before
      }),
    )
    const planMemory = 3 * bytes
    const check = (backend: NpuBackend) =>
      withModel(backend, async (model) => {
        const before = backend.heldBytes
        const records = async (texts: number): Promise<boolean> => {
          controls.reset()
          await forwardLogits(model, backend, batch(texts))
          await backend.synchronize()
          const recorded = calls().aclSetAclOpExecutorRepeatable !== undefined
          if (recorded) expect(backend.heldBytes - before).toBeLessThanOrEqual(planMemory)
          return recorded
        }
        // Smaller ones take less, so three fit.
        expect([await records(4), await records(3), await records(2)]).toEqual([true, true, true])
        expect([await records(4), await records(3), await records(2)]).toEqual([
          false,
          false,
          false,
        ])
        expect(await records(5)).toBe(true)
        expect(await records(4)).toBe(true)
        expect(await records(5)).toBe(false)
        // Too large for any plan: recorded once, and run without one from then on.
        expect(await records(30)).toBe(true)
        expect(await records(30)).toBe(false)
        expect(await records(5)).toBe(false)
      })
    await onEmulator(check, { planMemory })
  })

  it('plans go where memory runs out', () =>
    onEmulator((backend) =>
      withModel(backend, async (model) => {
        const run = () => forwardLogits(model, backend, inputIds.slice(8, 12))
        const expected = await run()
        controls.failCall('aclrtMalloc', 1n, 207001)
        tensor(backend, 'float32', [90_000], new Float32Array(90_000)).dispose()
        expect(controls.report().live.executor).toBe(0)
        expect(await run()).toEqual(expected)
      }),
    ))

  it.each([-1, Number.NaN])('planMemory cannot be %d', (planMemory) => {
    expect(() => openEmulator({ planMemory })).toThrow(/planMemory/)
  })
})
