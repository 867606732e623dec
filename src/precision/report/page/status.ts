/** A status as a word with a sign, so that nobody depends on its colour. */
import type { Verdict } from '../../standards/index.ts'
import { type Status, severities } from './data.ts'
import { h } from './dom.ts'
import type { Column } from './table.ts'

const signs: Readonly<Record<Status, string>> = { pass: '✓', warning: '!', error: '✕' }

export function statusBadge(status: Status): HTMLElement {
  const sign = h('span', { class: 'sign', 'aria-hidden': 'true' }, signs[status])
  return h('span', { class: `status ${status}` }, sign, status)
}

/** A column of verdicts, which sorts the worst to the top. */
export function verdictColumn<Row>(
  label: string,
  of: (row: Row) => Verdict | undefined,
): Column<Row> {
  const statusOf = (row: Row): Status | undefined => of(row)?.status
  return {
    label,
    choice: true,
    value: statusOf,
    rank: (row) => severities.indexOf(statusOf(row) ?? 'pass'),
    cell: (row) => {
      const status = statusOf(row)
      return status && statusBadge(status)
    },
  }
}
