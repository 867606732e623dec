/** What layer_norm and add_layer_norm have in common. */
import { InvalidArgumentError } from '../../errors.ts'
import type { DType } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { formatShape, type Shape } from '../../tensor/shape.ts'
import type { TensorSpec } from '../backend.ts'
import type { AttributeSchema } from '../operator.ts'
import {
  type Fill,
  normal,
  type Sample,
  type SampleCategory,
  type SampleLayout,
  specials,
  tensorSample,
} from '../samples.ts'
import { sample } from './common.ts'

export const epsSchema = {
  type: 'number',
  summary: 'added to the variance',
  default: 1e-5,
} as const satisfies AttributeSchema

/** Throws unless every parameter is `[n]` for an input of `[…, n]` and eps is not negative. */
export function checkNormalized(
  operator: string,
  shape: Shape,
  parameters: readonly (TensorSpec | undefined)[],
  eps: number,
): void {
  const width = shape.at(-1)
  if (width === undefined) throw new ShapeError(operator, 'a scalar has no axis to normalise')
  for (const parameter of parameters) {
    if (parameter === undefined) continue
    if (parameter.shape.length !== 1 || parameter.shape[0] !== width) {
      throw new ShapeError(
        operator,
        `input ${formatShape(shape)} needs weight and bias of [${width}], not ${formatShape(parameter.shape)}`,
      )
    }
  }
  if (!(eps >= 0)) throw new InvalidArgumentError(`${operator}: eps`, `${eps} is negative`)
}

/** `tensors` inputs of one shape, then weight and bias. */
export function normSamples(dtype: DType, tensors: number): Sample[] {
  const of = (
    category: SampleCategory,
    name: string,
    shape: Shape,
    fill: Fill = normal,
    layout: SampleLayout = 'contiguous',
    eps = 1e-5,
  ): Sample => {
    const width = shape.at(-1)!
    const input = tensorSample(dtype, shape, fill, layout)
    const parameter = tensorSample(dtype, [width], normal, layout)
    return sample(
      category,
      name,
      [...new Array<typeof input>(tensors).fill(input), parameter, parameter],
      { eps },
    )
  }
  return [
    of('ordinary', 'rows of 64', [4, 64]),
    of('ordinary', 'three axes', [2, 3, 32]),
    of('ordinary', 'eps 1e-12', [4, 64], normal, 'contiguous', 1e-12),
    of('extreme', 'far from zero', [3, 32], { kind: 'normal', deviation: 200 }),
    of('empty', 'no rows', [0, 8]),
    of('odd-sized', 'a single row of 7', [1, 7]),
    of('odd-sized', 'rows of one element', [3, 1]),
    of('non-contiguous', 'dense, at an offset', [3, 5], normal, 'offset'),
    of('non-contiguous', 'transposed', [6, 5], normal, 'transposed'),
    of('non-contiguous', 'sliced', [3, 4, 5], normal, 'sliced'),
    of('special values', 'NaN and infinities', [2, 7], specials),
  ]
}
