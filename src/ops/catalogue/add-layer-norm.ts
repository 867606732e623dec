/** add_layer_norm: a residual connection and the normalisation after it (aclnnAddLayerNorm). */
import { floatDTypes } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { formatShape, sameShape } from '../../tensor/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { TensorSpec } from '../backend.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { tensorSample } from '../samples.ts'
import { flopsPerElement, likeInput } from './common.ts'
import { checkNormalized, epsSchema, normSamples } from './layer-norm-common.ts'

export const addLayerNormDefinition = defineOperator({
  name: 'add_layer_norm',
  summary: 'y = layer_norm(input + residual), the sum not rounded in between',
  inputs: [
    { name: 'input', dtypes: floatDTypes },
    { name: 'residual', dtypes: floatDTypes },
    { name: 'weight', dtypes: floatDTypes },
    { name: 'bias', dtypes: floatDTypes },
  ],
  attributes: { eps: epsSchema },
  errorClass: 'reduction',
  infer: (inputs, { eps }) => {
    const [input, residual, ...parameters] = inputs as readonly TensorSpec[]
    if (!sameShape(input!.shape, residual!.shape)) {
      throw new ShapeError(
        'add_layer_norm',
        `input ${formatShape(input!.shape)} and residual ${formatShape(residual!.shape)} differ`,
      )
    }
    checkNormalized('add_layer_norm', input!.shape, parameters, eps)
    return likeInput(inputs)
  },
  flops: flopsPerElement(9),
  dtypes: floatDTypes,
  samples: (dtype) => normSamples(dtype, 2),
  invalid: [
    {
      name: 'a residual of another shape',
      inputs: [[2, 4], [1, 4], [4], [4]].map((shape) => tensorSample('float32', shape)),
      attributes: {},
      error: 'ShapeError',
      mentions: 'residual [1, 4]',
    },
    {
      name: 'a bias of another width',
      inputs: [[2, 4], [2, 4], [4], [5]].map((shape) => tensorSample('float32', shape)),
      attributes: {},
      error: 'ShapeError',
      mentions: '[5]',
    },
  ],
})

/** `layer_norm(input + residual)`; both `[…, n]`, `weight` and `bias` `[n]`. */
export function addLayerNorm(
  input: Tensor,
  residual: Tensor,
  weight: Tensor,
  bias: Tensor,
  attributes: { eps?: number } = {},
): Tensor {
  return dispatch(addLayerNormDefinition, [input, residual, weight, bias], attributes)
}
