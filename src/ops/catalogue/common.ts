/** Pieces that several catalogue entries share: sample lists for families of operators, shape rules. */
import { InvalidArgumentError } from '../../errors.ts'
import { type DType, type FloatDType, isFloatDType } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { broadcastShapes, formatShape, numel, type Shape } from '../../tensor/shape.ts'
import type { Attributes, OperatorInputs, TensorSpec } from '../backend.ts'
import {
  extremes,
  type Fill,
  type InvalidSample,
  normal,
  type Sample,
  type SampleCategory,
  type SampleLayout,
  specials,
  type TensorSample,
  tensorSample,
  values,
} from '../samples.ts'

/** The dtype a numeric sample has; samples of float operators are only asked for float dtypes. */
export function asFloat(dtype: DType): FloatDType {
  if (!isFloatDType(dtype)) throw new InvalidArgumentError('dtype', `${dtype} is not a float dtype`)
  return dtype
}

/** One sample, in the order in which a reader wants to know things. */
export function sample(
  category: SampleCategory,
  name: string,
  inputs: readonly (TensorSample | undefined)[],
  attributes: Attributes = {},
): Sample {
  return { category, name, inputs, attributes }
}

/** The cases that every operator on one float tensor, element by element or row by row, has to pass. */
export function unarySamples(dtype: DType, attributes: Attributes = {}): Sample[] {
  const one = (
    category: SampleCategory,
    name: string,
    shape: Shape,
    fill: Fill = normal,
    layout: SampleLayout = 'contiguous',
  ): Sample => sample(category, name, [tensorSample(dtype, shape, fill, layout)], attributes)
  return [
    one('ordinary', 'a matrix', [4, 32]),
    one('ordinary', 'wide range', [64], { kind: 'normal', deviation: 6 }),
    one('extreme', 'ends of the range', [16], extremes(asFloat(dtype))),
    // Where exp, tanh and erf saturate one after the other, down to the last subnormal results.
    one('extreme', 'large arguments', [10], values(-104, -88, -50, -30, -20, -14, -9, 9, 20, 88)),
    one('empty', 'no rows', [0, 5]),
    one('odd-sized', 'a single element', [1, 1]),
    one('odd-sized', 'primes', [3, 7, 5]),
    one('non-contiguous', 'dense, at an offset', [3, 5], normal, 'offset'),
    one('non-contiguous', 'transposed', [6, 5], normal, 'transposed'),
    one('non-contiguous', 'sliced', [5, 3, 4], normal, 'sliced'),
    one('special values', 'NaN and infinities', [2, 7], specials),
  ]
}

/** Two tensors of one float dtype that broadcast. */
export function binarySamples(dtype: DType): Sample[] {
  const pair = (
    category: SampleCategory,
    name: string,
    a: Shape,
    b: Shape,
    fill: Fill = normal,
    layout: SampleLayout = 'contiguous',
  ): Sample =>
    sample(category, name, [tensorSample(dtype, a, fill, layout), tensorSample(dtype, b, fill)])
  return [
    pair('ordinary', 'same shape', [4, 32], [4, 32]),
    pair('ordinary', 'a row for every row', [4, 32], [32]),
    pair('ordinary', 'both sides repeat', [3, 1, 5], [4, 1]),
    pair('extreme', 'ends of the range', [16, 1], [16], extremes(asFloat(dtype))),
    pair('empty', 'no rows', [0, 5], [5]),
    pair('odd-sized', 'scalars', [], []),
    pair('odd-sized', 'primes', [3, 7, 5], [7, 1]),
    pair('non-contiguous', 'dense, at an offset', [3, 5], [3, 5], normal, 'offset'),
    pair('non-contiguous', 'transposed', [6, 5], [6, 5], normal, 'transposed'),
    pair('non-contiguous', 'sliced', [5, 3, 4], [3, 4], normal, 'sliced'),
    pair('special values', 'NaN and infinities', [7, 1], [7], specials),
  ]
}

export function binaryInvalid(): InvalidSample[] {
  const of = (dtype: DType, shape: Shape): TensorSample => tensorSample(dtype, shape)
  return [
    {
      name: 'shapes that do not broadcast',
      inputs: [of('float32', [2, 3]), of('float32', [2])],
      attributes: {},
      error: 'ShapeError',
      mentions: '[2, 3]',
    },
    {
      name: 'two dtypes',
      inputs: [of('float32', [2]), of('float16', [2])],
      attributes: {},
      error: 'DTypeError',
      mentions: 'float16',
    },
    {
      name: 'integers',
      inputs: [
        tensorSample('int32', [2], { kind: 'integers', below: 9 }),
        tensorSample('int32', [2], { kind: 'integers', below: 9 }),
      ],
      attributes: {},
      error: 'DTypeError',
      mentions: 'int32',
    },
    {
      name: 'one input missing',
      inputs: [of('float32', [2])],
      attributes: {},
      error: 'InvalidArgumentError',
      mentions: 'other',
    },
  ]
}

/** What an operator on one float tensor refuses. */
export const unaryInvalid: readonly InvalidSample[] = [
  {
    name: 'integers',
    inputs: [tensorSample('int64', [2], { kind: 'integers', below: 9 })],
    attributes: {},
    error: 'DTypeError',
    mentions: 'int64',
  },
  {
    name: 'an attribute it does not have',
    inputs: [tensorSample('float32', [2])],
    attributes: { wrong: 1 },
    error: 'InvalidArgumentError',
    mentions: 'wrong',
  },
]

/** Output of an element-by-element operator on one tensor. */
export function likeInput(inputs: OperatorInputs<TensorSpec>): TensorSpec {
  const { dtype, shape } = inputs[0]!
  return { dtype, shape }
}

/** Output of an element-by-element operator on two tensors. */
export function broadcastOutput(operator: string, inputs: OperatorInputs<TensorSpec>): TensorSpec {
  const [a, b] = inputs as readonly [TensorSpec, TensorSpec]
  const shape = broadcastShapes(a.shape, b.shape)
  if (shape === undefined) {
    throw new ShapeError(
      operator,
      `${formatShape(a.shape)} and ${formatShape(b.shape)} do not broadcast`,
    )
  }
  return { dtype: a.dtype, shape }
}

/** `n` operations for each element of the output; for exp, tanh and erf `n` is an estimate. */
export function flopsPerElement(n: number) {
  return (_inputs: unknown, _attributes: unknown, output: TensorSpec): number =>
    n * numel(output.shape)
}

/** An axis counted from the front; negative ones count from the back. */
export function normalizeAxis(operator: string, axis: number, shape: Shape): number {
  const normalized = axis < 0 ? axis + shape.length : axis
  if (normalized < 0 || normalized >= shape.length) {
    throw new ShapeError(operator, `there is no axis ${axis} in ${formatShape(shape)}`)
  }
  return normalized
}
