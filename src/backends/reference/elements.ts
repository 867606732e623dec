/**
 * How reference kernels see tensors: as dense float64 arrays in row-major order, read from any
 * strided view and rounded to the dtype when written back. Rounding happens here and nowhere else.
 */
import { codecs, type DType, type HostArray, newHostArray } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import {
  extent,
  forEachPosition,
  isContiguous,
  numel,
  type Shape,
  type Strides,
} from '../../tensor/shape.ts'
import type { TensorView } from '../../tensor/storage.ts'

/** A tensor whose storage is a host array. */
export interface HostTensor {
  readonly dtype: DType
  readonly shape: Shape
  readonly strides: Strides
  readonly offset: number
  readonly data: Elements
}

/** What a tensor's storage is here: float64 for floats that are not to be rounded. */
export type Elements = HostArray | Float64Array

/** Checks that a view stays inside of its storage, once, so that kernels need not look again. */
export function hostTensor(view: TensorView): HostTensor {
  const data = view.storage.slot as Elements
  const { dtype, shape, strides, offset } = view
  const reach = extent(shape, strides, offset)
  if (reach !== undefined && (reach.first < 0 || reach.last >= data.length)) {
    throw new ShapeError(
      'reference',
      `a view reaches elements ${reach.first}…${reach.last} of a storage of ${data.length}`,
    )
  }
  return { dtype, shape, strides, offset, data }
}

/** All elements as numbers. */
export function read({ dtype, shape, strides, offset, data }: HostTensor): Float64Array {
  const count = numel(shape)
  const isPlain = data instanceof Float32Array || data instanceof Float64Array
  if (isPlain && isContiguous(shape, strides)) {
    return new Float64Array(data.subarray(offset, offset + count))
  }
  const result = new Float64Array(count)
  const element = elementReader(dtype, data)
  forEachPosition(shape, strides, offset, (position, index) => {
    result[index] = element(position)
  })
  return result
}

function elementReader(dtype: DType, data: Elements): (position: number) => number {
  if (data instanceof Float64Array) return (position) => data[position]!
  const { decode } = codecs[dtype]
  return (position) => decode(data, position)
}

/** All elements as they are stored, bit by bit. */
export function readStored({ dtype, shape, strides, offset, data }: HostTensor): Elements {
  const count = numel(shape)
  if (isContiguous(shape, strides)) return data.slice(offset, offset + count)
  const isUnrounded = data instanceof Float64Array
  const result = isUnrounded ? new Float64Array(count) : newHostArray(dtype, count)
  const [from, to] = [asBits(data), asBits(result)]
  forEachPosition(shape, strides, offset, (position, index) => {
    to[index] = from[position]!
  })
  return result
}

/** The same memory as integers. A float32 NaN that passes through a number may come out changed. */
export function asBits(data: Elements): Elements {
  if (!(data instanceof Float32Array)) return data
  return new Int32Array(data.buffer, data.byteOffset, data.length)
}

/**
 * Rounds numbers in row-major order to the tensor's dtype, unless its storage is float64. The tensor
 * is a fresh, dense output.
 */
export function write({ dtype, offset, data }: HostTensor, values: Float64Array): void {
  if (data instanceof Float32Array || data instanceof Float64Array) {
    data.set(values, offset)
    return
  }
  const { encode } = codecs[dtype]
  for (let index = 0; index < values.length; index++) encode(data, offset + index, values[index]!)
}
