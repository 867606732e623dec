/**
 * One verdict of all. Everything that was compared counts, and it fails closed: what has no
 * counterpart on the other side, and a comparison of nothing, is an error.
 */
import { type Verdict, worstOf } from '../standards/index.ts'
import { failure } from '../standards/standard.ts'
import type { ComparisonResult, OperatorComparison } from './result.ts'

type Compared = Omit<ComparisonResult, 'verdict' | 'firstDivergent'>

export function finalVerdict(compared: Compared): Verdict {
  const { operators, logitsVerdict, inputs, parameters, modules, unmatched, standard } = compared
  const named = (name: string, verdict: Verdict | undefined): Verdict[] =>
    verdict === undefined ? [] : [{ ...verdict, rule: `${name}: ${verdict.rule}` }]
  const missing = unmatched.map((what) => ({
    standard,
    ...failure(`${what} has no counterpart`),
  }))
  const verdicts: readonly Verdict[] = [
    ...missing,
    ...inputs.flatMap(({ name, verdict }) => named(name, verdict)),
    ...parameters.different.flatMap(({ name, judgement }) => named(name, judgement.verdict)),
    ...operators.flatMap((one) => verdictsOf(one).flatMap((verdict) => named(one.id, verdict))),
    ...modules.flatMap(({ scope, verdict }) => named(scope, verdict)),
    ...named('logits', logitsVerdict),
  ]
  const worst = worstOf(verdicts)
  if (worst.status !== 'pass') return worst
  return { ...logitsVerdict, rule: `logits: ${logitsVerdict.rule}` }
}

/** Isolated first: it says whose fault it is. */
function verdictsOf({ isolated, cascaded, attributes }: OperatorComparison): Verdict[] {
  return [
    ...(isolated === undefined ? [] : [isolated.verdict]),
    ...(attributes === undefined ? [] : [attributesVerdict(attributes)]),
    ...(cascaded === undefined ? [] : [cascaded.verdict]),
  ]
}

/** Other attributes make another operator, also where these inputs do not show it. */
export function attributesVerdict(
  attributes: NonNullable<OperatorComparison['attributes']>,
): Verdict {
  const differences = Object.entries(attributes).map(
    ([name, { device, reference }]) => `${name} is ${device}, on the reference ${reference}`,
  )
  return {
    status: 'warning',
    standard: 'same attributes',
    rule: differences.join('; '),
    allowed: undefined,
    needed: undefined,
  }
}

/** The first operator, in order of execution, with an error in any mode; else with a warning. */
export function firstDivergent(operators: readonly OperatorComparison[]): string | undefined {
  const first = (status: Verdict['status']): OperatorComparison | undefined =>
    operators.find((operator) => verdictsOf(operator).some((verdict) => verdict.status === status))
  return (first('error') ?? first('warning'))?.id
}
