/**
 * Sample inputs: how a catalogue entry describes the cases it has to be right on, and how such a
 * description becomes numbers. What a right answer is, is not known here.
 */
import {
  codecs,
  type DType,
  type FloatDType,
  finfo,
  type HostArray,
  newHostArray,
} from '../tensor/dtype.ts'
import { contiguousStrides, forEachPosition, numel, type Shape } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { Attributes, Backend, HostTensor } from './backend.ts'
import { tensor } from './create.ts'

/** Where the values of a sample tensor come from. */
export type Fill =
  /** Seeded normal numbers with this standard deviation. */
  | { readonly kind: 'normal'; readonly deviation: number }
  /** These values, over and over. */
  | { readonly kind: 'values'; readonly values: readonly number[] }
  /** Seeded integers from 0 to `below` − 1. */
  | { readonly kind: 'integers'; readonly below: number }

/** How a sample tensor lies in its storage; `offset` is dense, but begins inside of it. */
export const sampleLayouts = ['contiguous', 'offset', 'transposed', 'sliced'] as const
export type SampleLayout = (typeof sampleLayouts)[number]

export interface TensorSample {
  readonly dtype: DType
  readonly shape: Shape
  readonly fill: Fill
  readonly layout: SampleLayout
}

export type SampleCategory =
  | 'ordinary'
  | 'extreme'
  | 'empty'
  | 'odd-sized'
  | 'non-contiguous'
  | 'special values'

export interface Sample {
  readonly category: SampleCategory
  /** What is particular about it. */
  readonly name: string
  readonly inputs: readonly (TensorSample | undefined)[]
  readonly attributes: Attributes
}

/** Inputs that must be refused, with the class of the error and a word its message has to hold. */
export interface InvalidSample {
  readonly name: string
  readonly inputs: readonly (TensorSample | undefined)[]
  readonly attributes: Attributes
  readonly error: 'ShapeError' | 'DTypeError' | 'InvalidArgumentError' | 'IndexOutOfRangeError'
  readonly mentions: string
}

export const normal: Fill = { kind: 'normal', deviation: 1 }

export function values(...list: number[]): Fill {
  return { kind: 'values', values: list }
}

export function tensorSample(
  dtype: DType,
  shape: Shape,
  fill: Fill = normal,
  layout: SampleLayout = 'contiguous',
): TensorSample {
  return { dtype, shape, fill, layout }
}

/** Zeros of both signs, subnormals, the ends of the finite range, and numbers around 1. */
export function extremes(dtype: FloatDType): Fill {
  const { max, smallestNormal, smallestSubnormal } = finfo[dtype]
  const magnitudes = [0, smallestSubnormal, smallestNormal, 1, 1.5, 3, 11, max]
  return { kind: 'values', values: magnitudes.flatMap((x) => [x, -x]) }
}

/** NaN and infinities among ordinary numbers. */
export const specials: Fill = values(NaN, 1, Infinity, -1, -Infinity, 0, 0.5)

/** A small seeded generator of uniform numbers in [0, 1): mulberry32. */
export function uniformGenerator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function valueGenerator(fill: Fill, seed: number): (index: number) => number {
  const uniform = uniformGenerator(seed)
  switch (fill.kind) {
    case 'values':
      return (index) => fill.values[index % fill.values.length]!
    case 'integers':
      return () => Math.floor(uniform() * fill.below)
    case 'normal':
      // Box and Muller (1958).
      return () =>
        fill.deviation * Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  }
}

/** The elements of a sample tensor in row-major order, rounded to its dtype. */
export function sampleData(sample: TensorSample, seed: number): HostArray {
  const data = newHostArray(sample.dtype, numel(sample.shape))
  const value = valueGenerator(sample.fill, seed)
  const { encode } = codecs[sample.dtype]
  for (let index = 0; index < data.length; index++) encode(data, index, value(index))
  return data
}

/** Strides, offset and storage length that give a shape the wanted layout. */
function layOut(
  shape: Shape,
  layout: SampleLayout,
): { strides: number[]; offset: number; length: number } {
  if (layout === 'contiguous') {
    return { strides: contiguousStrides(shape), offset: 0, length: numel(shape) }
  }
  if (layout === 'offset') {
    // An odd number, so that the first element is aligned to nothing but its own size.
    return { strides: contiguousStrides(shape), offset: 3, length: numel(shape) + 5 }
  }
  if (layout === 'transposed') {
    const reversed = contiguousStrides([...shape].reverse())
    return { strides: reversed.reverse(), offset: 0, length: numel(shape) }
  }
  // Every second element along each axis of a storage that is larger than it need be on all sides.
  const storageShape = shape.map((size) => 2 * size + 1)
  const outer = contiguousStrides(storageShape)
  return {
    strides: outer.map((stride) => 2 * stride),
    offset: outer.reduce((sum, stride) => sum + stride, 0),
    length: numel(storageShape),
  }
}

/** Puts a sample tensor on a device. */
export function sampleTensor(backend: Backend, sample: TensorSample, seed: number): Tensor {
  return tensorWithLayout(backend, { ...sample, data: sampleData(sample, seed) }, sample.layout)
}

/** Puts elements on a device in some layout. Storage around them holds all-ones bytes (NaN). */
export function tensorWithLayout(
  backend: Backend,
  { dtype, shape, data }: HostTensor,
  layout: SampleLayout,
): Tensor {
  const { strides, offset, length } = layOut(shape, layout)
  const stored = newHostArray(dtype, length)
  if (dtype !== 'bool') new Uint8Array(stored.buffer).fill(0xff)
  forEachPosition(shape, strides, offset, (position, index) => {
    stored[position] = data[index]!
  })
  const base = tensor(backend, dtype, [length], stored)
  const view = new Tensor(base.storage, dtype, shape, strides, offset)
  base.dispose()
  return view
}
