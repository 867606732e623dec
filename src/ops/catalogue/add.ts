/** add: the sum of two tensors. */
import { floatDTypes } from '../../tensor/dtype.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { binaryInvalid, binarySamples, broadcastOutput, flopsPerElement } from './common.ts'

export const addDefinition = defineOperator({
  name: 'add',
  summary: 'y = input + other, broadcasting as NumPy does',
  inputs: [
    { name: 'input', dtypes: floatDTypes },
    { name: 'other', dtypes: floatDTypes },
  ],
  attributes: {},
  errorClass: 'elementwise',
  infer: (inputs) => broadcastOutput('add', inputs),
  flops: flopsPerElement(1),
  dtypes: floatDTypes,
  samples: binarySamples,
  invalid: binaryInvalid(),
})

/** `input + other`; shapes broadcast, dtypes must be the same. */
export function add(input: Tensor, other: Tensor): Tensor {
  return dispatch(addDefinition, [input, other])
}
