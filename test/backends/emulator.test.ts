/**
 * The NPU backend on the bundled emulator: every operator of the catalogue, the embedded model, what
 * waits, what fails, and what a run leaves behind. Nothing here has run on an NPU.
 *
 * The backend comes from `dist`, which `npm test` builds first, since Node 20 cannot run the thread
 * that waits from TypeScript. Set ROBERTA_ASCEND_FFI for the other binding.
 */
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { NpuBackend } from '../../src/backends/npu/npu-backend.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import { add, cast, embedding, matmul, permute, slice, tensor } from '../../src/ops/index.ts'
import { emulatorControls } from '../support/emulator-controls.ts'
import { operatorSuite } from '../support/operator-suite.ts'

const built = new URL('../../dist/backends/npu/open-npu.js', import.meta.url).href
const { emulatorRoot, openEmulator } = (await import(
  built
)) as typeof import('../../src/backends/npu/open-npu.ts')

const isBuilt = existsSync(emulatorRoot)

const weights = fileURLToPath(new URL('../../weights/roberta-tiny-go_emotions', import.meta.url))
const golden = JSON.parse(
  readFileSync(new URL('../fixtures/roberta-tiny-golden.json', import.meta.url), 'utf8'),
) as { cases: { input_ids: number[]; logits64: number[] }[] }

function largestDifference(rows: readonly ArrayLike<number>[], cases: typeof golden.cases): number {
  return rows.reduce(
    (most, row, i) =>
      cases[i]!.logits64.reduce((max, x, j) => Math.max(max, Math.abs(x - row[j]!)), most),
    0,
  )
}

describe.skipIf(!isBuilt)('the emulator (npm run build:emulator)', () => {
  const controls = isBuilt ? emulatorControls(emulatorRoot) : undefined!
  beforeEach(() => controls.reset())

  /** Runs `body` and closes the backend, whatever happens; then nothing may be left. */
  async function onEmulator(body: (backend: NpuBackend) => Promise<void>): Promise<void> {
    const backend = openEmulator()
    try {
      await body(backend)
    } finally {
      await backend.close()
    }
    const { violations, live } = controls.report()
    expect(violations).toEqual([])
    expect(Object.entries(live).filter(([, count]) => count > 0)).toEqual([])
  }

  describe('operators', () => {
    operatorSuite('emulator', () => openEmulator())
    afterEach(() => expect(controls.report().violations).toEqual([]))
  })

  describe('the embedded model', () => {
    // Seen: 3.4e-6, 0.0038, 0.037.
    it.each([
      ['float32', 'padded', 1e-4],
      ['float32', 'packed', 1e-4],
      ['float16', 'padded', 0.008],
      ['float16', 'packed', 0.008],
      ['bfloat16', 'padded', 0.08],
      ['bfloat16', 'packed', 0.08],
    ] as const)('gives the golden logits in %s, %s', (dtype, layout, tolerance) =>
      onEmulator(async (backend) => {
        const model = await loadModel(weights, { backend, dtype, warn: expect.unreachable })
        for (let start = 0; start < golden.cases.length; start += 8) {
          const cases = golden.cases.slice(start, start + 8)
          const sequences = cases.map(({ input_ids }) => input_ids)
          const rows = await forwardLogits(model, backend, sequences, layout)
          expect(largestDifference(rows, cases)).toBeLessThan(tolerance)
        }
        for (const parameter of model.parameters) parameter.dispose()
      }),
    )

    it('waits once for a forward, and takes no new memory for one like the last', () =>
      onEmulator(async (backend) => {
        const model = await loadModel(weights, {
          backend,
          dtype: 'float32',
          warn: expect.unreachable,
        })
        const sequences = golden.cases.slice(8, 12).map(({ input_ids }) => input_ids)
        await forwardLogits(model, backend, sequences)
        await forwardLogits(model, backend, sequences)
        const held = backend.heldBytes
        controls.reset()
        await forwardLogits(model, backend, sequences)
        const { calls } = controls.report()
        const waits = Object.entries(calls).filter(([name, n]) => /Synchronize/.test(name) && n > 0)
        expect(waits).toEqual([['aclrtSynchronizeStream', 1]])
        expect(calls.aclrtMalloc ?? 0).toBe(0)
        expect(backend.heldBytes).toBe(held)
        for (const parameter of model.parameters) parameter.dispose()
      }))

    it('any call of a forward may fail: a typed error, and the next forward is right', () =>
      onEmulator(async (backend) => {
        const options = { backend, dtype: 'float32', warn: expect.unreachable } as const
        const model = await loadModel(weights, options)
        const cases = golden.cases.slice(8, 10)
        const sequences = cases.map(({ input_ids }) => input_ids)
        await forwardLogits(model, backend, sequences)
        controls.reset()
        await forwardLogits(model, backend, sequences)
        // Destroying cannot fail, and fetching the message is part of failing.
        const names = Object.entries(controls.report().calls)
          .filter(([name, n]) => n > 0 && !/Destroy|ErrMsg/.test(name))
          .map(([name]) => name)
        expect(names).toContain('aclCreateTensor')
        for (const name of names) {
          for (const n of [1n, 2n]) {
            controls.reset()
            controls.failCall(name, n, 507899)
            const failure = await forwardLogits(model, backend, sequences).then(
              () => undefined,
              (error: unknown) => error,
            )
            if ((controls.report().calls[name] ?? 0) >= n) {
              expect(failure, `${name} ${n}`).toMatchObject({ name: 'AscendError' })
            }
            controls.reset()
            const rows = await forwardLogits(model, backend, sequences)
            expect(largestDifference(rows, cases), `after ${name} ${n}`).toBeLessThan(1e-4)
          }
        }
        for (const parameter of model.parameters) parameter.dispose()
      }))
  })

  it.each(['aclInit', 'aclrtGetDeviceCount', 'aclrtSetDevice', 'aclrtCreateStream'])(
    'opens after %s has failed once',
    async (name) => {
      controls.failCall(name, 1n, 507899)
      expect(() => openEmulator()).toThrow(expect.objectContaining({ functionName: name }))
      await onEmulator(async (backend) => {
        using x = tensor(backend, 'int32', [1], Int32Array.of(7))
        expect([...(await x.numbers())]).toEqual([7])
      })
    },
  )

  it('views are read in row-major order, wherever they begin', () =>
    onEmulator(async (backend) => {
      {
        using x = tensor(backend, 'float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))
        using turned = permute(x, [1, 0])
        using row = slice(x, { start: 1, end: 2 })
        expect([...(await turned.numbers())]).toEqual([1, 4, 2, 5, 3, 6])
        expect([...(await row.numbers())]).toEqual([4, 5, 6])
      }
    }))

  it('indices that the device made are refused, since nobody can check them', () =>
    onEmulator(async (backend) => {
      {
        using table = tensor(backend, 'float32', [2, 2], Float32Array.of(1, 2, 3, 4))
        using zeros = tensor(backend, 'float32', [2], new Float32Array(2))
        using made = cast(zeros, 'int32')
        expect(() => embedding(made, table)).toThrow(/upload them/)
      }
    }))

  it.each([
    ['keep', 1 + 2 ** -20],
    ['allow-hf32', 1],
    ['hf32', 1],
    ['float16', 1],
  ] as const)('cubeMathType %s makes (1 + 2⁻²⁰) · 1 = %d', async (cubeMathType, product) => {
    const backend = openEmulator({ cubeMathType })
    {
      using x = tensor(backend, 'float32', [1, 1], Float32Array.of(1 + 2 ** -20))
      using one = tensor(backend, 'float32', [1, 1], Float32Array.of(1))
      using y = matmul(x, one)
      expect([...(await y.numbers())]).toEqual([product])
    }
    await backend.close()
  })

  it('operators return while the device has not begun, and waiting leaves the event loop free', () =>
    onEmulator(async (backend) => {
      using x = tensor(backend, 'float32', [2], Float32Array.of(1, 2))
      controls.hold(1)
      try {
        using sum = add(x, x)
        let isRead = false
        const reading = sum.numbers().then((values) => {
          isRead = true
          return values
        })
        await setTimeout(200)
        expect(isRead).toBe(false)
        controls.hold(0)
        expect([...(await reading)]).toEqual([2, 4])
      } finally {
        controls.hold(0)
      }
    }))

  it('a fault of the device surfaces at the next read, and the backend goes on', () =>
    onEmulator(async (backend) => {
      {
        using x = tensor(backend, 'float32', [2], Float32Array.of(1, 2))
        controls.faultCall('aclnnAdd', 1n, 507015)
        using broken = add(x, x)
        await expect(broken.numbers()).rejects.toMatchObject({
          name: 'AscendError',
          functionName: 'aclrtSynchronizeStream',
          code: 507015,
        })
        using sum = add(x, x)
        expect([...(await sum.numbers())]).toEqual([2, 4])
      }
    }))

  it.each([
    ['aclrtMalloc', 507899],
    ['aclnnAddGetWorkspaceSize', 161002],
    ['aclrtMemcpyAsync', 507899],
    ['aclrtMallocHost', 207001],
  ])('a failing %s is an AscendError that leaves nothing behind', (name, code) =>
    onEmulator(async (backend) => {
      {
        using x = tensor(backend, 'float32', [40], new Float32Array(40).fill(1))
        controls.failCall(name, 1n, code)
        const compute = async () => {
          using sum = add(x, x)
          return await sum.numbers()
        }
        await expect(compute()).rejects.toMatchObject({ functionName: name, code })
        expect((await compute())[39]).toBe(2)
      }
    }),
  )

  it('frees what it keeps and tries again where memory runs out', () =>
    onEmulator(async (backend) => {
      tensor(backend, 'float32', [5000], new Float32Array(5000)).dispose()
      controls.failCall('aclrtMalloc', 1n, 207001)
      tensor(backend, 'float32', [90000], new Float32Array(90000)).dispose()
      expect(controls.report().calls.aclrtFree).toBe(1)
    }))

  it('two of them live side by side, and the last one finalises', async () => {
    const first = openEmulator()
    const second = openEmulator()
    await first.close()
    {
      using x = tensor(second, 'int32', [1], Int32Array.of(7))
      expect([...(await x.numbers())]).toEqual([7])
    }
    await second.close()
    expect(controls.report().calls.aclFinalize).toBe(1)
    expect(() => second.allocate('float32', 1)).toThrow(/was closed/)
  })
})
