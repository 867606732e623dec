/** A part of the report, with a heading that can be linked to. */
import { type Child, h } from '../dom.ts'

export function section(id: string, title: string, ...children: readonly Child[]): HTMLElement {
  const headingId = `${id}-heading`
  return h(
    'section',
    { id, 'aria-labelledby': headingId },
    h('h2', { id: headingId }, title),
    ...children,
  )
}
