/** sigmoid: the logistic function. */
import { floatDTypes } from '../../tensor/dtype.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { flopsPerElement, likeInput, unaryInvalid, unarySamples } from './common.ts'

export const sigmoidDefinition = defineOperator({
  name: 'sigmoid',
  summary: 'y = 1 / (1 + e⁻ˣ)',
  inputs: [{ name: 'input', dtypes: floatDTypes }],
  attributes: {},
  errorClass: 'transcendental',
  infer: likeInput,
  flops: flopsPerElement(10),
  dtypes: floatDTypes,
  samples: (dtype) => unarySamples(dtype),
  invalid: unaryInvalid,
})

/** Logistic function of every element. */
export function sigmoid(input: Tensor): Tensor {
  return dispatch(sigmoidDefinition, [input])
}
