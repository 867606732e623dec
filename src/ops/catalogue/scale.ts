/** scale: a tensor times one number (aclnnMuls). */
import { floatDTypes } from '../../tensor/dtype.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { flopsPerElement, likeInput, unaryInvalid, unarySamples } from './common.ts'

export const scaleDefinition = defineOperator({
  name: 'scale',
  summary: 'y = factor · input',
  inputs: [{ name: 'input', dtypes: floatDTypes }],
  attributes: { factor: { type: 'number', summary: 'what to multiply by' } },
  errorClass: 'elementwise',
  infer: likeInput,
  flops: flopsPerElement(1),
  dtypes: floatDTypes,
  // Powers of two and a factor that float32 holds exactly, so that no backend rounds the factor.
  samples: (dtype) => [
    ...unarySamples(dtype, { factor: 0.125 }),
    ...unarySamples(dtype, { factor: -1.5 }),
  ],
  invalid: [
    ...unaryInvalid.map((invalid) => ({
      ...invalid,
      attributes: { factor: 2, ...invalid.attributes },
    })),
    {
      name: 'no factor',
      inputs: unaryInvalid[1]!.inputs,
      attributes: {},
      error: 'InvalidArgumentError',
      mentions: 'factor',
    },
  ],
})

/** `factor · input`. */
export function scale(input: Tensor, factor: number): Tensor {
  return dispatch(scaleDefinition, [input], { factor })
}
