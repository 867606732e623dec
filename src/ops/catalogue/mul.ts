/** mul: the product of two tensors, element by element. */
import { floatDTypes } from '../../tensor/dtype.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { binaryInvalid, binarySamples, broadcastOutput, flopsPerElement } from './common.ts'

export const mulDefinition = defineOperator({
  name: 'mul',
  summary: 'y = input · other, broadcasting as NumPy does',
  inputs: [
    { name: 'input', dtypes: floatDTypes },
    { name: 'other', dtypes: floatDTypes },
  ],
  attributes: {},
  errorClass: 'elementwise',
  infer: (inputs) => broadcastOutput('mul', inputs),
  flops: flopsPerElement(1),
  dtypes: floatDTypes,
  samples: binarySamples,
  invalid: binaryInvalid(),
})

/** `input · other`; shapes broadcast, dtypes must be the same. */
export function mul(input: Tensor, other: Tensor): Tensor {
  return dispatch(mulDefinition, [input, other])
}
