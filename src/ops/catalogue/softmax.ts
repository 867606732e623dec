/** softmax: with an optional scale and mask, as attention needs it (aclnnScaledMaskedSoftmax). */
import { floatDTypes } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { broadcastShapes, formatShape, sameShape } from '../../tensor/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { TensorSpec } from '../backend.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { tensorSample, values } from '../samples.ts'
import {
  flopsPerElement,
  likeInput,
  normalizeAxis,
  sample,
  unaryInvalid,
  unarySamples,
} from './common.ts'

const someHidden = values(0, 0, 1, 0, 1)

export const softmaxDefinition = defineOperator({
  name: 'softmax',
  summary:
    'y = exp(z − max z) / Σ exp(z − max z) along axis, z = scale · input, and where mask is true ' +
    'the lowest finite number; a row hidden entirely is thus uniform',
  inputs: [
    { name: 'input', dtypes: floatDTypes },
    { name: 'mask', dtypes: ['bool'], optional: true },
  ],
  sameDType: ['input'],
  attributes: {
    axis: { type: 'integer', summary: 'the axis that sums to 1', default: -1 },
    scale: { type: 'number', summary: 'multiplies the input first', default: 1 },
  },
  errorClass: 'transcendental',
  infer: (inputs, { axis }) => {
    const [input, mask] = inputs as readonly [TensorSpec, TensorSpec | undefined]
    normalizeAxis('softmax', axis, input.shape)
    if (mask !== undefined) {
      const shape = broadcastShapes(input.shape, mask.shape)
      if (shape === undefined || !sameShape(shape, input.shape)) {
        throw new ShapeError(
          'softmax',
          `mask ${formatShape(mask.shape)} does not broadcast to input ${formatShape(input.shape)}`,
        )
      }
    }
    return likeInput(inputs)
  },
  flops: flopsPerElement(12),
  dtypes: floatDTypes,
  samples: (dtype) => [
    ...unarySamples(dtype),
    sample('ordinary', 'scaled', [tensorSample(dtype, [2, 3, 4, 8])], { scale: 0.125 }),
    sample('ordinary', 'a mask for every row', [
      tensorSample(dtype, [2, 3, 4, 5]),
      tensorSample('bool', [2, 1, 1, 5], someHidden),
    ]),
    sample(
      'ordinary',
      'scaled and masked',
      [tensorSample(dtype, [2, 3, 5, 5]), tensorSample('bool', [5, 5], someHidden)],
      { scale: 0.25 },
    ),
    sample('ordinary', 'along the first axis', [tensorSample(dtype, [5, 4])], { axis: 0 }),
    sample('extreme', 'everything masked', [
      tensorSample(dtype, [2, 4]),
      tensorSample('bool', [1, 4], values(1)),
    ]),
    sample('non-contiguous', 'transposed, with a sliced mask', [
      tensorSample(dtype, [4, 5], undefined, 'transposed'),
      tensorSample('bool', [4, 5], someHidden, 'sliced'),
    ]),
  ],
  invalid: [
    ...unaryInvalid,
    {
      name: 'a mask of another width',
      inputs: [tensorSample('float32', [2, 4]), tensorSample('bool', [2, 3], someHidden)],
      attributes: {},
      error: 'ShapeError',
      mentions: 'mask [2, 3]',
    },
    {
      name: 'a mask larger than the input',
      inputs: [tensorSample('float32', [4]), tensorSample('bool', [2, 4], someHidden)],
      attributes: {},
      error: 'ShapeError',
      mentions: 'mask [2, 4]',
    },
    {
      name: 'a mask of numbers',
      inputs: [tensorSample('float32', [2, 4]), tensorSample('float32', [2, 4])],
      attributes: {},
      error: 'DTypeError',
      mentions: 'mask',
    },
    {
      name: 'an axis there is not',
      inputs: [tensorSample('float32', [2, 4])],
      attributes: { axis: 2 },
      error: 'ShapeError',
      mentions: 'axis 2',
    },
    {
      name: 'a scalar',
      inputs: [tensorSample('float32', [])],
      attributes: {},
      error: 'ShapeError',
      mentions: 'axis -1',
    },
  ],
})

/** Softmax along `axis` (the last by default). `mask` broadcasts to `input`; true hides an element. */
export function softmax(
  input: Tensor,
  mask?: Tensor,
  attributes: { axis?: number; scale?: number } = {},
): Tensor {
  return dispatch(softmaxDefinition, [input, mask], attributes)
}
