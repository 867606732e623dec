/** slice: every step-th element of a range along one axis. A view. */
import { InvalidArgumentError } from '../../errors.ts'
import { dtypeNames } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { formatShape } from '../../tensor/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { tensorSample } from '../samples.ts'
import { flopsPerElement, normalizeAxis, sample } from './common.ts'
import { anyFill } from './movement-common.ts'

export const sliceDefinition = defineOperator({
  name: 'slice',
  summary: 'y[…, i, …] = input[…, start + i · step, …] while below end; no element moves',
  inputs: [{ name: 'input', dtypes: dtypeNames }],
  attributes: {
    axis: { type: 'integer', summary: 'the axis to slice', default: 0 },
    start: { type: 'integer', summary: 'the first element', default: 0 },
    end: { type: 'integer', summary: 'the element after the last' },
    step: { type: 'integer', summary: 'the distance between elements, at least 1', default: 1 },
  },
  errorClass: 'movement',
  infer: (inputs, { axis, start, end, step }) => {
    const { dtype, shape } = inputs[0]!
    const at = normalizeAxis('slice', axis, shape)
    if (step < 1) throw new InvalidArgumentError('slice: step', `${step} is less than 1`)
    if (start < 0 || start > end || end > shape[at]!) {
      throw new ShapeError(
        'slice',
        `${start}…${end} is not a range of axis ${at} of ${formatShape(shape)}`,
      )
    }
    return { dtype, shape: shape.with(at, Math.ceil((end - start) / step)) }
  },
  view: ({ shape, strides, offset }, { axis, start, end, step }) => {
    const at = normalizeAxis('slice', axis, shape)
    return {
      shape: shape.with(at, Math.ceil((end - start) / step)),
      strides: strides.with(at, strides[at]! * step),
      offset: offset + start * strides[at]!,
    }
  },
  flops: flopsPerElement(0),
  dtypes: dtypeNames,
  samples: (dtype) => {
    const matrix = tensorSample(dtype, [6, 7], anyFill(dtype))
    return [
      sample('ordinary', 'rows', [matrix], { start: 2, end: 5 }),
      sample('ordinary', 'every third column', [matrix], { axis: -1, start: 1, end: 7, step: 3 }),
      sample('empty', 'an empty range', [matrix], { start: 6, end: 6 }),
      sample('odd-sized', 'a step past the end', [matrix], { start: 5, end: 6, step: 9 }),
      sample(
        'non-contiguous',
        'of a transposed view',
        [tensorSample(dtype, [6, 7], anyFill(dtype), 'transposed')],
        { axis: 1, start: 3, end: 6 },
      ),
    ]
  },
  invalid: [
    {
      name: 'an end past the axis',
      inputs: [tensorSample('float32', [2, 3])],
      attributes: { end: 3 },
      error: 'ShapeError',
      mentions: '0…3',
    },
    {
      name: 'a negative start',
      inputs: [tensorSample('float32', [2, 3])],
      attributes: { start: -1, end: 1 },
      error: 'ShapeError',
      mentions: '-1…1',
    },
    {
      name: 'a step of 0',
      inputs: [tensorSample('float32', [2, 3])],
      attributes: { end: 1, step: 0 },
      error: 'InvalidArgumentError',
      mentions: 'step',
    },
    {
      name: 'a fraction',
      inputs: [tensorSample('float32', [2, 3])],
      attributes: { end: 0.5 },
      error: 'InvalidArgumentError',
      mentions: 'end',
    },
  ],
})

/** A view of elements `start`, `start + step`, … below `end` of `axis`. */
export function slice(
  input: Tensor,
  attributes: { axis?: number; start?: number; end: number; step?: number },
): Tensor {
  return dispatch(sliceDefinition, [input], attributes)
}
