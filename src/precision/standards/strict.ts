/**
 * `strict`: what this project holds its own kernels to, `src/ops/tolerance.ts`, measured from the
 * exact result where it is known.
 */
import { type Tolerance, toleranceOf } from '../../ops/tolerance.ts'
import { finfo, isFloatDType } from '../../tensor/dtype.ts'
import {
  defineStandard,
  digits,
  type Finding,
  failure,
  identical,
  type Judged,
  withinAt,
} from './standard.ts'

/**
 * After a chain of operators, in epsilons of the largest element. PyTorch 1.13 in float32 is 240 of
 * them from float64 at the logits of a base model with outlier features, and less than 3 without
 * (README.md); published logits in float16 are within 12 of those in float32.
 */
const accumulatedEpsilons = { float32: 512, sixteenBit: 16 }

function toleranceFor({ errorClass, dtype }: Judged): Tolerance {
  if (errorClass !== 'accumulated') return toleranceOf(errorClass, dtype)
  if (!isFloatDType(dtype)) return toleranceOf('movement', dtype)
  const { eps, smallestSubnormal } = finfo[dtype]
  const scaled = accumulatedEpsilons[dtype === 'float32' ? 'float32' : 'sixteenBit'] * eps
  return { relative: 0, scaled, smallest: smallestSubnormal }
}

/** How far a correct result may be from an element of `exact`. */
export function strictAllowance(judged: Judged, exact: Float64Array): (b: number) => number {
  const { relative, scaled, smallest } = toleranceFor(judged)
  const floor = scaled * largestFinite(exact) + smallest
  return (b) => relative * Math.abs(b) + floor
}

function largestFinite(values: Float64Array): number {
  let largest = 0
  for (const value of values) {
    const magnitude = Math.abs(value)
    if (magnitude > largest && magnitude < Infinity) largest = magnitude
  }
  return largest
}

export function strictFinding(judged: Judged): Finding {
  const { dtype } = judged
  const { relative, scaled, smallest } = toleranceFor(judged)
  if (!isFloatDType(dtype) || relative + scaled === 0) return identical(judged)
  const exact = judged.truth ?? judged.expected
  if (exact === undefined)
    return failure('each element is looked at, but only statistics are known')
  const { eps } = finfo[dtype]
  const largest = digits(largestFinite(exact))
  return withinAt(judged, exact, strictAllowance(judged, exact), (b) => {
    const own = `${relative / eps} · ${digits(Math.abs(b))}`
    return `(${own} + ${scaled / eps} · ${largest}) · ${digits(eps)} + ${digits(smallest)}`
  })
}

export const strictStandard = defineStandard(
  'strict',
  "|N − B| ≤ (r · |B| + s · max|B|) · ε + t at every element, with this project's own tolerances by " +
    'class of operator and dtype; B is the exact result where it is known',
  strictFinding,
)
