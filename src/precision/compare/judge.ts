/** From the elements of both sides to metrics and a verdict, without rows of padding. */
import type { OperatorName } from '../../ops/index.ts'
import type { DType } from '../../tensor/dtype.ts'
import type { Shape } from '../../tensor/shape.ts'
import { type Metrics, measure } from '../metrics.ts'
import type { JudgedClass, Standard } from '../standards/index.ts'
import { severities } from '../standards/standard.ts'
import { type Padding, withoutHidden } from './padding.ts'
import type { Judgement } from './result.ts'
import type { Truth } from './truth.ts'

export interface Elements {
  readonly operator: OperatorName | undefined
  readonly errorClass: JudgedClass
  readonly dtype: DType
  readonly shape: Shape
  readonly actual: Float64Array
  readonly expected: Float64Array
  readonly truth?: Truth
  /** Of an accumulated result, how many operators have made it. */
  readonly depth?: number
}

/**
 * Metrics are of all rows but padding; the verdict is of those whose exact result is known, where it is
 * known of some. The arrays are no longer what they were: rows that are left out are NaN.
 */
export function judge(
  standard: Standard,
  { truth: known, ...elements }: Elements,
  padding?: Padding,
): Omit<Judgement, 'batch'> {
  const { dtype, shape, actual, expected } = elements
  const hidden = padding?.hide(shape, actual, expected, known?.truth, known?.sameDType) ?? 0
  const metrics = withoutHidden(measure(actual, expected, { dtype, shape }), hidden)
  if (known?.rows !== undefined) keepRows(known.rows, shape, actual, expected)
  const { truth, sameDType } = known ?? {}
  return { metrics, verdict: standard.judge({ ...elements, metrics, truth, sameDType }) }
}

/** Makes all other rows NaN on both sides, which standards pass over. */
function keepRows(rows: readonly number[], shape: Shape, ...sides: readonly Float64Array[]): void {
  const kept = new Set(rows)
  const width = shape.at(-1)!
  for (const side of sides) {
    for (let row = 0; row * width < side.length; row++) {
      if (!kept.has(row)) side.fill(Number.NaN, row * width, (row + 1) * width)
    }
  }
}

/** How bad an error is, for a ranking: NaN and infinities in different places first. */
export function severityOf({ nonFinite, relativeL2 }: Metrics): number {
  return nonFinite.disagreements > 0 ? Infinity : relativeL2
}

/** The worse of two judgements of the same thing in different batches. */
export function worse(a: Judgement | undefined, b: Judgement | undefined): Judgement | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const [ofA, ofB] = [a, b].map(({ verdict }) => severities.indexOf(verdict.status))
  if (ofA !== ofB) return ofA! > ofB! ? a : b
  return severityOf(b.metrics) > severityOf(a.metrics) ? b : a
}
