/** linear: a fully connected layer, its weight stored as checkpoints store it (aclnnAddmm). */
import { floatDTypes } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { formatShape, numel } from '../../tensor/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { TensorSpec } from '../backend.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { specials, tensorSample } from '../samples.ts'
import { sample } from './common.ts'

export const linearDefinition = defineOperator({
  name: 'linear',
  summary: 'y = input · weightᵀ + bias',
  inputs: [
    { name: 'input', dtypes: floatDTypes },
    { name: 'weight', dtypes: floatDTypes },
    { name: 'bias', dtypes: floatDTypes, optional: true },
  ],
  attributes: {},
  errorClass: 'matmul',
  infer: (inputs) => {
    const [input, weight, bias] = inputs as readonly [TensorSpec, TensorSpec, TensorSpec?]
    if (weight.shape.length !== 2) {
      throw new ShapeError('linear', `weight is ${formatShape(weight.shape)}, not [out, in]`)
    }
    const [outFeatures, inFeatures] = weight.shape as readonly [number, number]
    if (input.shape.at(-1) !== inFeatures) {
      throw new ShapeError(
        'linear',
        `input ${formatShape(input.shape)} does not end in ${inFeatures}, the in of weight ${formatShape(weight.shape)}`,
      )
    }
    if (bias !== undefined && (bias.shape.length !== 1 || bias.shape[0] !== outFeatures)) {
      throw new ShapeError('linear', `bias is ${formatShape(bias.shape)}, not [${outFeatures}]`)
    }
    return { dtype: input.dtype, shape: [...input.shape.slice(0, -1), outFeatures] }
  },
  flops: (inputs, _attributes, output) => {
    const products = 2 * numel(output.shape) * inputs[1]!.shape[1]!
    return inputs[2] === undefined ? products : products + numel(output.shape)
  },
  dtypes: floatDTypes,
  samples: (dtype) => {
    const of = (...shape: number[]) => tensorSample(dtype, shape)
    const moved = (...shape: number[]) => tensorSample(dtype, shape, undefined, 'offset')
    const turned = (...shape: number[]) => tensorSample(dtype, shape, undefined, 'transposed')
    const sliced = (...shape: number[]) => tensorSample(dtype, shape, undefined, 'sliced')
    return [
      sample('ordinary', 'with bias', [of(8, 32), of(24, 32), of(24)]),
      sample('ordinary', 'without bias', [of(8, 32), of(24, 32), undefined]),
      sample('ordinary', 'three axes', [of(2, 3, 16), of(8, 16), of(8)]),
      sample('ordinary', 'a vector', [of(16), of(8, 16), of(8)]),
      sample('extreme', 'cancelling bias', [
        of(4, 64),
        of(8, 64),
        tensorSample(dtype, [8], { kind: 'normal', deviation: 1000 }),
      ]),
      sample('empty', 'no rows', [of(0, 4), of(3, 4), of(3)]),
      sample('empty', 'no inputs: the bias alone', [of(2, 0), of(3, 0), of(3)]),
      sample('odd-sized', 'primes', [of(7, 13), of(5, 13), of(5)]),
      sample('odd-sized', 'one row, one output', [of(1, 3), of(1, 3), of(1)]),
      sample('non-contiguous', 'dense, at an offset', [moved(6, 5), moved(4, 5), moved(4)]),
      sample('non-contiguous', 'transposed', [turned(6, 5), turned(4, 5), of(4)]),
      sample('non-contiguous', 'sliced', [sliced(3, 6), sliced(4, 6), sliced(4)]),
      sample('special values', 'NaN and infinities', [
        tensorSample(dtype, [7, 3], specials),
        of(2, 3),
        of(2),
      ]),
    ]
  },
  invalid: [
    {
      name: 'a weight for another width',
      inputs: [tensorSample('float32', [2, 3]), tensorSample('float32', [4, 5])],
      attributes: {},
      error: 'ShapeError',
      mentions: '[4, 5]',
    },
    {
      name: 'a weight with three axes',
      inputs: [tensorSample('float32', [2, 3]), tensorSample('float32', [1, 4, 3])],
      attributes: {},
      error: 'ShapeError',
      mentions: '[out, in]',
    },
    {
      name: 'a bias of another width',
      inputs: [[2, 3], [4, 3], [3]].map((shape) => tensorSample('float32', shape)),
      attributes: {},
      error: 'ShapeError',
      mentions: 'bias',
    },
    {
      name: 'a scalar',
      inputs: [tensorSample('float32', []), tensorSample('float32', [4, 3])],
      attributes: {},
      error: 'ShapeError',
      mentions: 'input []',
    },
    {
      name: 'mixed dtypes',
      inputs: [tensorSample('float16', [2, 3]), tensorSample('float32', [4, 3])],
      attributes: {},
      error: 'DTypeError',
      mentions: 'float16',
    },
  ],
})

/** `input` `[…, in]`, `weight` `[out, in]`, `bias` `[out]`; gives `[…, out]`. */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return dispatch(linearDefinition, [input, weight, bias])
}
