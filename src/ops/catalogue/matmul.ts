/** matmul: batched matrix product. */
import { floatDTypes } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { broadcastShapes, formatShape, numel } from '../../tensor/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { TensorSpec } from '../backend.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { specials, tensorSample, values } from '../samples.ts'
import { sample } from './common.ts'

export const matmulDefinition = defineOperator({
  name: 'matmul',
  summary: 'y[…, i, j] = Σₖ input[…, i, k] · other[…, k, j]; leading axes broadcast',
  inputs: [
    { name: 'input', dtypes: floatDTypes },
    { name: 'other', dtypes: floatDTypes },
  ],
  attributes: {},
  errorClass: 'matmul',
  infer: (inputs) => {
    const [a, b] = inputs as readonly [TensorSpec, TensorSpec]
    const given = `${formatShape(a.shape)} and ${formatShape(b.shape)}`
    if (a.shape.length < 2 || b.shape.length < 2) {
      throw new ShapeError('matmul', `needs two axes at least on both sides, not ${given}`)
    }
    if (a.shape.at(-1) !== b.shape.at(-2)) {
      throw new ShapeError('matmul', `inner sizes of ${given} differ`)
    }
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2))
    if (batch === undefined) {
      throw new ShapeError('matmul', `leading axes of ${given} do not broadcast`)
    }
    return { dtype: a.dtype, shape: [...batch, a.shape.at(-2)!, b.shape.at(-1)!] }
  },
  flops: (inputs, _attributes, output) => 2 * numel(output.shape) * inputs[0]!.shape.at(-1)!,
  dtypes: floatDTypes,
  samples: (dtype) => {
    const of = (...shape: number[]) => tensorSample(dtype, shape)
    const moved = (...shape: number[]) => tensorSample(dtype, shape, undefined, 'offset')
    const turned = (...shape: number[]) => tensorSample(dtype, shape, undefined, 'transposed')
    const sliced = (...shape: number[]) => tensorSample(dtype, shape, undefined, 'sliced')
    const large = tensorSample(dtype, [3, 4], { kind: 'normal', deviation: 2 ** 100 })
    return [
      sample('ordinary', 'two matrices', [of(16, 32), of(32, 24)]),
      sample('ordinary', 'a long inner axis', [of(4, 768), of(768, 8)]),
      sample('ordinary', 'batches', [of(2, 3, 5, 8), of(2, 3, 8, 6)]),
      sample('ordinary', 'one matrix for a batch', [of(4, 5, 8), of(8, 6)]),
      sample('ordinary', 'both batches repeat', [of(2, 1, 5, 8), of(3, 8, 6)]),
      sample('extreme', 'overflow and cancellation', [large, tensorSample(dtype, [4, 2])]),
      sample('empty', 'no rows', [of(0, 4), of(4, 3)]),
      sample('empty', 'an inner axis of 0 sums to 0', [of(2, 0), of(0, 3)]),
      sample('odd-sized', 'single elements', [of(1, 1), of(1, 1)]),
      sample('odd-sized', 'primes', [of(7, 13), of(13, 5)]),
      sample('non-contiguous', 'dense, at an offset', [moved(5, 8), moved(8, 6)]),
      sample('non-contiguous', 'left transposed', [turned(5, 8), of(8, 6)]),
      sample('non-contiguous', 'right transposed', [of(5, 8), turned(8, 6)]),
      sample('non-contiguous', 'both sliced, in batches', [sliced(2, 5, 8), sliced(2, 8, 6)]),
      sample('special values', 'NaN and infinities', [
        tensorSample(dtype, [7, 3], specials),
        tensorSample(dtype, [3, 2], values(1, 0.5, -2, 1, 0, 3)),
      ]),
    ]
  },
  invalid: [
    {
      name: 'inner sizes that differ',
      inputs: [tensorSample('float32', [2, 3]), tensorSample('float32', [4, 2])],
      attributes: {},
      error: 'ShapeError',
      mentions: '[4, 2]',
    },
    {
      name: 'a vector',
      inputs: [tensorSample('float32', [2, 3]), tensorSample('float32', [3])],
      attributes: {},
      error: 'ShapeError',
      mentions: 'two axes',
    },
    {
      name: 'batches that do not broadcast',
      inputs: [tensorSample('float32', [2, 2, 3]), tensorSample('float32', [3, 3, 2])],
      attributes: {},
      error: 'ShapeError',
      mentions: 'broadcast',
    },
    {
      name: 'two dtypes',
      inputs: [tensorSample('float32', [2, 3]), tensorSample('bfloat16', [3, 2])],
      attributes: {},
      error: 'DTypeError',
      mentions: 'bfloat16',
    },
  ],
})

/** `[…, m, k]` times `[…, k, n]` gives `[…, m, n]`; leading axes broadcast. */
export function matmul(input: Tensor, other: Tensor): Tensor {
  return dispatch(matmulDefinition, [input, other])
}
