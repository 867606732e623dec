/** layer_norm: normalisation along the last axis. */
import { floatDTypes } from '../../tensor/dtype.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { extremes, tensorSample } from '../samples.ts'
import { asFloat, flopsPerElement, likeInput, sample } from './common.ts'
import { checkNormalized, epsSchema, normSamples } from './layer-norm-common.ts'

export const layerNormDefinition = defineOperator({
  name: 'layer_norm',
  // Ba, Kiros and Hinton, "Layer Normalization", arXiv:1607.06450; variance without Bessel's
  // correction, eps inside the root, as PyTorch.
  summary: 'y = (x − mean x) / √(var x + eps) · weight + bias, along the last axis',
  inputs: [
    { name: 'input', dtypes: floatDTypes },
    { name: 'weight', dtypes: floatDTypes },
    { name: 'bias', dtypes: floatDTypes },
  ],
  attributes: { eps: epsSchema },
  errorClass: 'reduction',
  infer: (inputs, { eps }) => {
    checkNormalized('layer_norm', inputs[0]!.shape, inputs.slice(1), eps)
    return likeInput(inputs)
  },
  flops: flopsPerElement(8),
  dtypes: floatDTypes,
  samples: (dtype) => [
    ...normSamples(dtype, 1),
    sample('extreme', 'constant rows', [
      tensorSample(dtype, [2, 6], { kind: 'values', values: [3] }),
      tensorSample(dtype, [6]),
      tensorSample(dtype, [6]),
    ]),
    sample('extreme', 'one huge element among small ones', [
      tensorSample(dtype, [2, 16], {
        kind: 'values',
        values: [...new Array<number>(15).fill(0.5), 1000],
      }),
      tensorSample(dtype, [16]),
      tensorSample(dtype, [16]),
    ]),
    sample('extreme', 'ends of the range in the weights', [
      tensorSample(dtype, [3, 16]),
      tensorSample(dtype, [16], extremes(asFloat(dtype))),
      tensorSample(dtype, [16]),
    ]),
  ],
  invalid: [
    {
      name: 'weights of another width',
      inputs: [
        tensorSample('float32', [2, 4]),
        tensorSample('float32', [3]),
        tensorSample('float32', [4]),
      ],
      attributes: {},
      error: 'ShapeError',
      mentions: '[3]',
    },
    {
      name: 'a scalar',
      inputs: [
        tensorSample('float32', []),
        tensorSample('float32', [1]),
        tensorSample('float32', [1]),
      ],
      attributes: {},
      error: 'ShapeError',
      mentions: 'axis',
    },
    {
      name: 'a negative eps',
      inputs: [
        tensorSample('float32', [2, 4]),
        tensorSample('float32', [4]),
        tensorSample('float32', [4]),
      ],
      attributes: { eps: -1 },
      error: 'InvalidArgumentError',
      mentions: 'eps',
    },
    {
      name: 'mixed dtypes',
      inputs: [
        tensorSample('float16', [2, 4]),
        tensorSample('float32', [4]),
        tensorSample('float32', [4]),
      ],
      attributes: {},
      error: 'DTypeError',
      mentions: 'float16',
    },
  ],
})

/** Normalises each row of `input` `[…, n]`; `weight` and `bias` are `[n]`. */
export function layerNorm(
  input: Tensor,
  weight: Tensor,
  bias: Tensor,
  attributes: { eps?: number } = {},
): Tensor {
  return dispatch(layerNormDefinition, [input, weight, bias], attributes)
}
