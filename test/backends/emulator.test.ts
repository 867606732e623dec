/**
 * The NPU backend on the bundled emulator, over both FFI bindings: every operator of the catalogue,
 * the embedded model, what waits, and what a run leaves behind. What fails is in emulator-faults.test.ts,
 * full-size models are in ../model/random-base.test.ts. Nothing here has run on an NPU.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Alternative } from '../../src/backends/npu/constants.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import {
  add,
  cast,
  contiguous,
  embedding,
  gelu,
  matmul,
  permute,
  reshape,
  slice,
  softmax,
  tensor,
} from '../../src/ops/index.ts'
import { cases, pytorch, weights } from '../support/embedded-golden.ts'
import {
  controls,
  emulatorRoot,
  forEachBinding,
  onEmulator,
  openEmulator,
  openNpu,
} from '../support/emulator.ts'
import { expectAsCloseAsPyTorch } from '../support/logit-distance.ts'
import { operatorSuite } from '../support/operator-suite.ts'

const inputIds = cases.map(({ input_ids }) => input_ids)
const logits64 = cases.map(({ logits64 }) => logits64)

forEachBinding(() => {
  // A reset forgets violations, so that the report of the whole run does not have them.
  const expectNoViolation = () => expect(controls.report().violations).toEqual([])
  beforeEach(() => controls.reset())
  afterEach(expectNoViolation)

  describe('operators', () => {
    // What a kernel leaks shows when the suite has closed its backend: after-hooks run in reverse.
    afterAll(expectNoViolation)
    operatorSuite('emulator', () => openEmulator())
  })

  describe('the embedded model', () => {
    const theirs = {
      float32: [cases.map(({ logits32 }) => logits32)],
      float16: [pytorch.float16],
      bfloat16: [pytorch.bfloat16, pytorch.bfloat16_native],
    } as const
    it.each([
      ['float32', 'padded'],
      ['float32', 'packed'],
      ['float16', 'padded'],
      ['float16', 'packed'],
      ['bfloat16', 'padded'],
      ['bfloat16', 'packed'],
    ] as const)('is as close to float64 as PyTorch in %s, %s', (dtype, layout) =>
      onEmulator(async (backend) => {
        const model = await loadModel(weights, { backend, dtype, warn: expect.unreachable })
        const rows: Float64Array[] = []
        for (let start = 0; start < inputIds.length; start += 8) {
          const some = inputIds.slice(start, start + 8)
          rows.push(...(await forwardLogits(model, backend, some, layout)))
        }
        const what = `embedded model, emulator, ${dtype}, ${layout}`
        expectAsCloseAsPyTorch(what, rows, logits64, theirs[dtype])
        for (const parameter of model.parameters) parameter.dispose()
      }),
    )

    it('uploads once, waits once and downloads once for a forward, and takes no new memory', () =>
      onEmulator(async (backend) => {
        const model = await loadModel(weights, {
          backend,
          dtype: 'float32',
          warn: expect.unreachable,
        })
        const sequences = inputIds.slice(8, 12)
        await forwardLogits(model, backend, sequences)
        await forwardLogits(model, backend, sequences)
        const held = backend.heldBytes
        controls.reset()
        await forwardLogits(model, backend, sequences)
        const { calls } = controls.report()
        const counts = Object.entries(calls).filter(
          ([name, n]) => /Synchronize|Memcpy|Malloc|Free/.test(name) && n > 0,
        )
        expect(Object.fromEntries(counts)).toEqual({
          // To the device, and back.
          aclrtMemcpyAsync: 2,
          aclrtSynchronizeStream: 1,
        })
        expect(backend.heldBytes).toBe(held)
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

  it.each([
    ['aclnnGelu', 'aclnnGeluV2', 0],
    ['aclnnMatmul', 'aclnnMm', 1],
    ['aclnnBatchMatMul', 'aclnnMatmul', 2],
    ['aclnnPermute', 'aclnnInplaceCopy', 3],
  ] as const)('%s computes what %s does, where it is asked for', async (other, usual, operator) => {
    const compute = async (aclnn: readonly Alternative[]): Promise<number[]> => {
      const backend = openEmulator({ aclnn })
      try {
        const data = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i + 1))
        using x = tensor(backend, 'float32', [2, 3, 4], data)
        using matrix = reshape(x, [6, 4])
        using turned = permute(x, [2, 0, 1])
        using other = permute(x, [0, 2, 1])
        using flat = permute(matrix, [1, 0])
        using y = [
          () => gelu(x, { approximate: 'tanh' }),
          () => matmul(matrix, flat),
          () => matmul(x, other),
          () => contiguous(turned),
        ][operator]!()
        return [...(await y.numbers())]
      } finally {
        await backend.close()
      }
    }
    const expected = await compute([])
    expect(controls.report().calls).toMatchObject({ [usual]: 1 })
    controls.reset()
    const values = await compute([other])
    expect(controls.report().calls).toMatchObject({ [other]: 1 })
    expect(controls.report().calls[usual] ?? 0).toBe(0)
    expect(values).toEqual(expected)
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

  it('what aclnn refuses is named with its dtypes and shapes', () =>
    onEmulator(async (backend) => {
      {
        using x = tensor(backend, 'float32', [2, 3], new Float32Array(6))
        using y = tensor(backend, 'float32', [3], new Float32Array(3))
        controls.failCall('aclnnAddGetWorkspaceSize', 1n, 561002)
        expect(() => add(x, y)).toThrow(
          "aclnnAddGetWorkspaceSize failed for operator 'add' of float32[2, 3], float32[3] with code 561002",
        )
      }
      {
        const shape = [1, 1, 1, 1, 1, 2, 2]
        using x = tensor(backend, 'float32', shape, new Float32Array(4))
        expect(() => matmul(x, x)).toThrow(/matmul.* emulator.*aclnn takes 6 axes at most, not 7/)
      }
      {
        using x = tensor(backend, 'float32', [1, 4097], new Float32Array(4097))
        using mask = tensor(backend, 'bool', [1, 4097], new Uint8Array(4097))
        expect(() => softmax(x, mask)).toThrow(/takes rows of 4096 elements at most, not 4097/)
        using whole = softmax(x)
        expect((await whole.numbers())[0]).toBeCloseTo(1 / 4097, 9)
      }
    }))

  it('a product that gets no workspace leaves no plan behind', () =>
    onEmulator(async (backend) => {
      {
        using x = tensor(backend, 'float32', [2, 2], Float32Array.of(1, 2, 3, 4))
        // The first is the output.
        controls.failCall('aclrtMalloc', 2n, 507899)
        expect(() => matmul(x, x)).toThrow(expect.objectContaining({ functionName: 'aclrtMalloc' }))
        expect(controls.report().calls).toMatchObject({ aclnnMmGetWorkspaceSize: 1 })
        expect(controls.report().live.executor).toBe(0)
      }
    }))

  it('frees what it keeps and tries again where memory runs out', () =>
    onEmulator(async (backend) => {
      const x = tensor(backend, 'float32', [5000], new Float32Array(5000))
      // Nobody has waited for this sum, whose memory is kept for reuse.
      add(x, x).dispose()
      x.dispose()
      controls.failCall('aclrtMalloc', 1n, 207001)
      tensor(backend, 'float32', [90000], new Float32Array(90000)).dispose()
      expect(controls.report().calls.aclrtFree).toBe(2)
    }))

  it('where giving back fails too, nothing is used after it was given back', async () => {
    const backend = openEmulator()
    const lengths = [1000, 20_000, 50_000]
    const upload = (n: number) => tensor(backend, 'float32', [n], new Float32Array(n))
    for (const length of lengths) upload(length).dispose()
    controls.failCall('aclrtMalloc', 1n, 207001)
    controls.failCall('aclrtFree', 2n, 507899)
    expect(() => upload(90_000)).toThrow(expect.objectContaining({ functionName: 'aclrtFree' }))
    for (const length of lengths) upload(length).dispose()
    await backend.close()
    // The one that refused.
    expect(controls.report().violations).toMatchObject([{ kind: 'leak', function: 'aclrtMalloc' }])
    controls.reset()
  })

  it('closes cleanly where the thread that waits has died', async () => {
    let worker: Worker | undefined
    process.once('worker', (started) => {
      worker = started
    })
    const backend = openEmulator()
    {
      using x = tensor(backend, 'float32', [2], Float32Array.of(1, 2))
      expect([...(await x.numbers())]).toEqual([1, 2])
      await worker!.terminate()
      using sum = add(x, x)
      await expect(sum.numbers()).rejects.toMatchObject({ name: 'NativeThreadError' })
    }
    await expect(backend.close()).rejects.toMatchObject({ name: 'NativeThreadError' })
    const { violations, live } = controls.report()
    expect(violations).toEqual([])
    expect(Object.values(live).filter((count) => count > 0)).toEqual([])
  })

  describe('through the variables of CANN', () => {
    afterEach(() => {
      vi.stubEnv('ASCEND_HOME_PATH', undefined)
      controls.setDeviceCount(1)
    })

    it('two devices are used in turn', async () => {
      vi.stubEnv('ASCEND_HOME_PATH', emulatorRoot)
      controls.setDeviceCount(2)
      const backends = [openNpu(0), openNpu(1)] as const
      {
        using x = tensor(backends[0], 'int32', [1], Int32Array.of(3))
        using y = tensor(backends[1], 'int32', [1], Int32Array.of(4))
        using a = cast(x, 'float32')
        using b = cast(y, 'float32')
        using a2 = add(a, a)
        using b2 = add(b, b)
        const values = await Promise.all([a2.numbers(), b2.numbers()])
        expect(values.map(([value]) => value)).toEqual([6, 8])
        expect(() => add(a, b)).toThrow(/emulator/)
      }
      await backends[0].close()
      await backends[1].close()
      const { violations, live } = controls.report()
      expect(violations).toEqual([])
      expect(Object.values(live).filter((count) => count > 0)).toEqual([])
    })

    it('a second installation is refused, since the loader would mix the two', async () => {
      await openEmulator().close()
      const copy = mkdtempSync(join(tmpdir(), 'cann-'))
      cpSync(emulatorRoot, copy, { recursive: true })
      vi.stubEnv('ASCEND_HOME_PATH', copy)
      expect(() => openNpu()).toThrow(
        `those of ${copy} would mix with them; use a process for each`,
      )
      rmSync(copy, { recursive: true })
    })
  })

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
