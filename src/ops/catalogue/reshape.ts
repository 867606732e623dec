/** reshape: the same elements in the same order under another shape. A view where one can do it. */
import { dtypeNames } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { formatShape, numel, reshapeStrides, type Shape } from '../../tensor/shape.ts'
import { arena, type Tensor } from '../../tensor/tensor.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { tensorSample } from '../samples.ts'
import { flopsPerElement, sample } from './common.ts'
import { contiguous } from './contiguous.ts'
import { anyFill } from './movement-common.ts'

export const reshapeDefinition = defineOperator({
  name: 'reshape',
  summary: 'y has the elements of input in row-major order; one size may be −1, what is left',
  inputs: [{ name: 'input', dtypes: dtypeNames }],
  attributes: { shape: { type: 'integers', summary: 'the new shape' } },
  errorClass: 'movement',
  infer: (inputs, { shape }) => {
    const input = inputs[0]!
    return { dtype: input.dtype, shape: completeShape(input.shape, shape) }
  },
  view: (input, attributes) => {
    const shape = completeShape(input.shape, attributes.shape)
    const strides = reshapeStrides(input.shape, input.strides, shape)
    if (strides === undefined) {
      throw new ShapeError(
        'reshape',
        `no view of ${formatShape(input.shape)} with strides ${formatShape(input.strides)} has the shape ${formatShape(shape)}`,
        { hint: 'make it contiguous first' },
      )
    }
    return { shape, strides, offset: input.offset }
  },
  flops: flopsPerElement(0),
  dtypes: dtypeNames,
  samples: (dtype) => [
    sample('ordinary', 'split an axis', [tensorSample(dtype, [4, 6], anyFill(dtype))], {
      shape: [4, 2, 3],
    }),
    sample('ordinary', 'the rest in one', [tensorSample(dtype, [4, 3, 2], anyFill(dtype))], {
      shape: [4, -1],
    }),
    sample('empty', 'no elements', [tensorSample(dtype, [0, 6])], { shape: [2, 0] }),
    sample('odd-sized', 'one element to a scalar', [tensorSample(dtype, [1, 1], anyFill(dtype))], {
      shape: [],
    }),
    sample(
      'non-contiguous',
      'a sliced axis split',
      [tensorSample(dtype, [3, 8], anyFill(dtype), 'sliced')],
      { shape: [3, 2, 4] },
    ),
  ],
  invalid: [
    {
      name: 'another number of elements',
      inputs: [tensorSample('float32', [2, 3])],
      attributes: { shape: [4, 2] },
      error: 'ShapeError',
      mentions: '[4, 2]',
    },
    {
      name: 'two sizes left open',
      inputs: [tensorSample('float32', [2, 3])],
      attributes: { shape: [-1, -1] },
      error: 'ShapeError',
      mentions: '-1',
    },
    {
      name: 'a negative size',
      inputs: [tensorSample('float32', [2, 3])],
      attributes: { shape: [-2, -3] },
      error: 'ShapeError',
      mentions: '-2',
    },
    {
      name: 'axes that no view can join',
      inputs: [tensorSample('float32', [2, 3], undefined, 'transposed')],
      attributes: { shape: [6] },
      error: 'ShapeError',
      mentions: 'contiguous',
    },
  ],
})

function completeShape(from: Shape, to: Shape): number[] {
  const refuse = (): never => {
    throw new ShapeError('reshape', `${formatShape(from)} cannot become ${formatShape(to)}`)
  }
  const open = to.filter((size) => size === -1).length
  if (open > 1 || to.some((size) => size < -1)) refuse()
  const known = to.reduce((product, size) => (size === -1 ? product : product * size), 1)
  const left = open === 1 && known > 0 ? numel(from) / known : 0
  const shape = to.map((size) => (size === -1 ? left : size))
  if (numel(shape) !== numel(from) || !Number.isInteger(left)) refuse()
  return shape
}

/** `input` under the shape `shape`: a view if its strides allow one, else of a contiguous copy. */
export function reshape(input: Tensor, shape: Shape): Tensor {
  const full = completeShape(input.shape, shape)
  const isView = reshapeStrides(input.shape, input.strides, full) !== undefined
  return arena(() =>
    dispatch(reshapeDefinition, [isView ? input : contiguous(input)], { shape: full }),
  )
}
