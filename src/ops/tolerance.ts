/**
 * How far a correct kernel may be from the exact result, per class of operator and dtype.
 *
 * An element passes if
 *
 *     |actual − expected| ≤ relative · |expected| + scaled · max|expected| + smallest
 *
 * where the maximum runs over the finite elements of the expected tensor and `smallest` is the
 * spacing of subnormal numbers. The second term is what sums need: an element that is small because
 * large terms cancelled inherits the rounding of the large ones. NaN and infinities must be in the
 * same places with the same signs, whatever the tolerance.
 *
 * All numbers are multiples of the dtype's epsilon, so that one table serves every dtype.
 */
import { type DType, finfo, isFloatDType } from '../tensor/dtype.ts'

export type ErrorClass =
  /** Moves elements or picks them: results are bit-identical. */
  | 'movement'
  /** One correctly rounded arithmetic operation an element. */
  | 'elementwise'
  /** exp, tanh, erf and what is made of them. */
  | 'transcendental'
  /** Sums along an axis: normalisation. */
  | 'reduction'
  /** Products summed in at least float32. */
  | 'matmul'
  /** Several operators in a row, each of which may round its output. */
  | 'composite'

export interface Tolerance {
  readonly relative: number
  readonly scaled: number
  readonly smallest: number
}

const exact: Tolerance = { relative: 0, scaled: 0, smallest: 0 }

/**
 * In epsilons. One epsilon is one unit in the last place at most. 16-bit results are computed in
 * float32 and rounded once, so that their error is that rounding and little else; float32 kernels
 * accumulate in float32, where the error grows with the number of terms.
 */
const epsilons: Record<
  Exclude<ErrorClass, 'movement'>,
  Record<'float32' | 'sixteenBit', { relative: number; scaled: number }>
> = {
  elementwise: {
    float32: { relative: 1, scaled: 0 },
    sixteenBit: { relative: 1, scaled: 0 },
  },
  transcendental: {
    float32: { relative: 8, scaled: 2 },
    sixteenBit: { relative: 1, scaled: 0.5 },
  },
  reduction: {
    float32: { relative: 8, scaled: 4 },
    sixteenBit: { relative: 1, scaled: 0.5 },
  },
  matmul: {
    float32: { relative: 8, scaled: 16 },
    sixteenBit: { relative: 1, scaled: 0.5 },
  },
  // Rounded scores are off by half an epsilon of their size, and softmax turns that into a relative
  // error of the probabilities: scores of up to 10 cost 5 epsilons. Largest seen over 60 seeds: 5.5.
  composite: {
    float32: { relative: 8, scaled: 16 },
    sixteenBit: { relative: 1, scaled: 8 },
  },
}

/** The tolerance for results of `dtype`; integers and bool must always be exact. */
export function toleranceOf(errorClass: ErrorClass, dtype: DType): Tolerance {
  if (errorClass === 'movement' || !isFloatDType(dtype)) return exact
  const row = epsilons[errorClass][dtype === 'float32' ? 'float32' : 'sixteenBit']
  return {
    relative: row.relative * finfo[dtype].eps,
    scaled: row.scaled * finfo[dtype].eps,
    smallest: finfo[dtype].smallestSubnormal,
  }
}
