/** tanh: the hyperbolic tangent. */
import { floatDTypes } from '../../tensor/dtype.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { flopsPerElement, likeInput, unaryInvalid, unarySamples } from './common.ts'

export const tanhDefinition = defineOperator({
  name: 'tanh',
  summary: 'y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)',
  inputs: [{ name: 'input', dtypes: floatDTypes }],
  attributes: {},
  errorClass: 'transcendental',
  infer: likeInput,
  flops: flopsPerElement(10),
  dtypes: floatDTypes,
  samples: (dtype) => unarySamples(dtype),
  invalid: unaryInvalid,
})

/** Hyperbolic tangent of every element. */
export function tanh(input: Tensor): Tensor {
  return dispatch(tanhDefinition, [input])
}
