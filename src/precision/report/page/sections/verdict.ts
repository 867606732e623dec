/** First of all: does the device agree with the reference, and if not, where does it begin. */
import {
  type Judgement,
  measures,
  nameOf,
  type OperatorComparison,
  result,
  type Side,
  severities,
  sideName,
} from '../data.ts'
import { type Child, h } from '../dom.ts'
import { figure } from '../format.ts'
import { rankOf } from '../scale.ts'
import { statusBadge } from '../status.ts'

export function verdict(open: (operator: OperatorComparison) => void): HTMLElement {
  const { device, reference, model } = result
  return h(
    'header',
    { class: `verdict ${result.verdict.status}` },
    h('p', { class: 'eyebrow' }, `Precision of ${model.name}`),
    h('h1', {}, sideName(device), h('span', {}, ' against '), sideName(reference)),
    emulatorNote(),
    h(
      'p',
      { class: 'outcome' },
      statusBadge(result.verdict.status),
      h('span', {}, `by the standard ${result.standard}`),
    ),
    h('p', { class: 'rule' }, result.verdict.rule),
    h('dl', { class: 'findings' }, ...findings(open)),
  )
}

/** An emulator's figures are no figures of the hardware. */
function emulatorNote(): HTMLElement | undefined {
  const emulated = [result.device, result.reference].filter(({ isEmulated }) => isEmulated)
  if (emulated.length === 0) return undefined
  const names = [...new Set(emulated.map(({ device }: Side) => device))].join(' and ')
  return h(
    'p',
    { class: 'note', role: 'note' },
    h('strong', {}, 'Emulator. '),
    `“${names}” is an emulator of Ascend’s programming interface on the CPU. No figure here was ` +
      'measured on an NPU.',
  )
}

const byL2 = measures[0]!

function findings(open: (operator: OperatorComparison) => void): HTMLElement[] {
  const link = (operator: OperatorComparison) =>
    h(
      'button',
      { type: 'button', class: 'link', click: () => open(operator) },
      ...breakable(nameOf(operator)),
    )
  const first = result.operators.find(({ id }) => id === result.firstDivergent)
  const unmatched = result.unmatched.length
  const found: (readonly [string, ...Child[]])[] = [
    ['First divergent operator', first === undefined ? 'none' : link(first)],
    ...largest('Largest own error', ({ isolated }) => isolated && byL2.of(isolated.metrics), link),
    ...largest('Largest effect on the logits', ({ grafted }) => grafted?.maxLogitError, link),
    [
      'Operators',
      tallies('own error', ({ isolated }) => isolated),
      tallies('accumulated', ({ cascaded }) => cascaded),
    ],
  ]
  if (unmatched > 0) found.push(['Without a counterpart', `${unmatched}`])
  return found.map(([term, ...description]) =>
    h('div', {}, h('dt', {}, term), h('dd', {}, ...description)),
  )
}

/** May be broken after dots and underscores. */
function breakable(name: string): Node[] {
  return name.split(/(?<=[._])/).flatMap((part) => [document.createTextNode(part), h('wbr')])
}

function largest(
  term: string,
  of: (operator: OperatorComparison) => number | undefined,
  link: (operator: OperatorComparison) => Node,
): (readonly [string, ...Child[]])[] {
  const rank = (operator: OperatorComparison): number => rankOf(of(operator) ?? -1)
  const [most] = [...result.operators].sort((a, b) => rank(b) - rank(a))
  const value = most && of(most)
  if (most === undefined || value === undefined) return []
  return [[term, ...(value === 0 ? ['none'] : [link(most), ` ${figure(value)}`])]]
}

function tallies(name: string, of: (operator: OperatorComparison) => Judgement | undefined): Child {
  const found = result.operators.flatMap((operator) => of(operator)?.verdict.status ?? [])
  if (found.length === 0) return undefined
  const counts = [...severities].reverse().flatMap((status) => {
    const count = found.filter((it) => it === status).length
    return count === 0 ? [] : [h('span', { class: 'tally' }, `${count} `, statusBadge(status))]
  })
  return h('div', {}, `${name}:`, ...counts)
}
