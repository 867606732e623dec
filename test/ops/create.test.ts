/** `tensorFrom`: elements written into a device's own memory, and nothing kept where writing fails. */
import { describe, expect, it } from 'vitest'
import { CpuBackend } from '../../src/backends/cpu/cpu-backend.ts'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { type Backend, tensor, tensorFrom } from '../../src/ops/index.ts'
import { isBuilt, openEmulator } from '../support/emulator.ts'

const devices: Readonly<Record<string, () => Backend>> = {
  reference: () => new ReferenceBackend(),
  cpu: () => new CpuBackend(),
  ...(isBuilt ? { emulator: () => openEmulator() } : {}),
}

describe.each(Object.entries(devices))('tensorFrom on %s', (_device, open) => {
  it('gives what was written, for every kind of dtype and for no elements', async () => {
    const backend = open()
    for (const dtype of ['float32', 'float16', 'int64', 'bool'] as const) {
      const elements = dtype === 'int64' ? [1n, 0n, 1n] : [1, 0, 1]
      using three = await tensorFrom(backend, { dtype, shape: [3] }, async (target) => {
        for (const [index, element] of elements.entries()) target[index] = element
      })
      expect([...(await three.data())]).toEqual(elements)
      using none = await tensorFrom(backend, { dtype, shape: [0, 2] }, async () => {})
      expect(await none.data()).toHaveLength(0)
    }
    await backend.close()
  })

  it('keeps nothing where writing fails', async () => {
    const backend = open()
    const failing = () =>
      tensorFrom(backend, { dtype: 'float32', shape: [1000] }, async () => {
        throw new RangeError('no more')
      })
    await expect(failing()).rejects.toThrow(new RangeError('no more'))
    const held = backend.heldBytes
    for (let i = 0; i < 5; i++) await expect(failing()).rejects.toThrow('no more')
    expect(backend.heldBytes).toBe(held)
    await backend.close()
  })
})

it('the CPU backend has large tensors written in place', async () => {
  const backend = new CpuBackend({ threads: 1 })
  const spec = { dtype: 'float32', shape: [10] } as const
  using _ = await tensorFrom(backend, spec, async ({ buffer }) => {
    expect(buffer).toBeInstanceOf(SharedArrayBuffer)
  })
  await backend.close()
})

it('memory that grows while elements are written does not lose them', async () => {
  const backend = new CpuBackend({ threads: 1 })
  using small = await tensorFrom(backend, { dtype: 'float32', shape: [3] }, async (elements) => {
    using large = tensor(backend, 'float32', [2 ** 23], new Float32Array(2 ** 23))
    expect(large.size).toBe(2 ** 23)
    elements.set([1, 2, 3] as never)
  })
  expect([...(await small.data())]).toEqual([1, 2, 3])
  await backend.close()
})
