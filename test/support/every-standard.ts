/** All standards at once, and what does not pass by one of them. */
import type { ComparisonResult } from '../../src/precision/compare/result.ts'
import {
  type Standard,
  standardNames,
  standardOf,
  worstOf,
} from '../../src/precision/standards/index.ts'

/** The worst verdict counts, and its name is that of its standard. */
export const everyStandard: Standard = {
  name: standardNames.join(', '),
  summary: 'all of them',
  judge: (judged) => worstOf(standardNames.map((name) => standardOf(name).judge(judged))),
}

/**
 * What does not pass, with its reason, also what does not count for the verdict. Only `allclose` is no
 * rule for inherited errors: scores of attention, which are small sums of large terms, are beyond it.
 */
export function alarms({ operators, modules, verdict }: ComparisonResult): string[] {
  const judgements = [
    ...operators.flatMap(({ id, cascaded, isolated }) => [
      [`cascaded ${id}`, cascaded!] as const,
      [`isolated ${id}`, isolated!] as const,
    ]),
    ...modules.map((module) => [`cascaded ${module.scope}`, module] as const),
    ['all', { verdict }] as const,
  ]
  return judgements.flatMap(([what, { verdict: found }]) =>
    found.status === 'pass' || (what.startsWith('cascaded') && found.standard === 'allclose')
      ? []
      : [`${what}: ${found.standard}: ${found.rule}`],
  )
}
