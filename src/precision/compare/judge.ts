/** From the elements of both sides to metrics and a verdict, without rows of padding. */
import type { OperatorName } from '../../ops/index.ts'
import type { DType } from '../../tensor/dtype.ts'
import type { Shape } from '../../tensor/shape.ts'
import { type Metrics, measure } from '../metrics.ts'
import type { JudgedClass, Standard } from '../standards/index.ts'
import { severities } from '../standards/standard.ts'
import { type Padding, withoutHidden } from './padding.ts'
import type { Judgement } from './result.ts'

export interface Elements {
  readonly operator: OperatorName | undefined
  readonly errorClass: JudgedClass
  readonly dtype: DType
  readonly shape: Shape
  readonly actual: Float64Array
  readonly expected: Float64Array
  readonly truth?: Float64Array
  readonly sameDType?: Float64Array
}

/** The arrays are no longer what they were: their rows of padding are NaN. */
export function judge(
  standard: Standard,
  elements: Elements,
  padding?: Padding,
): Omit<Judgement, 'batch'> {
  const { operator, errorClass, dtype, shape, actual, expected, truth, sameDType } = elements
  const hidden = padding?.hide(shape, actual, expected, truth, sameDType) ?? 0
  const metrics = withoutHidden(measure(actual, expected, { dtype, shape }), hidden)
  const verdict = standard.judge({
    operator,
    errorClass,
    dtype,
    shape,
    metrics,
    actual,
    expected,
    truth,
    sameDType,
  })
  return { metrics, verdict }
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
