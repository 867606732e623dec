/**
 * The NPU backend on the bundled emulator when calls fail, over both FFI bindings. It has a process of
 * its own, since what refuses to be destroyed lives as long as the process.
 */
import { beforeEach, expect, it, vi } from 'vitest'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import { attention, tensor } from '../../src/ops/index.ts'
import { cases, weights } from '../support/embedded-golden.ts'
import { controls, forEachBinding, openEmulator } from '../support/emulator.ts'
import { distance } from '../support/logit-distance.ts'

// Leaks are planted here; see ../support/emulator-reports.ts.
vi.hoisted(() => delete process.env.ASCEND_EMULATOR_REPORT)

/**
 * Of each function, so many calls of a forward are made to fail, one at a time. A call through
 * ffi-napi takes ten times longer.
 */
const mostOccurrences = { koffi: 12, 'ffi-napi': 4 }

const sequences = cases.slice(8, 10).map(({ input_ids }) => input_ids)
const truth = cases.slice(8, 10).map(({ logits64 }) => logits64)

/** Memory is kept for reuse; whether all of it comes back shows when the backend is closed. */
function livingHandles(): number {
  return Object.entries(controls.report().live)
    .filter(([kind]) => !kind.endsWith('-memory'))
    .reduce((sum, [, count]) => sum + count, 0)
}

forEachBinding((binding) => {
  beforeEach(() => controls.reset())

  it('each call of a forward may fail: a typed error, nothing left behind, and the next one is right', async () => {
    const before = livingHandles()
    let refused = 0
    const backend = openEmulator({ plans: false })
    try {
      const options = { backend, dtype: 'float32', warn: expect.unreachable } as const
      const model = await loadModel(weights, options)
      const run = () => forwardLogits(model, backend, sequences)
      await run()
      await run()
      controls.reset()
      await run()
      const { calls } = controls.report()
      expect(Object.keys(calls)).toContain('aclnnAddLayerNorm')
      const living = livingHandles()
      for (const [name, count] of Object.entries(calls)) {
        for (let n = 1; n <= Math.min(count, mostOccurrences[binding]); n++) {
          const label = `${name} ${n} of ${count}`
          controls.reset()
          controls.failCall(name, BigInt(n), 507899)
          const failure = await run().then(
            () => undefined,
            (error: unknown) => error,
          )
          expect(failure, label).toMatchObject({ name: 'AscendError', functionName: name })
          // What refuses to be destroyed lives on; everything else is gone.
          if (name.startsWith('aclDestroy')) refused += 1
          expect(livingHandles() - living, label).toBe(refused)
          expect(controls.report().violations).toEqual([])
          expect(distance(await run(), truth), `after ${label}`).toBeLessThan(1e-4)
        }
      }
      for (const parameter of model.parameters) parameter.dispose()
    } finally {
      await backend.close()
    }
    const kinds = controls.report().violations.map(({ kind }) => kind)
    expect(kinds).toEqual(new Array(refused).fill('leak'))
    expect(livingHandles() - before).toBe(refused)
    const { live } = controls.report()
    expect([live['device-memory'], live['host-memory']]).toEqual([0, 0])
  }, 300_000)

  it('a list of tensors that refuses to be destroyed keeps them, and nothing else', async () => {
    const before = livingHandles()
    const backend = openEmulator({ aclnn: ['aclnnFusedInferAttentionScoreV3'] })
    {
      using x = tensor(backend, 'float16', [2, 16], new Uint16Array(32))
      controls.failCall('aclDestroyTensorList', 1n, 507899)
      expect(() => attention(x, x, x, undefined, { numHeads: 1, lengths: [2] })).toThrow(
        expect.objectContaining({ functionName: 'aclDestroyTensorList' }),
      )
    }
    await backend.close()
    expect(livingHandles() - before).toBe(2)
  })

  it('each call of recording, replaying and destroying a plan may fail: the plan goes, and the next forward is right', async () => {
    const before = livingHandles()
    let [refused, lost] = [0, 0]
    const backend = openEmulator({ graphs: false })
    try {
      const options = { backend, dtype: 'float32', warn: expect.unreachable } as const
      const model = await loadModel(weights, options)
      const run = () => forwardLogits(model, backend, sequences)
      const callsOf = async (forward: () => Promise<unknown>) => {
        controls.reset()
        await forward()
        return controls.report().calls
      }
      const failing = async (name: string, n: number, phase: string) => {
        const label = `${name} ${n}, ${phase}`
        controls.reset()
        controls.failCall(name, BigInt(n), 507899)
        await expect(run(), label).rejects.toMatchObject({
          name: 'AscendError',
          functionName: name,
        })
        if (name.startsWith('aclDestroy')) refused += 1
        if (name === 'aclrtFree') lost += 1
      }
      const isRight = async (label: string) => {
        controls.reset()
        expect(distance(await run(), truth), label).toBeLessThan(1e-4)
        expect(livingHandles() - living, label).toBe(refused)
        expect(controls.report().violations).toEqual([])
      }
      const drop = async () => {
        controls.failCall('aclnnTanh', 1n, 507899)
        await run().catch(() => {})
      }
      await run()
      await run()
      const living = livingHandles()
      const replaying = await callsOf(run)
      await drop()
      // The one that was dropped is destroyed when the next wait is over.
      const recording = await callsOf(run)
      expect(recording).toMatchObject({ aclDestroyAclOpExecutor: 39, aclnnTanhGetWorkspaceSize: 1 })
      const each = function* (calls: Readonly<Record<string, number>>) {
        for (const [name, count] of Object.entries(calls)) {
          for (let n = 1; n <= Math.min(count, mostOccurrences[binding]); n++)
            yield [name, n] as const
        }
      }
      for (const [name, n] of each(replaying)) {
        await failing(name, n, 'replaying')
        await isRight(`after ${name} ${n}, replaying`)
        // A download is no part of the plan.
        if (name.startsWith('aclrtMemcpy')) continue
        expect(controls.report().calls.aclSetAclOpExecutorRepeatable).toBe(39)
      }
      for (const [name, n] of each(recording)) {
        await drop()
        await failing(name, n, 'recording')
        await isRight(`after ${name} ${n}, recording`)
      }
      for (const parameter of model.parameters) parameter.dispose()
    } finally {
      await backend.close()
    }
    const kinds = controls.report().violations.map(({ kind }) => kind)
    expect(kinds).toEqual(new Array(refused + lost).fill('leak'))
    expect(livingHandles() - before).toBe(refused)
  }, 300_000)

  it('each call of capturing, launching and destroying a graph may fail: there is none, or the plan goes, and the next forward is right', async () => {
    const before = livingHandles()
    const backend = openEmulator()
    const options = { backend, dtype: 'float32', warn: expect.unreachable } as const
    const model = await loadModel(weights, options)
    const run = () => forwardLogits(model, backend, sequences)
    const isRight = async (label: string) => {
      controls.reset()
      expect(distance(await run(), truth), label).toBeLessThan(1e-4)
      expect(controls.report().violations).toEqual([])
      return controls.report().calls
    }
    /** The upload of a replay fails, and the next forward is recorded. */
    const recordAnew = async (label: string) => {
      controls.reset()
      controls.failCall('aclrtMemcpyAsync', 1n, 507899)
      await expect(run(), label).rejects.toMatchObject({ functionName: 'aclrtMemcpyAsync' })
      expect(await isRight(label)).toMatchObject({ aclnnTanhGetWorkspaceSize: 1 })
    }
    await run()
    const capturing = await isRight('capturing')
    const launching = await isRight('launching')
    await recordAnew('at first')
    const living = livingHandles()
    for (const [phase, calls] of Object.entries({ capturing, launching })) {
      for (const [name, count] of Object.entries(calls)) {
        // Once, before the first graph: emulator-graphs.test.ts.
        if (name === 'aclrtCreateStream' || name === 'aclrtMallocHost') continue
        for (let n = 1; n <= Math.min(count, mostOccurrences[binding]); n++) {
          const label = `${name} ${n}, ${phase}`
          if (phase === 'launching') await isRight(`before ${label}`)
          controls.reset()
          controls.failCall(name, BigInt(n), 507899)
          if (/^aclnn|^aclmdlRICapture/.test(name)) {
            expect(distance(await run(), truth), label).toBeLessThan(1e-4)
            expect(controls.report().live.graph, label).toBe(0)
          } else {
            const failure = { name: 'AscendError', functionName: name }
            await expect(run(), label).rejects.toMatchObject(failure)
          }
          await isRight(`after ${label}`)
          await recordAnew(`after ${label}`)
          expect(livingHandles(), label).toBe(living)
        }
      }
    }
    await isRight('before destroying')
    controls.reset()
    controls.failCall('aclmdlRIExecuteAsync', 1n, 507899)
    await expect(run()).rejects.toMatchObject({ functionName: 'aclmdlRIExecuteAsync' })
    controls.failCall('aclmdlRIDestroy', 1n, 507899)
    await expect(run()).rejects.toMatchObject({ functionName: 'aclmdlRIDestroy' })
    await isRight('after destroying')
    for (const parameter of model.parameters) parameter.dispose()
    controls.failCall('aclrtDestroyStream', 1n, 507899)
    await expect(backend.close()).rejects.toMatchObject({ functionName: 'aclrtDestroyStream' })
    // What refused to be destroyed ends with its device.
    const { violations, live } = controls.report()
    expect(violations.map(({ kind }) => kind)).toEqual(['leak', 'leak'])
    expect(livingHandles() - before).toBe(0)
    expect([live['device-memory'], live['host-memory']]).toEqual([0, 0])
  }, 300_000)
})
