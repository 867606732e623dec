/** Lifetimes: who frees memory, and when. The reference backend counts the bytes that are in use. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { add, permute, slice, tensor } from '../../src/ops/index.ts'
import { DisposedTensorError } from '../../src/tensor/errors.ts'
import { leakedStorageCount } from '../../src/tensor/storage.ts'
import { arena, Tensor } from '../../src/tensor/tensor.ts'
import { collectGarbage } from '../support/garbage.ts'

let backend: ReferenceBackend
let leakedBefore: number

/** Six float32 numbers: 24 bytes. */
function six(): Tensor {
  return tensor(backend, 'float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))
}

beforeEach(() => {
  backend = new ReferenceBackend()
  leakedBefore = leakedStorageCount()
})

afterEach(() => {
  expect(backend.heldBytes).toBe(0)
})

describe('a tensor', () => {
  it('says what it is', () => {
    using matrix = six()
    using turned = permute(matrix, [1, 0])
    expect(String(matrix)).toBe('Tensor(float32[2, 3] on reference)')
    expect([matrix.size, matrix.device, matrix.isContiguous]).toEqual([6, 'reference', true])
    expect([turned.shape, turned.strides, turned.isContiguous]).toEqual([[3, 2], [1, 3], false])
  })

  it('reads as stored bits and as numbers', async () => {
    using half = tensor(backend, 'float16', [2], Uint16Array.of(0x3c00, 0xfc00))
    expect(await half.data()).toEqual(Uint16Array.of(0x3c00, 0xfc00))
    expect(await half.numbers()).toEqual(Float64Array.of(1, -Infinity))
  })

  it('gives a copy, which does not change the tensor', async () => {
    using matrix = six()
    ;(await matrix.data())[0] = 99
    expect([...(await matrix.numbers())]).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('refuses data that does not fill its shape', () => {
    const five = (): Tensor => tensor(backend, 'float32', [2, 3], new Float32Array(5))
    expect(five).toThrow('5 elements do not fill [2, 3]')
    expect(five).toThrow(expect.objectContaining({ name: 'ShapeError' }))
  })

  it('cannot be read past its storage', async () => {
    using matrix = six()
    using tooLong = new Tensor(matrix.storage, 'float32', [7], [1])
    using before = new Tensor(matrix.storage, 'float32', [2], [1], -1)
    await expect(tooLong.data()).rejects.toThrow('reaches elements 0…6 of a storage of 6')
    await expect(before.data()).rejects.toThrow('reaches elements -1…0')
  })
})

describe('disposing', () => {
  it('gives memory back, once', () => {
    const matrix = six()
    expect(backend.heldBytes).toBe(24)
    matrix.dispose()
    expect([backend.heldBytes, matrix.isDisposed]).toEqual([0, true])
    matrix.dispose()
    expect(backend.heldBytes).toBe(0)
  })

  it('of one of several handles leaves the memory to the others', async () => {
    const matrix = six()
    const view = slice(matrix, { start: 1, end: 2 })
    const alias = matrix.alias()
    expect([view.storage, alias.storage]).toEqual([matrix.storage, matrix.storage])
    matrix.dispose()
    matrix.dispose()
    expect(backend.heldBytes).toBe(24)
    expect([...(await view.numbers())]).toEqual([4, 5, 6])
    view.dispose()
    expect([...(await alias.numbers())]).toEqual([1, 2, 3, 4, 5, 6])
    alias.dispose()
  })

  it('makes every further use an error that names the tensor and the way out', async () => {
    const matrix = six()
    using other = six()
    matrix.dispose()
    expect(() => matrix.storage).toThrow(DisposedTensorError)
    expect(() => matrix.alias()).toThrow(DisposedTensorError)
    expect(() => add(other, matrix)).toThrow(DisposedTensorError)
    expect(() => permute(matrix, [1, 0])).toThrow(DisposedTensorError)
    await expect(matrix.data()).rejects.toThrow(DisposedTensorError)
    await expect(matrix.numbers()).rejects.toThrow(
      'Tensor(float32[2, 3] on reference) was disposed already; ' +
        'use it before its scope ends, or keep an alias() of it',
    )
  })

  it('happens at the end of a block for `using`', () => {
    {
      using matrix = six()
      expect(matrix.isDisposed).toBe(false)
    }
    expect(backend.heldBytes).toBe(0)
  })
})

describe('arena', () => {
  it('frees everything but the tensor it returns', async () => {
    const result = arena(() => {
      const matrix = six()
      permute(matrix, [1, 0])
      return add(matrix, matrix)
    })
    expect(backend.heldBytes).toBe(24)
    expect([...(await result.numbers())]).toEqual([2, 4, 6, 8, 10, 12])
    result.dispose()
  })

  it('frees everything but the tensors it returns, views of freed ones among them', async () => {
    const [view, sum] = arena(() => {
      const matrix = six()
      return [slice(matrix, { end: 1 }), add(matrix, matrix)] as const
    })
    expect([...(await view.numbers())]).toEqual([1, 2, 3])
    view.dispose()
    expect(backend.heldBytes).toBe(24)
    sum.dispose()
  })

  it('may return nothing, or a tensor that was there before', () => {
    using outside = six()
    const nothing = arena(() => {
      six()
      return undefined
    })
    expect(nothing).toBeUndefined()
    expect(arena(() => outside)).toBe(outside)
    expect([outside.isDisposed, backend.heldBytes]).toEqual([false, 24])
  })

  it('leaves alone what was made before it', () => {
    using outside = six()
    arena(() => void six())
    expect(outside.isDisposed).toBe(false)
  })

  it('frees everything when its body throws', () => {
    const failing = (): undefined => {
      const matrix = six()
      add(matrix, matrix)
      throw new Error('as planned')
    }
    expect(() => arena(failing)).toThrow('as planned')
    expect(backend.heldBytes).toBe(0)
    // And it is over: what is made now belongs to nobody.
    using after = six()
    expect(after.isDisposed).toBe(false)
  })

  it('passes what it returns to the arena around it', () => {
    let inner: Tensor | undefined
    const kept = arena(() => {
      inner = arena(() => six())
      expect(inner.isDisposed).toBe(false)
      expect(backend.heldBytes).toBe(24)
      return add(inner, inner)
    })
    expect(inner?.isDisposed).toBe(true)
    expect(backend.heldBytes).toBe(24)
    kept.dispose()
  })

  it('takes part in the arena around it again when an inner one throws', () => {
    arena(() => {
      expect(() =>
        arena(() => {
          six()
          throw new Error('as planned')
        }),
      ).toThrow('as planned')
      six()
      return undefined
    })
    expect(backend.heldBytes).toBe(0)
  })

  it('leaves an alias made in it to whoever made it', async () => {
    let alias: Tensor | undefined
    arena(() => {
      alias = six().alias()
      return undefined
    })
    expect([...((await alias?.numbers()) ?? [])]).toEqual([1, 2, 3, 4, 5, 6])
    alias?.dispose()
  })

  it('does not mind tensors that were disposed of in it', () => {
    arena(() => {
      six().dispose()
      return undefined
    })
    expect(backend.heldBytes).toBe(0)
  })
})

describe('the safety net', () => {
  it('counts nothing that was disposed of', async () => {
    arena(() => void add(six(), six()))
    await collectGarbage()
    expect(leakedStorageCount()).toBe(leakedBefore)
  })

  it('frees and counts a tensor that was dropped', async () => {
    const drop = (): void => void slice(six(), { end: 1 })
    drop()
    expect(backend.heldBytes).toBe(24)
    await collectGarbage()
    expect(leakedStorageCount()).toBe(leakedBefore + 1)
  })
})
