/** permute: axes in another order. A view. */
import { dtypeNames } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { formatShape } from '../../tensor/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { tensorSample } from '../samples.ts'
import { flopsPerElement, sample } from './common.ts'
import { anyFill } from './movement-common.ts'

export const permuteDefinition = defineOperator({
  name: 'permute',
  summary: 'axis i of y is axis axes[i] of input; no element moves',
  inputs: [{ name: 'input', dtypes: dtypeNames }],
  attributes: { axes: { type: 'integers', summary: 'the new order of all axes' } },
  errorClass: 'movement',
  infer: (inputs, { axes }) => {
    const { dtype, shape } = inputs[0]!
    if ([...axes].sort((a, b) => a - b).join() !== [...shape.keys()].join()) {
      throw new ShapeError(
        'permute',
        `axes ${formatShape(axes)} are not an order of the ${shape.length} axes of ${formatShape(shape)}`,
      )
    }
    return { dtype, shape: axes.map((axis) => shape[axis]!) }
  },
  view: ({ shape, strides, offset }, { axes }) => ({
    shape: axes.map((axis) => shape[axis]!),
    strides: axes.map((axis) => strides[axis]!),
    offset,
  }),
  flops: flopsPerElement(0),
  dtypes: dtypeNames,
  samples: (dtype) => [
    sample('ordinary', 'transpose', [tensorSample(dtype, [4, 6], anyFill(dtype))], {
      axes: [1, 0],
    }),
    sample('ordinary', 'heads before rows', [tensorSample(dtype, [2, 5, 3, 4], anyFill(dtype))], {
      axes: [0, 2, 1, 3],
    }),
    sample('empty', 'no elements', [tensorSample(dtype, [0, 3])], { axes: [1, 0] }),
    sample('odd-sized', 'a scalar', [tensorSample(dtype, [], anyFill(dtype))], { axes: [] }),
    sample(
      'non-contiguous',
      'of a slice',
      [tensorSample(dtype, [3, 4, 5], anyFill(dtype), 'sliced')],
      { axes: [2, 0, 1] },
    ),
  ],
  invalid: [
    {
      name: 'an axis twice',
      inputs: [tensorSample('float32', [2, 3])],
      attributes: { axes: [0, 0] },
      error: 'ShapeError',
      mentions: '[0, 0]',
    },
    {
      name: 'an axis too few',
      inputs: [tensorSample('float32', [2, 3])],
      attributes: { axes: [0] },
      error: 'ShapeError',
      mentions: '[2, 3]',
    },
  ],
})

/** A view of `input` whose axis i is the input's axis `axes[i]`. */
export function permute(input: Tensor, axes: readonly number[]): Tensor {
  return dispatch(permuteDefinition, [input], { axes })
}
