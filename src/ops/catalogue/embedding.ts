/** embedding: rows of a table, picked by indices of any shape. */
import { dtypeNames } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { formatShape } from '../../tensor/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { TensorSpec } from '../backend.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { tensorSample, values } from '../samples.ts'
import { flopsPerElement, sample } from './common.ts'
import { anyFill } from './movement-common.ts'

export const embeddingDefinition = defineOperator({
  name: 'embedding',
  summary: 'y[…, :] = weight[indices[…], :]',
  inputs: [
    { name: 'indices', dtypes: ['int32', 'int64'] },
    { name: 'weight', dtypes: dtypeNames },
  ],
  sameDType: ['weight'],
  attributes: {},
  errorClass: 'movement',
  infer: (inputs) => {
    const [indices, weight] = inputs as readonly [TensorSpec, TensorSpec]
    if (weight.shape.length !== 2) {
      throw new ShapeError('embedding', `weight is ${formatShape(weight.shape)}, not [rows, width]`)
    }
    return { dtype: weight.dtype, shape: [...indices.shape, weight.shape[1]!] }
  },
  flops: flopsPerElement(0),
  dtypes: dtypeNames,
  samples: (dtype) => {
    const table = tensorSample(dtype, [10, 6], anyFill(dtype))
    const picks = { kind: 'integers', below: 10 } as const
    return [
      sample('ordinary', 'int32 indices', [tensorSample('int32', [7], picks), table]),
      sample('ordinary', 'int64 indices, two axes', [tensorSample('int64', [2, 3], picks), table]),
      sample('extreme', 'first and last row', [tensorSample('int32', [4], values(0, 9)), table]),
      sample('empty', 'no indices', [tensorSample('int32', [0], picks), table]),
      sample('odd-sized', 'a scalar index, rows of one', [
        tensorSample('int32', [], picks),
        tensorSample(dtype, [10, 1], anyFill(dtype)),
      ]),
      sample('non-contiguous', 'both dense, at an offset', [
        tensorSample('int32', [5], picks, 'offset'),
        tensorSample(dtype, [10, 6], anyFill(dtype), 'offset'),
      ]),
      sample('non-contiguous', 'a transposed table and sliced indices', [
        tensorSample('int64', [5], picks, 'sliced'),
        tensorSample(dtype, [10, 6], anyFill(dtype), 'transposed'),
      ]),
      sample('special values', 'bits are kept', [
        tensorSample('int32', [7], values(6, 5, 4, 3, 2, 1, 0)),
        tensorSample(dtype, [7, 1], anyFill(dtype)),
      ]),
    ]
  },
  invalid: [
    {
      name: 'an index past the table',
      inputs: [tensorSample('int32', [2], values(0, 10)), tensorSample('float32', [10, 2])],
      attributes: {},
      error: 'IndexOutOfRangeError',
      mentions: '10',
    },
    {
      name: 'a negative index',
      inputs: [tensorSample('int64', [2], values(-1)), tensorSample('float32', [10, 2])],
      attributes: {},
      error: 'IndexOutOfRangeError',
      mentions: '-1',
    },
    {
      name: 'a table with one axis',
      inputs: [tensorSample('int32', [2], values(0)), tensorSample('float32', [10])],
      attributes: {},
      error: 'ShapeError',
      mentions: '[10]',
    },
    {
      name: 'fractional indices',
      inputs: [tensorSample('float32', [2]), tensorSample('float32', [10, 2])],
      attributes: {},
      error: 'DTypeError',
      mentions: 'indices',
    },
  ],
})

/** `indices` `[…]` (int32 or int64) into `weight` `[rows, width]`; gives `[…, width]`. */
export function embedding(indices: Tensor, weight: Tensor): Tensor {
  return dispatch(embeddingDefinition, [indices, weight])
}
