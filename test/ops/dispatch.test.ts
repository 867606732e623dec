/** The dispatch point: what it refuses, what it fills in, and what it leaves behind. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { InvalidArgumentError } from '../../src/errors.ts'
import type { OperatorCall } from '../../src/ops/backend.ts'
import { dispatch } from '../../src/ops/dispatch.ts'
import {
  add,
  attention,
  concat,
  embedding,
  gelu,
  layerNorm,
  linear,
  type OperatorName,
  permute,
  scale,
  slice,
  softmax,
  tensor,
} from '../../src/ops/index.ts'
import {
  DeviceMismatchError,
  DTypeError,
  IndexOutOfRangeError,
  ShapeError,
  UnsupportedOperatorError,
} from '../../src/tensor/errors.ts'
import { arena, type Tensor } from '../../src/tensor/tensor.ts'
import { definitionOf } from '../support/operator-suite.ts'

/** The reference without some of its kernels; it remembers the calls it was given. */
class LackingBackend extends ReferenceBackend {
  readonly calls: OperatorCall[] = []
  readonly #lacks: readonly OperatorName[]

  constructor(...lacks: OperatorName[]) {
    super()
    this.#lacks = lacks
  }

  override supports(...call: Parameters<ReferenceBackend['supports']>): true | string {
    return this.#lacks.includes(call[0]) ? 'there is none here' : super.supports(...call)
  }

  override execute(call: OperatorCall): void {
    this.calls.push(call)
    super.execute(call)
  }
}

let backend: LackingBackend
const made: Tensor[] = []

/** A tensor that is disposed of after the test. */
function floats(shape: readonly number[], ...list: number[]): Tensor {
  const result = tensor(backend, 'float32', shape, Float32Array.from(list))
  made.push(result)
  return result
}

function kept(result: Tensor): Tensor {
  made.push(result)
  return result
}

beforeEach(() => {
  backend = new LackingBackend()
})

afterEach(() => {
  for (const each of made.splice(0)) each.dispose()
  expect(backend.heldBytes).toBe(0)
})

describe('dispatch refuses', () => {
  it('tensors of two devices, even of the same kind', () => {
    const other = new ReferenceBackend()
    using stranger = tensor(other, 'float32', [1], Float32Array.of(1))
    const mixing = (): Tensor => add(floats([1], 1), stranger)
    expect(mixing).toThrow(DeviceMismatchError)
    expect(mixing).toThrow(
      'add: inputs live on different devices (reference, reference); move them to one device first',
    )
  })

  it('a missing input, and names it', () => {
    const x = floats([2], 1, 2)
    const lacking = (): Tensor => dispatch(definitionOf('add'), [x])
    expect(lacking).toThrow(InvalidArgumentError)
    expect(lacking).toThrow('add: other: is missing')
    expect(() => dispatch(definitionOf('add'), [undefined, x])).toThrow('add: input: is missing')
    expect(() => dispatch(definitionOf('add'), [])).toThrow('add: input: is missing')
    expect(() => dispatch(definitionOf('concat'), [])).toThrow('needs at least one tensor')
    expect(() => dispatch(definitionOf('concat'), [x, undefined])).toThrow('tensors: is missing')
  })

  it('inputs it does not take', () => {
    const x = floats([2], 1, 2)
    expect(() => dispatch(definitionOf('add'), [x, x, x])).toThrow(ShapeError)
    expect(() => dispatch(definitionOf('add'), [x, x, x])).toThrow('add: takes 2 inputs at most')
  })

  it('a dtype it does not take, and dtypes that differ', () => {
    const x = floats([2], 1, 2)
    const half = kept(tensor(backend, 'float16', [2], Uint16Array.of(0, 0)))
    const integers = kept(tensor(backend, 'int32', [2], Int32Array.of(0, 0)))
    expect(() => add(x, half)).toThrow(DTypeError)
    expect(() => add(x, half)).toThrow('add: input is float32 but other is float16; cast one of')
    expect(() => gelu(integers)).toThrow(
      'gelu: input is int32, which is not one of float32, float16, bfloat16; cast it first',
    )
    expect(() => concat([x, half])).toThrow('tensors is float32 but tensors is float16')
  })

  it('an attribute that does not exist, lacks, or has a wrong value', () => {
    const x = floats([2], 1, 2)
    const given =
      (operator: OperatorName, attributes: Record<string, number | string | number[]>) =>
      (): Tensor =>
        dispatch(definitionOf(operator), [x], attributes)
    expect(given('softmax', { axes: 0 })).toThrow(InvalidArgumentError)
    expect(given('softmax', { axes: 0 })).toThrow('axes: is not an attribute; it has axis, scale')
    expect(given('tanh', { axis: 0 })).toThrow('it has none')
    expect(given('scale', {})).toThrow('scale: factor: is missing')
    expect(given('softmax', { axis: 0.5 })).toThrow('0.5 is not an integer')
    expect(given('softmax', { axis: 'last' })).toThrow('"last" is not an integer')
    expect(given('scale', { factor: [2] })).toThrow('[2] is not a number')
    expect(given('permute', { axes: [0.5] })).toThrow('[0.5] is not a list of integers')
    expect(given('permute', { axes: 0 })).toThrow('0 is not a list of integers')
    expect(given('gelu', { approximate: 'erf' })).toThrow('"erf" is not one of none, tanh, sigmoid')
  })

  it('an operator the device has no kernel for, with the reason', () => {
    backend = new LackingBackend('gelu')
    const x = floats([2], 1, 2)
    expect(() => gelu(x)).toThrow(UnsupportedOperatorError)
    expect(() => gelu(x)).toThrow('gelu on reference: there is none here')
    expect(backend.calls).toEqual([])
  })
})

describe('dispatch', () => {
  it('fills in the defaults of attributes, also for those given as undefined', () => {
    const x = floats([1, 2], 1, 2)
    kept(softmax(x))
    kept(softmax(x, undefined, { axis: 0 }))
    kept(dispatch(definitionOf('gelu'), [x], { approximate: undefined }))
    kept(layerNorm(x, floats([2], 1, 1), floats([2], 0, 0)))
    expect(backend.calls.map(({ operator, attributes }) => [operator, attributes])).toEqual([
      ['softmax', { axis: -1, scale: 1 }],
      ['softmax', { axis: 0, scale: 1 }],
      ['gelu', { approximate: 'none' }],
      ['layer_norm', { eps: 1e-5 }],
    ])
  })

  it('hands the kernel its inputs in order, the missing ones too, and a dense output', () => {
    const [x, weight] = [floats([1, 2], 1, 2), floats([3, 2], 1, 2, 3, 4, 5, 6)]
    const y = kept(linear(x, weight))
    expect(backend.calls).toHaveLength(1)
    expect(backend.calls[0]?.inputs).toEqual([x, weight, undefined])
    expect(backend.calls[0]?.output).toBe(y)
    expect([y.dtype, y.shape, y.strides, y.offset]).toEqual(['float32', [1, 3], [3, 1], 0])
  })

  it('runs nothing for an empty output, and nothing for a view', async () => {
    const empty = kept(add(floats([0, 2]), floats([2], 1, 2)))
    const x = floats([2, 2], 1, 2, 3, 4)
    const view = kept(permute(kept(slice(x, { end: 1 })), [1, 0]))
    expect(backend.calls).toEqual([])
    expect([empty.shape, (await empty.data()).length]).toEqual([[0, 2], 0])
    expect(view.storage).toBe(x.storage)
    expect([...(await view.numbers())]).toEqual([1, 2])
  })

  it('frees the output of a kernel that fails', () => {
    const table = floats([2, 1], 1, 2)
    const indices = kept(tensor(backend, 'int32', [1], Int32Array.of(2)))
    const before = backend.heldBytes
    expect(() => embedding(indices, table)).toThrow(IndexOutOfRangeError)
    expect(() => embedding(indices, table)).toThrow('embedding: index 2 is outside of 0…1')
    expect(backend.heldBytes).toBe(before)
  })
})

describe('a composite operator', () => {
  const heads = { numHeads: 1, lengths: [2] }

  it('is made of others where the device has no kernel, and leaves nothing behind', async () => {
    const x = floats([2, 1], 1, 1)
    const before = backend.heldBytes
    const y = kept(attention(x, x, x, undefined, heads))
    expect(backend.calls.map(({ operator }) => operator)).toEqual(['matmul', 'softmax', 'matmul'])
    expect(backend.heldBytes - before).toBe(8)
    expect([...(await y.numbers())]).toEqual([1, 1])
  })

  it('says which of its parts the device cannot do, and frees the others', () => {
    backend = new LackingBackend('softmax')
    const x = floats([2, 1], 1, 1)
    const before = backend.heldBytes
    const attending = (): Tensor => attention(x, x, x, undefined, heads)
    expect(attending).toThrow('softmax on reference: there is none here')
    expect(backend.heldBytes).toBe(before)
  })

  it('belongs to the arena it is called in', () => {
    const x = floats([2, 1], 1, 1)
    const before = backend.heldBytes
    arena(() => {
      scale(attention(x, x, x, undefined, heads), 2)
      return undefined
    })
    expect(backend.heldBytes).toBe(before)
  })
})
