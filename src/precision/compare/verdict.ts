/**
 * One verdict of all. What goes in, each operator by itself, and the logits have to pass; what lies
 * between has inherited errors, which the logits have as well, and counts only where operators were
 * not looked at by themselves. It fails closed: what has no counterpart on the other side, and a
 * comparison of nothing, is an error.
 */
import { type Verdict, worstOf } from '../standards/index.ts'
import { failure } from '../standards/standard.ts'
import type { ComparisonResult, OperatorComparison } from './result.ts'

type Compared = Omit<ComparisonResult, 'verdict' | 'firstDivergent'>

export function finalVerdict(compared: Compared): Verdict {
  const { operators, logitsVerdict, inputs, parameters, modules, modes, unmatched } = compared
  const named = (name: string, verdict: Verdict | undefined): Verdict[] =>
    verdict === undefined ? [] : [{ ...verdict, rule: `${name}: ${verdict.rule}` }]
  const missing = unmatched.map((what) => ({
    standard: 'same operators',
    ...failure(`${what} has no counterpart`),
  }))
  const hasIsolated = modes.includes('isolated')
  const worst = worstOf([
    ...missing,
    ...inputs.flatMap(({ name, verdict }) => named(name, verdict)),
    ...parameters.different.flatMap(({ name, judgement }) => named(name, judgement.verdict)),
    ...operators.flatMap((one) => [
      ...named(one.id, hasIsolated ? one.isolated?.verdict : one.cascaded?.verdict),
      ...named(one.id, one.attributes && attributesVerdict(one.attributes)),
    ]),
    ...(hasIsolated ? [] : modules.flatMap(({ scope, verdict }) => named(scope, verdict))),
    ...named('logits', logitsVerdict),
  ])
  if (worst.status !== 'pass') return worst
  return { ...logitsVerdict, rule: `logits: ${logitsVerdict.rule}` }
}

/** Other attributes make another operator, also where these inputs do not show it. */
function attributesVerdict(attributes: NonNullable<OperatorComparison['attributes']>): Verdict {
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

/**
 * Where something is wrong, the first operator, in order of execution, with an error in any mode; else
 * with a warning.
 */
export function firstDivergent(
  operators: readonly OperatorComparison[],
  { status }: Verdict,
): string | undefined {
  if (status === 'pass') return undefined
  const first = (severity: Verdict['status']): OperatorComparison | undefined =>
    operators.find(({ isolated, cascaded, attributes }) =>
      [isolated?.verdict, cascaded?.verdict, attributes && attributesVerdict(attributes)].some(
        (verdict) => verdict?.status === severity,
      ),
    )
  return (first('error') ?? first('warning'))?.id
}
