/** A status as a word with a sign, so that nobody depends on its colour. */
import type { Status } from './data.ts'
import { h } from './dom.ts'

const signs: Readonly<Record<Status, string>> = { pass: '✓', warning: '!', error: '✕' }

export function statusBadge(status: Status): HTMLElement {
  const sign = h('span', { class: 'sign', 'aria-hidden': 'true' }, signs[status])
  return h('span', { class: `status ${status}` }, sign, status)
}
