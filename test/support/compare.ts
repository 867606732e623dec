/**
 * Assertions on whole tensors. A failure says how many elements are wrong and shows the worst of
 * them: where it is, what was expected, how far off it is and what would have been allowed.
 */

import type { Tolerance } from '../../src/ops/tolerance.ts'
import type { FloatDType } from '../../src/tensor/dtype.ts'
import type { Shape } from '../../src/tensor/shape.ts'
import { roundTo } from './float-format.ts'

/** What is compared, for the message: for example `gelu float16 · ordinary · a matrix`. */
export interface ComparisonContext {
  readonly label: string
  readonly shape: Shape
}

/** What is wrong with an element; the larger `excess`, the worse. */
interface Fault {
  readonly excess: number
  readonly message: string
}

/** The multi-index of a position in row-major order. */
function indexAt(shape: Shape, position: number): number[] {
  let rest = position
  return shape
    .toReversed()
    .map((size) => {
      const i = rest % size
      rest = Math.floor(rest / size)
      return i
    })
    .reverse()
}

function assertEach<E>(
  actual: readonly E[],
  expected: readonly E[],
  { label, shape }: ComparisonContext,
  faultOf: (actual: E, expected: E) => Fault | undefined,
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${label}: ${actual.length} elements, expected ${expected.length}`)
  }
  let wrong = 0
  let worst: { fault: Fault; position: number } | undefined
  expected.forEach((value, position) => {
    const fault = faultOf(actual[position]!, value)
    if (fault === undefined) return
    wrong += 1
    if (worst === undefined || fault.excess > worst.fault.excess) worst = { fault, position }
  })
  if (worst === undefined) return
  throw new Error(
    `${label}: ${wrong} of ${expected.length} elements are wrong; ` +
      `worst at [${indexAt(shape, worst.position).join(', ')}]: ${worst.fault.message}`,
  )
}

/**
 * The rule of `src/ops/tolerance.ts`. `expected` holds exact values, not rounded to the dtype, but
 * ±Infinity where the dtype overflows; see `overflowed`.
 */
export function assertClose(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: Tolerance,
  context: ComparisonContext,
): void {
  const largest = Math.max(0, ...expected.filter(Number.isFinite).map(Math.abs))
  assertEach(actual, expected, context, (got, wanted) => {
    if (Object.is(got, wanted)) return undefined
    if (!Number.isFinite(got) || !Number.isFinite(wanted)) {
      return { excess: Infinity, message: `got ${got}, expected ${wanted}` }
    }
    const allowed =
      tolerance.relative * Math.abs(wanted) + tolerance.scaled * largest + tolerance.smallest
    const needed = Math.abs(got - wanted)
    if (needed <= allowed) return undefined
    return {
      excess: needed / allowed,
      message: `got ${got}, expected ${wanted}: off by ${needed}, allowed are ${allowed}`,
    }
  })
}

/** Exact values with ±Infinity where rounding to the dtype overflows. */
export function overflowed(dtype: FloatDType, exact: readonly number[]): number[] {
  return exact.map((value) => {
    const rounded = roundTo(dtype, value)
    return Number.isFinite(rounded) ? value : rounded
  })
}

/** Room for the float64 arithmetic on both sides and its order of summation. */
const float64Slack = 1e-9

/**
 * Every element is the number of the dtype that is nearest to the exact value, where float64
 * arithmetic can tell. An exact zero has the right sign too.
 */
export function assertCorrectlyRounded(
  actual: readonly number[],
  exact: readonly number[],
  dtype: FloatDType,
  context: ComparisonContext,
): void {
  assertEach(actual, exact, context, (got, wanted) => {
    if (Object.is(got, wanted)) return undefined
    const slack = float64Slack * Math.abs(wanted)
    const low = roundTo(dtype, wanted - slack)
    const high = roundTo(dtype, wanted + slack)
    if (wanted !== 0 && low <= got && got <= high) return undefined
    return {
      excess: Math.abs(got - wanted) / (Math.abs(wanted) || 1),
      message: `got ${got}, the exact value is ${wanted}, which rounds to ${roundTo(dtype, wanted)}`,
    }
  })
}

/** Equal bits, NaN payloads included. */
export function assertSameBits(
  actual: readonly bigint[],
  expected: readonly bigint[],
  context: ComparisonContext,
): void {
  assertEach(actual, expected, context, (got, wanted) =>
    got === wanted
      ? undefined
      : { excess: 1, message: `got bits 0x${got.toString(16)}, expected 0x${wanted.toString(16)}` },
  )
}

/** Equal values: zeros with the same sign, any NaN for a NaN. */
export function assertSameValues(
  actual: readonly (number | bigint)[],
  expected: readonly (number | bigint)[],
  context: ComparisonContext,
): void {
  assertEach<number | bigint>(actual, expected, context, (got, wanted) =>
    Object.is(got, wanted) ? undefined : { excess: 1, message: `got ${got}, expected ${wanted}` },
  )
}
