/** A verdict with its rule, and the element that is furthest off. */
import type { Judgement } from '../data.ts'
import { h } from '../dom.ts'
import { element, figure, shape } from '../format.ts'
import { statusBadge } from '../status.ts'

export function judgementText(
  name: string,
  { verdict, metrics: { worst }, batch }: Judgement,
): HTMLElement {
  const { allowed, needed, rule } = verdict
  const limits =
    needed === undefined ? '' : ` Allowed ${figure(allowed)}, needed ${figure(needed)}.`
  return h(
    'p',
    {},
    h('strong', {}, `${name} `),
    statusBadge(verdict.status),
    ` ${rule}.${limits}`,
    worst === undefined
      ? ' All elements are equal.'
      : ` Worst element ${shape(worst.index)} of batch ${batch}: device ${element(worst.actual)}, ` +
          `reference ${element(worst.expected)}.`,
  )
}
