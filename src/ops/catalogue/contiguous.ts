/** contiguous: a copy of a view with its elements in row-major order (aclnnInplaceCopy). */
import { dtypeNames } from '../../tensor/dtype.ts'
import { Tensor } from '../../tensor/tensor.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { tensorSample } from '../samples.ts'
import { flopsPerElement, likeInput, sample } from './common.ts'
import { anyFill } from './movement-common.ts'

export const contiguousDefinition = defineOperator({
  name: 'contiguous',
  summary: 'y = input, copied into row-major order',
  inputs: [{ name: 'input', dtypes: dtypeNames }],
  attributes: {},
  errorClass: 'movement',
  infer: likeInput,
  flops: flopsPerElement(0),
  dtypes: dtypeNames,
  samples: (dtype) => [
    sample('ordinary', 'a matrix', [tensorSample(dtype, [4, 9], anyFill(dtype))]),
    sample('empty', 'no elements', [tensorSample(dtype, [2, 0])]),
    sample('odd-sized', 'a scalar', [tensorSample(dtype, [], anyFill(dtype))]),
    sample('non-contiguous', 'dense, at an offset', [
      tensorSample(dtype, [3, 5], anyFill(dtype), 'offset'),
    ]),
    sample('non-contiguous', 'transposed', [
      tensorSample(dtype, [3, 7, 5], anyFill(dtype), 'transposed'),
    ]),
    sample('non-contiguous', 'sliced', [tensorSample(dtype, [3, 7, 5], anyFill(dtype), 'sliced')]),
  ],
  invalid: [],
})

/** A view of `input` where it is in row-major order already, else a copy that is. */
export function contiguous(input: Tensor): Tensor {
  if (!input.isContiguous) return dispatch(contiguousDefinition, [input])
  return new Tensor(input.storage, input.dtype, input.shape, input.strides, input.offset)
}
