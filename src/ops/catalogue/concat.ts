/** concat: tensors one after the other along an axis. */
import { dtypeNames } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { formatShape, sameShape } from '../../tensor/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { TensorSpec } from '../backend.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { tensorSample } from '../samples.ts'
import { flopsPerElement, normalizeAxis, sample } from './common.ts'
import { anyFill } from './movement-common.ts'

export const concatDefinition = defineOperator({
  name: 'concat',
  summary: 'y holds the tensors one after the other along axis',
  inputs: [{ name: 'tensors', dtypes: dtypeNames, variadic: true }],
  attributes: { axis: { type: 'integer', summary: 'the axis that grows', default: 0 } },
  errorClass: 'movement',
  infer: (inputs, { axis }) => {
    const [first, ...others] = inputs as readonly [TensorSpec, ...TensorSpec[]]
    const at = normalizeAxis('concat', axis, first.shape)
    let size = first.shape[at]!
    for (const { shape } of others) {
      if (!sameShape(shape.toSpliced(at, 1), first.shape.toSpliced(at, 1))) {
        throw new ShapeError(
          'concat',
          `${formatShape(first.shape)} and ${formatShape(shape)} differ in more than axis ${at}`,
        )
      }
      size += shape[at]!
    }
    return { dtype: first.dtype, shape: first.shape.with(at, size) }
  },
  flops: flopsPerElement(0),
  dtypes: dtypeNames,
  samples: (dtype) => {
    const of = (...shape: number[]) => tensorSample(dtype, shape, anyFill(dtype))
    return [
      sample('ordinary', 'rows', [of(2, 4), of(3, 4)]),
      sample('ordinary', 'three along the last axis', [of(2, 3), of(2, 1), of(2, 4)], { axis: -1 }),
      sample('empty', 'one of them empty', [of(2, 4), of(0, 4), of(1, 4)]),
      sample('odd-sized', 'a single tensor', [of(3, 7, 5)], { axis: 1 }),
      sample('non-contiguous', 'dense, at an offset', [
        of(2, 3),
        tensorSample(dtype, [1, 3], anyFill(dtype), 'offset'),
      ]),
      sample(
        'non-contiguous',
        'transposed and sliced',
        [
          tensorSample(dtype, [3, 4], anyFill(dtype), 'transposed'),
          tensorSample(dtype, [3, 2], anyFill(dtype), 'sliced'),
        ],
        { axis: 1 },
      ),
    ]
  },
  invalid: [
    {
      name: 'another width',
      inputs: [tensorSample('float32', [2, 3]), tensorSample('float32', [2, 4])],
      attributes: {},
      error: 'ShapeError',
      mentions: '[2, 4]',
    },
    {
      name: 'another rank',
      inputs: [tensorSample('float32', [2, 3]), tensorSample('float32', [3])],
      attributes: {},
      error: 'ShapeError',
      mentions: '[3]',
    },
    {
      name: 'two dtypes',
      inputs: [tensorSample('float32', [2]), tensorSample('float16', [2])],
      attributes: {},
      error: 'DTypeError',
      mentions: 'float16',
    },
    {
      name: 'nothing',
      inputs: [],
      attributes: {},
      error: 'ShapeError',
      mentions: 'at least one',
    },
    {
      name: 'scalars',
      inputs: [tensorSample('float32', []), tensorSample('float32', [])],
      attributes: {},
      error: 'ShapeError',
      mentions: 'axis 0',
    },
  ],
})

/** `tensors` one after the other along `axis`; all other sizes and the dtypes must agree. */
export function concat(tensors: readonly Tensor[], attributes: { axis?: number } = {}): Tensor {
  return dispatch(concatDefinition, tensors, attributes)
}
