/** gelu: the Gaussian error linear unit, exact and in the two approximations in use. */
import { floatDTypes } from '../../tensor/dtype.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { flopsPerElement, likeInput, unaryInvalid, unarySamples } from './common.ts'

/**
 * `none` is the exact form with erf and `tanh` an approximation, in PyTorch's words; `sigmoid` is the
 * coarser one that transformers calls quick_gelu and aclnn FastGelu.
 */
export type GeluForm = 'none' | 'tanh' | 'sigmoid'

export const geluDefinition = defineOperator({
  name: 'gelu',
  // Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415.
  summary:
    'none: y = x/2 · (1 + erf(x/√2)); tanh: y = x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))); ' +
    'sigmoid: y = x / (1 + exp(−1.702 x))',
  inputs: [{ name: 'input', dtypes: floatDTypes }],
  attributes: {
    approximate: {
      type: 'choice',
      summary: 'the form: erf (none), or its tanh or sigmoid approximation',
      choices: ['none', 'tanh', 'sigmoid'],
      default: 'none',
    },
  },
  errorClass: 'transcendental',
  infer: likeInput,
  flops: flopsPerElement(16),
  dtypes: floatDTypes,
  samples: (dtype) => [
    ...unarySamples(dtype, { approximate: 'none' }),
    ...unarySamples(dtype, { approximate: 'tanh' }),
    ...unarySamples(dtype, { approximate: 'sigmoid' }),
  ],
  invalid: [
    ...unaryInvalid,
    {
      name: 'a form there is not',
      inputs: unaryInvalid[1]!.inputs,
      attributes: { approximate: 'erf' },
      error: 'InvalidArgumentError',
      mentions: 'approximate',
    },
  ],
})

/** GELU of every element. RoBERTa's `gelu` is the erf form, `gelu_new` the tanh form. */
export function gelu(input: Tensor, attributes: { approximate?: GeluForm } = {}): Tensor {
  return dispatch(geluDefinition, [input], attributes)
}
