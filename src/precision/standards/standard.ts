/**
 * What a standard is: a rule that turns a comparison into a verdict, with its formula shown. A new
 * standard is a file beside this one and a line in `index.ts`.
 *
 * Everything fails closed. Where nothing was compared, where NaN or infinities are in different
 * places, and where a rule needs numbers that are not there, the verdict is an error.
 */
import type { OperatorName } from '../../ops/catalogue.ts'
import type { ErrorClass } from '../../ops/tolerance.ts'
import type { DType } from '../../tensor/dtype.ts'
import { indexAt, type Shape } from '../../tensor/shape.ts'
import type { Metrics, WorstElement } from '../metrics.ts'

export type Status = 'pass' | 'warning' | 'error'

export interface Verdict {
  readonly status: Status
  readonly standard: string
  /** The formula that decided, with the numbers put in. */
  readonly rule: string
  /** The limit of that formula, and what would have had to be allowed. */
  readonly allowed: number | undefined
  readonly needed: number | undefined
  /** Where the rule looks at each element: the one that comes closest to its limit or is furthest beyond. */
  readonly element?: WorstElement
}

/** What made a result: the class of its operator, or a chain of operators, each with its own error. */
export type JudgedClass = ErrorClass | 'accumulated'

export interface Judged {
  /** Undefined for a result of several operators, such as logits. */
  readonly operator: OperatorName | undefined
  readonly errorClass: JudgedClass
  /** The dtype of the device's result. */
  readonly dtype: DType
  readonly shape: Shape
  /** Of the device's result against the reference's. */
  readonly metrics: Metrics
  /** Elements in row-major order, where they are known and not only their statistics. */
  readonly actual: Float64Array | undefined
  readonly expected: Float64Array | undefined
  /** The exact result, not rounded; see `exact.ts`. */
  readonly truth: Float64Array | undefined
  /** What the reference gives in the dtype of the device. */
  readonly sameDType: Float64Array | undefined
  /** Of an `accumulated` result, how many operators have made it, one after the other. */
  readonly depth?: number
}

export interface Standard {
  readonly name: string
  readonly summary: string
  judge(judged: Judged): Verdict
}

/** A verdict without the name of its standard. */
export type Finding = Omit<Verdict, 'standard'>

/** A standard made of a rule that only sees comparisons of something, with NaN in the same places. */
export function defineStandard(
  name: string,
  summary: string,
  rule: (judged: Judged) => Finding,
): Standard {
  return {
    name,
    summary,
    judge: (judged) => ({ standard: name, ...(refusal(judged.metrics) ?? rule(judged)) }),
  }
}

function refusal({ count, nonFinite, worst }: Metrics): Finding | undefined {
  if (count === 0) return failure('nothing was compared: there are no elements')
  if (nonFinite.disagreements === 0) return undefined
  return {
    status: 'error',
    rule:
      `NaN or infinities are in different places: ${nonFinite.disagreements} of ${count} elements, ` +
      `the first at ${at(worst!)}: ${worst!.actual}, expected ${worst!.expected}`,
    allowed: 0,
    needed: nonFinite.disagreements,
    element: worst!,
  }
}

/** An error that no number could have prevented. */
export function failure(rule: string): Finding {
  return { status: 'error', rule, allowed: undefined, needed: undefined }
}

/** The finding that `value` is below `limit`, or at most `limit`. */
export function atMost(
  name: string,
  value: number,
  limit: number,
  { strictly = false, otherwise = 'error' as Status } = {},
): Finding {
  const holds = strictly ? value < limit : value <= limit
  const sign = holds ? (strictly ? '<' : '≤') : strictly ? '≥' : '>'
  return {
    status: holds ? 'pass' : otherwise,
    rule: `${name} = ${digits(value)} ${sign} ${digits(limit)}`,
    allowed: limit,
    needed: value,
  }
}

/** The finding that `value` is at least `limit`. */
export function atLeast(
  name: string,
  value: number,
  limit: number,
  { otherwise = 'error' as Status } = {},
): Finding {
  const holds = value >= limit
  return {
    status: holds ? 'pass' : otherwise,
    rule: `${name} = ${digits(value)} ${holds ? '≥' : '<'} ${digits(limit)}`,
    allowed: limit,
    needed: value,
  }
}

/** The worst of several findings, the first of those that are equally bad; all must hold to pass. */
export function allOf(findings: readonly Finding[]): Finding {
  const severest = severities.findLast((status) => findings.some((f) => f.status === status))
  if (severest === undefined) return failure('no rule applies')
  if (severest !== 'pass') return findings.find(({ status }) => status === severest)!
  return { ...findings[0]!, rule: findings.map(({ rule }) => rule).join(' and ') }
}

/** From the best to the worst. */
export const severities: readonly Status[] = ['pass', 'warning', 'error']

/**
 * The finding that |N − B| is at most `allowedAt(B)` at every element; `formula` spells that out for
 * one value of B. The element whose error is the largest multiple of what is allowed stands for all.
 */
export function withinAt(
  { actual, shape }: Judged,
  expected: Float64Array | undefined,
  allowedAt: (b: number) => number,
  formula: (b: number) => string,
): Finding {
  if (actual === undefined || expected === undefined) {
    return failure('this rule looks at each element, but only statistics are known')
  }
  let [worst, excess, failed] = [0, -1, 0]
  for (let i = 0; i < actual.length; i++) {
    const needed = Math.abs(actual[i]! - expected[i]!)
    const isNumber = needed < Infinity
    if (!isNumber && Object.is(actual[i], expected[i])) continue
    const allowed = isNumber ? allowedAt(expected[i]!) : 0
    if (!(needed <= allowed)) failed++
    const multiple = isNumber ? (needed === 0 ? 0 : needed / allowed) : Infinity
    if (multiple <= excess) continue
    worst = i
    excess = multiple
  }
  const element = {
    index: indexAt(shape, worst),
    actual: actual[worst]!,
    expected: expected[worst]!,
  }
  if (excess < 0) {
    return {
      status: 'pass',
      rule: 'NaN and infinities are in the same places, and there is nothing else',
      allowed: 0,
      needed: 0,
    }
  }
  const needed = Math.abs(element.actual - element.expected)
  const allowed = allowedAt(element.expected)
  const status = failed === 0 ? 'pass' : 'error'
  return {
    status,
    rule:
      `|N − B| = ${digits(needed)} ${failed === 0 ? '≤' : '>'} ${formula(element.expected)} = ` +
      `${digits(allowed)} at ${at(element)}, ` +
      `${failed === 0 ? 'the nearest to its limit' : `and ${failed} of ${actual.length} elements fail`}`,
    allowed,
    needed,
    element,
  }
}

/** The finding that every element is the same number, zeros by their sign too. */
export function identical({ actual, expected, shape, metrics }: Judged): Finding {
  if (actual === undefined || expected === undefined) {
    return failure('equality looks at each element, but only statistics are known')
  }
  let different = 0
  let first = -1
  for (let i = 0; i < actual.length; i++) {
    if (Object.is(actual[i], expected[i])) continue
    different++
    if (first < 0) first = i
  }
  if (first < 0) {
    const rule = `all ${metrics.count} elements are identical`
    return { status: 'pass', rule, allowed: 0, needed: 0 }
  }
  const element = {
    index: indexAt(shape, first),
    actual: actual[first]!,
    expected: expected[first]!,
  }
  return {
    status: 'error',
    rule:
      `${different} of ${metrics.count} elements are not identical, the first at ${at(element)}: ` +
      `${signed(element.actual)}, expected ${signed(element.expected)}`,
    allowed: 0,
    needed: metrics.maxAbs,
    element,
  }
}

function at({ index }: WorstElement): string {
  return `[${index.join(', ')}]`
}

function signed(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** Four digits at most, but more where a number just below 1 would be rounded to it. */
export function digits(value: number): string {
  const short = Number(value.toPrecision(4))
  if (short === 1 && value < 1) return String(value)
  const isSmall = short !== 0 && Math.abs(short) < 1e-3
  return isSmall ? short.toExponential() : String(short)
}
