/** index_select: slices along one axis, picked by a list of indices. */
import { dtypeNames } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { formatShape } from '../../tensor/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { TensorSpec } from '../backend.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { tensorSample, values } from '../samples.ts'
import { flopsPerElement, normalizeAxis, sample } from './common.ts'
import { anyFill } from './movement-common.ts'

export const indexSelectDefinition = defineOperator({
  name: 'index_select',
  summary: 'y[…, i, …] = input[…, indices[i], …] along axis',
  inputs: [
    { name: 'input', dtypes: dtypeNames },
    { name: 'indices', dtypes: ['int32', 'int64'] },
  ],
  sameDType: ['input'],
  attributes: { axis: { type: 'integer', summary: 'the axis to pick from', default: 0 } },
  errorClass: 'movement',
  infer: (inputs, { axis }) => {
    const [input, indices] = inputs as readonly [TensorSpec, TensorSpec]
    if (indices.shape.length !== 1) {
      throw new ShapeError('index_select', `indices are ${formatShape(indices.shape)}, not a list`)
    }
    const at = normalizeAxis('index_select', axis, input.shape)
    return { dtype: input.dtype, shape: input.shape.with(at, indices.shape[0]!) }
  },
  flops: flopsPerElement(0),
  dtypes: dtypeNames,
  samples: (dtype) => {
    const of = (...shape: number[]) => tensorSample(dtype, shape, anyFill(dtype))
    return [
      sample('ordinary', 'rows', [of(6, 5), tensorSample('int32', [3], values(4, 0, 4))]),
      sample('ordinary', 'columns, int64', [of(6, 5), tensorSample('int64', [2], values(4, 1))], {
        axis: -1,
      }),
      sample('empty', 'no indices', [of(6, 5), tensorSample('int32', [0], values(0))]),
      sample('odd-sized', 'the middle axis', [of(3, 7, 5), tensorSample('int32', [1], values(6))], {
        axis: 1,
      }),
      sample('non-contiguous', 'both dense, at an offset', [
        tensorSample(dtype, [6, 5], anyFill(dtype), 'offset'),
        tensorSample('int64', [3], values(5, 2, 1), 'offset'),
      ]),
      sample('non-contiguous', 'transposed', [
        tensorSample(dtype, [6, 5], anyFill(dtype), 'transposed'),
        tensorSample('int32', [3], values(5, 2, 1), 'sliced'),
      ]),
    ]
  },
  invalid: [
    {
      name: 'an index past the end',
      inputs: [tensorSample('float32', [3, 2]), tensorSample('int32', [1], values(3))],
      attributes: {},
      error: 'IndexOutOfRangeError',
      mentions: '3',
    },
    {
      name: 'a matrix of indices',
      inputs: [tensorSample('float32', [3, 2]), tensorSample('int32', [1, 1], values(0))],
      attributes: {},
      error: 'ShapeError',
      mentions: '[1, 1]',
    },
    {
      name: 'an axis there is not',
      inputs: [tensorSample('float32', [3, 2]), tensorSample('int32', [1], values(0))],
      attributes: { axis: -3 },
      error: 'ShapeError',
      mentions: 'axis -3',
    },
  ],
})

/** Picks `indices` `[n]` (int32 or int64) along `axis` of `input`, whose size there becomes n. */
export function indexSelect(
  input: Tensor,
  indices: Tensor,
  attributes: { axis?: number } = {},
): Tensor {
  return dispatch(indexSelectDefinition, [input, indices], attributes)
}
