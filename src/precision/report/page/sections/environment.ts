/** Under which circumstances the figures came about. */
import { result, type Side } from '../data.ts'
import { h } from '../dom.ts'
import { section } from './section.ts'

export function environment(): HTMLElement {
  return section(
    'environment',
    'Environment',
    h(
      'div',
      { class: 'columns' },
      facts('Device', ofSide(result.device)),
      facts('Reference', ofSide(result.reference)),
      facts('Machine and versions', Object.entries(result.environment)),
      facts('Comparison', [
        ['model', result.model.name],
        ['standard', result.standard],
        ['modes', result.modes.join(', ')],
        ['operators grafted', String(result.grafts.done)],
        ['left out for time', String(result.grafts.leftOut)],
      ]),
    ),
    h(
      'p',
      { class: 'colophon' },
      'Charts by Apache ECharts, under the Apache License 2.0; the licence is in this file.',
    ),
  )
}

function ofSide({ device, dtype, settings, isEmulated }: Side): (readonly [string, string])[] {
  const emulated: (readonly [string, string])[] = isEmulated
    ? [['emulator', 'yes, not an NPU']]
    : []
  const others = Object.entries(settings).map(([name, value]) => [name, String(value)] as const)
  return [['device', device], ['dtype', dtype], ...emulated, ...others]
}

function facts(caption: string, rows: readonly (readonly [string, string])[]): HTMLElement {
  const lines = rows.map(([name, value]) =>
    h('tr', {}, h('th', { scope: 'row' }, name), h('td', { class: 'long' }, value)),
  )
  return h('table', {}, h('caption', {}, caption), h('tbody', {}, ...lines))
}
