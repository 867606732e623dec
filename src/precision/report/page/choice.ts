/** One value out of several, chosen in a list. */
import { freshId, h } from './dom.ts'

export interface Choice<T> {
  readonly element: HTMLElement
  value(): T
}

export function choice<T>(
  label: string,
  options: readonly (readonly [name: string, value: T])[],
  changed: () => void,
): Choice<T> {
  const id = freshId()
  const select = h(
    'select',
    { id, change: changed },
    ...options.map(([name], index) => h('option', { value: index }, name)),
  )
  return {
    element: h('span', { class: 'choice' }, h('label', { for: id }, label), select),
    value: () => options[Number(select.value)]![1],
  }
}
