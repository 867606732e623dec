/** Who owns what when views are made behind the caller's back, and when freeing fails. */
import { expect, test } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { contiguous, permute, reshape, tensor } from '../../src/ops/index.ts'
import { DisposedTensorError } from '../../src/tensor/errors.ts'
import { arena, Tensor } from '../../src/tensor/tensor.ts'

test('reshape outside of an arena leaves no copy behind', () => {
  const backend = new ReferenceBackend()
  const input = tensor(backend, 'float32', [2, 3], new Float32Array(6))
  const turned = permute(input, [1, 0])
  reshape(turned, [6]).dispose()
  turned.dispose()
  input.dispose()
  expect(backend.heldBytes).toBe(0)
})

test('contiguous of a dense tensor is a handle of its own', () => {
  const input = tensor(new ReferenceBackend(), 'float32', [2], Float32Array.of(1, 2))
  contiguous(input).dispose()
  expect(input.isDisposed).toBe(false)
})

test('freed storage cannot be revived', () => {
  const input = tensor(new ReferenceBackend(), 'float32', [2], Float32Array.of(1, 2))
  const { storage } = input
  input.dispose()
  expect(() => new Tensor(storage, 'float32', [2], [1])).toThrow(DisposedTensorError)
})

class FailingBackend extends ReferenceBackend {
  failures = 0

  override free(slot: unknown): void {
    super.free(slot)
    if (this.failures-- > 0) throw new Error('device lost')
  }
}

test('an arena frees all of its tensors although freeing one fails, and keeps the body’s error', () => {
  const backend = new FailingBackend()
  const make = () => tensor(backend, 'float32', [2], Float32Array.of(1, 2))
  backend.failures = 1
  expect(() =>
    arena(() => {
      make()
      make()
      throw new Error('original')
    }),
  ).toThrow('original')
  expect(backend.heldBytes).toBe(0)
  backend.failures = 1
  expect(() =>
    arena(() => {
      make()
      make()
      return undefined
    }),
  ).toThrow('device lost')
  expect(backend.heldBytes).toBe(0)
})
