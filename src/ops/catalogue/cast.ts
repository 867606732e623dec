/** cast: the same values in another dtype. */
import { type DType, dtypeNames, isFloatDType } from '../../tensor/dtype.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { extremes, specials, tensorSample, values } from '../samples.ts'
import { flopsPerElement, sample } from './common.ts'
import { anyFill } from './movement-common.ts'

export const castDefinition = defineOperator({
  name: 'cast',
  summary:
    'to a float: nearest, ties to even, overflow to ±Inf; float to integer: toward zero, ' +
    'saturating, NaN to 0; int64 to int32: the low 32 bits; to bool: y = (x ≠ 0)',
  inputs: [{ name: 'input', dtypes: dtypeNames }],
  attributes: { dtype: { type: 'choice', summary: 'the dtype to make', choices: dtypeNames } },
  // Every conversion has one right answer.
  errorClass: 'movement',
  infer: (inputs, { dtype }) => ({ dtype, shape: inputs[0]!.shape }),
  flops: flopsPerElement(0),
  dtypes: dtypeNames,
  samples: (dtype) =>
    dtypeNames.flatMap((to) => {
      const into = { dtype: to }
      const samples = [
        sample('ordinary', `to ${to}`, [tensorSample(dtype, [4, 9], anyFill(dtype))], into),
        sample('empty', `no elements to ${to}`, [tensorSample(dtype, [0, 3])], into),
        sample(
          'non-contiguous',
          `dense, at an offset, to ${to}`,
          [tensorSample(dtype, [3, 5], anyFill(dtype), 'offset')],
          into,
        ),
        sample(
          'non-contiguous',
          `transposed to ${to}`,
          [tensorSample(dtype, [3, 5], anyFill(dtype), 'transposed')],
          into,
        ),
        sample('odd-sized', `a scalar to ${to}`, [tensorSample(dtype, [], anyFill(dtype))], into),
      ]
      if (isFloatDType(dtype)) {
        samples.push(
          sample('extreme', `ends to ${to}`, [tensorSample(dtype, [16], extremes(dtype))], into),
          sample('special values', `to ${to}`, [tensorSample(dtype, [7], specials)], into),
          // Ties and near-ties of float16 and bfloat16, as far as the source dtype can tell them.
          sample(
            'extreme',
            `ties to ${to}`,
            [
              tensorSample(
                dtype,
                [8],
                values(2049, 2051, 65519, 65520, 257, 259, 257.00002, 2 ** -25),
              ),
            ],
            into,
          ),
        )
      } else if (dtype !== 'bool') {
        samples.push(
          sample(
            'extreme',
            `large integers to ${to}`,
            [
              tensorSample(
                dtype,
                [6],
                dtype === 'int32'
                  ? values(2 ** 31 - 1, -(2 ** 31), 2 ** 24 + 1, 2 ** 24 + 3, 65519, 65520)
                  : values(2 ** 53 - 1, 2 ** 62, -(2 ** 63), 2 ** 40 + 2 ** 16, 2 ** 32 + 5, 65520),
              ),
            ],
            into,
          ),
        )
      }
      return samples
    }),
  invalid: [
    {
      name: 'a dtype there is not',
      inputs: [tensorSample('float32', [2])],
      attributes: { dtype: 'float8' },
      error: 'InvalidArgumentError',
      mentions: 'float8',
    },
  ],
})

/** `input` converted to `dtype`; see the definition's summary for the rules of rounding. */
export function cast(input: Tensor, dtype: DType): Tensor {
  return dispatch(castDefinition, [input], { dtype })
}
