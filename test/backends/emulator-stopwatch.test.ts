/**
 * The stopwatch of the NPU backend on the bundled emulator, over both FFI bindings: that it sees each
 * launch, copy and native call once and in order, leaves no event behind, and that each of its calls may fail.
 */
import { beforeEach, expect, it } from 'vitest'
import type { NpuBackend } from '../../src/backends/npu/npu-backend.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import { cases, weights } from '../support/embedded-golden.ts'
import { controls, forEachBinding, onEmulator } from '../support/emulator.ts'

const sequences = cases.slice(8, 10).map(({ input_ids }) => input_ids)

/** A forward of the embedded model on `backend`, as often as `body` wants. */
async function withForward(
  backend: NpuBackend,
  body: (forward: () => Promise<Float64Array[]>) => Promise<void>,
): Promise<void> {
  const model = await loadModel(weights, { backend, dtype: 'float32', warn: expect.unreachable })
  try {
    await body(() => forwardLogits(model, backend, sequences))
  } finally {
    for (const parameter of model.parameters) parameter.dispose()
  }
}

/** How often each name occurs. */
function counts(names: readonly string[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const name of names) sums[name] = (sums[name] ?? 0) + 1
  return sums
}

/** What the emulator counted since the last reset. */
function counted(): Record<string, number> {
  const made = Object.entries(controls.report().calls).filter(([, count]) => count > 0)
  return Object.fromEntries(made)
}

const isEnqueued = (name: string) =>
  /^aclnn(?!.*GetWorkspaceSize)|^aclrtMem(cpy|set)Async$|^aclmdlRIExecuteAsync$/.test(name)

/** Each launch of a plan by itself. */
const options = { graphs: false }

forEachBinding(() => {
  beforeEach(() => controls.reset())

  it.each([true, false])(
    'sees every native call, and every launch and copy in the order of the device; plans: %s',
    (plans) =>
      onEmulator(
        (backend) =>
          withForward(backend, async (forward) => {
            const expected = await forward()
            const stopwatch = await backend.startStopwatch()
            controls.reset()
            expect(await forward()).toEqual(expected)
            const calls = counted()
            const launches = Object.entries(calls).filter(([name]) => isEnqueued(name))
            const all = launches.reduce((sum, [, count]) => sum + count, 0)
            expect(stopwatch.enqueued).toBe(all)
            // Two events around each.
            expect(calls.aclrtRecordEvent).toBe(2 * all)

            const times = await stopwatch.stop()
            expect(counts(times.calls.map(({ symbol }) => symbol))).toEqual(calls)
            expect(counts(times.work.map(({ name }) => name))).toEqual(Object.fromEntries(launches))
            expect(times.work[0]).toMatchObject({ name: 'aclrtMemcpyAsync', operator: undefined })
            expect(times.work[1]).toMatchObject({ name: 'aclnnEmbedding', operator: 'embedding' })
            for (const [at, { begin, end }] of times.work.entries()) {
              expect(end).toBeGreaterThanOrEqual(begin)
              if (at > 0) expect(begin).toBeGreaterThanOrEqual(times.work[at - 1]!.end)
            }
            expect(times.emptySeconds).toBeGreaterThanOrEqual(0)
            expect(times.uncertaintySeconds).toBeGreaterThan(0)
          }),
        { ...options, plans },
      ),
  )

  it('sees a graph as one launch, and nothing of its capture', () =>
    onEmulator((backend) =>
      withForward(backend, async (forward) => {
        const expected = await forward()
        const stopwatch = await backend.startStopwatch()
        controls.reset()
        for (const _ of ['captures', 'launches']) expect(await forward()).toEqual(expected)
        const calls = counted()
        expect(calls).toMatchObject({ aclmdlRICaptureBegin: 1, aclmdlRIExecuteAsync: 2 })
        expect(calls.aclrtRecordEvent).toBe(2 * 6)
        const { work } = await stopwatch.stop()
        const [upload, launch, download] = [
          'aclrtMemcpyAsync',
          'aclmdlRIExecuteAsync',
          'aclrtMemcpyAsync',
        ]
        expect(work.map(({ name }) => name)).toEqual([
          upload,
          launch,
          download,
          upload,
          launch,
          download,
        ])
        expect(work.every(({ operator }) => operator === undefined)).toBe(true)
      }),
    ))

  it('work begins after the call that enqueues it, and ends before the wait for it does', () =>
    onEmulator(
      (backend) =>
        withForward(backend, async (forward) => {
          await forward()
          const stopwatch = await backend.startStopwatch()
          await forward()
          const { work, calls, uncertaintySeconds } = await stopwatch.stop()
          const enqueued = calls.filter(({ symbol }) => isEnqueued(symbol))
          expect(enqueued.map(({ symbol }) => symbol)).toEqual(work.map(({ name }) => name))
          const wait = calls.findLast(({ symbol }) => symbol === 'aclrtSynchronizeStream')!
          for (const [at, { end }] of work.entries()) {
            expect(end).toBeGreaterThan(enqueued[at]!.begin - uncertaintySeconds)
            expect(end).toBeLessThan(wait.end + uncertaintySeconds)
          }
        }),
      options,
    ))

  it('the time of work that is held up is the time that it is held up for', () =>
    onEmulator(
      (backend) =>
        withForward(backend, async (forward) => {
          await forward()
          const stopwatch = await backend.startStopwatch()
          controls.hold(1)
          const running = forward()
          await new Promise((resolve) => setTimeout(resolve, 50))
          controls.hold(0)
          await running
          const { work, calls } = await stopwatch.stop()
          const first = calls.find(({ symbol }) => symbol === 'aclrtMemcpyAsync')!
          // Nothing ran meanwhile, so that all work comes after that.
          expect(work[0]!.begin - first.begin).toBeGreaterThan(0.04)
        }),
      options,
    ))

  it('events are used again, and none is left', () =>
    onEmulator(
      (backend) =>
        withForward(backend, async (forward) => {
          await forward()
          const made: (number | undefined)[] = []
          for (let round = 0; round < 3; round++) {
            controls.reset()
            const stopwatch = await backend.startStopwatch()
            await forward()
            await stopwatch.stop()
            made.push(counted().aclrtCreateEventExWithFlag)
          }
          expect(made).toEqual([controls.report().live.event, undefined, undefined])
          controls.reset()
          await forward()
          expect(counted()).not.toHaveProperty('aclrtRecordEvent')
        }),
      options,
    ))

  it('each call of a stopwatch may fail: a typed error, and the next one is right', () =>
    onEmulator(
      (backend) =>
        withForward(backend, async (forward) => {
          const expected = await forward()
          const measure = async () => {
            const stopwatch = await backend.startStopwatch()
            try {
              expect(await forward()).toEqual(expected)
            } catch (error) {
              await stopwatch.stop().catch(() => {})
              throw error
            }
            return stopwatch.stop()
          }
          for (const [name, calls] of [
            // Once: after that the pool has as many as it takes.
            ['aclrtCreateEventExWithFlag', [9]],
            ['aclrtRecordEvent', [1, 5, 7, 8, 9, 40]],
            ['aclrtSynchronizeEvent', [1, 5]],
            ['aclrtEventElapsedTime', [1, 2, 9]],
          ] as const) {
            for (const n of calls) {
              controls.reset()
              controls.failCall(name, BigInt(n), 507899)
              await expect(measure(), `${name} ${n}`).rejects.toMatchObject({
                name: 'AscendError',
                functionName: name,
              })
              expect(controls.report().violations).toEqual([])
              controls.reset()
              const { work } = await measure()
              expect(work.filter(({ operator }) => operator !== undefined)).toHaveLength(39)
            }
          }
        }),
      options,
    ))
})
