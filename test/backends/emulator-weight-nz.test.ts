/**
 * Weights in the NZ format on the emulator, over both FFI bindings: `linear` computes the same bits, each
 * weight is transformed once, and its memory goes with it.
 */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { NpuBackend } from '../../src/backends/npu/npu-backend.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import { add, type Backend, cast, linear, reshape, slice, tensor } from '../../src/ops/index.ts'
import type { TensorView } from '../../src/tensor/storage.ts'
import { Tensor } from '../../src/tensor/tensor.ts'
import { controls, forEachBinding, onEmulator, openEmulator } from '../support/emulator.ts'
import { definitionOf, operatorTests } from '../support/operator-suite.ts'

const aclnn = ['aclnnMatmulWeightNz'] as const
const weights = fileURLToPath(new URL('../../weights/roberta-tiny-go_emotions', import.meta.url))
const sequences = [
  [0, 31414, 232, 2],
  [0, 713, 16, 2],
].map((ids) => ids.map((id) => id % 1000))

const called = (name: string) => controls.report().calls[name] ?? 0

/** Numbers of [rows, columns] in a 16-bit dtype. */
function matrix(backend: Backend, dtype: 'float16' | 'bfloat16', rows: number, columns: number) {
  const data = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(7 * i))
  using exact = tensor(backend, 'float32', [rows, columns], data)
  return cast(exact, dtype)
}

forEachBinding((binding) => {
  beforeEach(() => controls.reset())

  describe('linear', () => {
    const backend: { opened?: NpuBackend } = {}
    afterAll(() => backend.opened?.close())
    operatorTests(definitionOf('linear'), () => (backend.opened ??= openEmulator({ aclnn })))
  })

  it.each(['float16', 'bfloat16'] as const)(
    'has the bits of the usual one in %s',
    async (dtype) => {
      const compute = async (options: { aclnn?: typeof aclnn }) => {
        const results: number[][] = []
        await onEmulator(async (backend) => {
          for (const [rows, inFeatures, outFeatures] of [
            [3, 16, 32],
            [5, 18, 35],
          ] as const) {
            using x = matrix(backend, dtype, rows, inFeatures)
            using weight = matrix(backend, dtype, outFeatures, inFeatures)
            using row = matrix(backend, dtype, 1, outFeatures)
            using bias = reshape(row, [outFeatures])
            for (const b of [bias, undefined]) {
              using y = linear(x, weight, b)
              results.push([...(await y.numbers())])
            }
          }
        }, options)
        return results
      }
      const usual = await compute({})
      expect([called('aclnnAddmm'), called('aclnnMm'), called('aclnnTransMatmulWeight')]).toEqual([
        2, 2, 0,
      ])
      controls.reset()
      expect(await compute({ aclnn })).toEqual(usual)
      expect([called('aclnnAddmm'), called('aclnnMm')]).toEqual([0, 0])
      expect([called('aclnnAddmmWeightNz'), called('aclnnMatmulWeightNz')]).toEqual([2, 2])
      expect(called('aclnnTransMatmulWeight')).toBe(2)
    },
  )

  it('float32, a size of 1 and a part of a tensor are multiplied as usual', () =>
    onEmulator(
      async (backend) => {
        using x = tensor(backend, 'float32', [2, 4], new Float32Array(8))
        using y = linear(x, x)
        using narrow = matrix(backend, 'float16', 2, 1)
        using column = linear(narrow, narrow)
        using wide = matrix(backend, 'float16', 4, 4)
        using part = slice(wide, { start: 1, end: 3 })
        using z = linear(part, part)
        expect([y.shape, column.shape, z.shape]).toEqual([
          [2, 2],
          [2, 2],
          [2, 2],
        ])
        expect([called('aclnnMm'), called('aclnnMatmulWeightNz')]).toEqual([3, 0])
      },
      { aclnn },
    ))

  it('memory that was transformed as one matrix is no other matrix', () =>
    onEmulator(
      async (backend) => {
        using weight = matrix(backend, 'float16', 4, 6)
        using other = reshape(weight, [6, 4])
        using x = matrix(backend, 'float16', 2, 6)
        using x4 = matrix(backend, 'float16', 2, 4)
        using first = linear(x, weight)
        using second = linear(x4, other)
        expect([first.shape, second.shape]).toEqual([
          [2, 4],
          [2, 6],
        ])
        expect([called('aclnnMatmulWeightNz'), called('aclnnMm')]).toEqual([1, 1])
      },
      { aclnn },
    ))

  it('a weight is transformed again after a fault of the device', () =>
    onEmulator(
      async (backend) => {
        using x = matrix(backend, 'float16', 2, 16)
        using weight = matrix(backend, 'float16', 16, 16)
        controls.faultCall('aclnnTransMatmulWeight', 1n, 507015)
        using broken = linear(x, weight)
        await expect(broken.numbers()).rejects.toMatchObject({ code: 507015 })
        using y = linear(x, weight)
        using copy = add(weight, weight)
        using doubled = linear(x, copy)
        expect([...(await doubled.numbers())]).toEqual([...(await y.numbers())].map((n) => 2 * n))
        expect(called('aclnnTransMatmulWeight')).toBe(3)
      },
      { aclnn },
    ))

  it('a second stream of the device transforms the weights that it is lent for itself', () =>
    onEmulator(
      async (backend) => {
        using weight = matrix(backend, 'float16', 16, 16)
        using x = matrix(backend, 'float16', 2, 16)
        using y = linear(x, weight)
        const expected = await y.numbers()
        const { backend: second, views } = backend.beside!([weight])
        const [{ storage, dtype, shape, strides, offset }] = views as [TensorView]
        const lent = new Tensor(storage, dtype, shape, strides, offset)
        for (const _ of [1, 2]) {
          using other = matrix(second, 'float16', 2, 16)
          using product = linear(other, lent)
          expect(await product.numbers()).toEqual(expected)
        }
        expect([called('aclnnTransMatmulWeight'), called('aclnnMatmulWeightNz')]).toEqual([2, 3])
        lent.dispose()
        await second.close()
      },
      { aclnn },
    ))

  it.each([
    'aclnnCalculateMatmulWeightSizeV2',
    'aclnnTransMatmulWeight',
    'aclnnTransMatmulWeightGetWorkspaceSize',
    'aclnnMatmulWeightNz',
  ])('a failing %s leaves nothing behind, and the next product is right', (failing) =>
    onEmulator(
      async (backend) => {
        using x = matrix(backend, 'float16', 2, 16)
        using weight = matrix(backend, 'float16', 16, 16)
        controls.failCall(failing, 1n, 507899)
        expect(() => linear(x, weight)).toThrow(expect.objectContaining({ functionName: failing }))
        using y = linear(x, weight)
        expect((await y.numbers()).every(Number.isFinite)).toBe(true)
      },
      { aclnn },
    ),
  )

  // A call through ffi-napi takes ten times longer.
  if (binding !== 'koffi') return
  it('a model’s weights are transformed once, for all forwards and plans', async () => {
    const run = async (options: { aclnn?: typeof aclnn }) => {
      const logits: number[][] = []
      await onEmulator(async (backend) => {
        const model = await loadModel(weights, {
          backend,
          dtype: 'float16',
          warn: expect.unreachable,
        })
        for (const some of [sequences, sequences, sequences.slice(1)]) {
          for (const row of await forwardLogits(model, backend, some)) logits.push([...row])
        }
        const held = backend.heldBytes
        for (const parameter of model.parameters as Iterable<Tensor>) parameter.dispose()
        expect(backend.heldBytes).toBeLessThanOrEqual(held)
      }, options)
      return logits
    }
    const usual = await run({})
    controls.reset()
    expect(await run({ aclnn })).toEqual(usual)
    // Two layers of six, and the two of the head.
    expect(called('aclnnTransMatmulWeight')).toBe(14)
    expect(called('aclnnAddmm')).toBe(0)
    expect(called('aclnnAddmmWeightNz')).toBe(3 * 14)
  })
})
