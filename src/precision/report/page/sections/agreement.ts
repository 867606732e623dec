/** Would anybody notice: the classifier's table, the errors of logits and probabilities, the flips. */
import type { Flip } from '../../../agreement.ts'
import { type Metrics, result } from '../data.ts'
import { h } from '../dom.ts'
import { cosine, element, figure, percent, probability, shape } from '../format.ts'
import { numeric } from '../numeric.ts'
import { statusBadge } from '../status.ts'
import { table } from '../table.ts'
import { section } from './section.ts'

export function agreement(): HTMLElement {
  return section(
    'agreement',
    'Agreement of the results',
    h('div', { class: 'columns' }, classifierTable(), outputsTable()),
    h('p', {}, statusBadge(result.logitsVerdict.status), ' logits: ', result.logitsVerdict.rule),
    flips(),
  )
}

function classifierTable(): HTMLElement {
  const { agreement, textsCompared } = result
  const rows: readonly (readonly [string, string])[] = [
    ['Mean cosine similarity', cosine(agreement.meanCosine)],
    ['Mean absolute error', figure(agreement.mae)],
    ['Largest probability error', figure(agreement.maxProbabilityError)],
    ['Error rate (1 − mean cosine)', figure(agreement.errorRate)],
    ['Top-1 agreement', percent(agreement.top1)],
    ['Top-3 agreement', percent(agreement.top3)],
    ['Top-3 agreement, in order', percent(agreement.top3InOrder)],
    ['Decision flips', String(agreement.flips.length)],
  ]
  return twoColumns(
    `Probabilities over ${textsCompared} ${textsCompared === 1 ? 'text' : 'texts'}`,
    rows,
  )
}

function twoColumns(caption: string, rows: readonly (readonly [string, string])[]): HTMLElement {
  const lines = rows.map(([name, value]) =>
    h('tr', {}, h('th', { scope: 'row' }, name), h('td', { class: 'number' }, value)),
  )
  return h('table', {}, h('caption', {}, caption), h('tbody', {}, ...lines))
}

const outputs: readonly (readonly [string, (metrics: Metrics) => string])[] = [
  ['Largest absolute error', ({ maxAbs }) => figure(maxAbs)],
  ['Mean absolute error', ({ mae }) => figure(mae)],
  ['Root mean square error', ({ rmse }) => figure(rmse)],
  ['Relative L2 error', ({ relativeL2 }) => figure(relativeL2)],
  ['Effective bits', ({ effectiveBits }) => figure(effectiveBits)],
  ['Largest error in ULP', ({ ulp }) => figure(ulp.max)],
  ['Worst element', ({ worst }) => (worst === undefined ? 'none' : shape(worst.index))],
  ['– on the device', ({ worst }) => (worst === undefined ? '–' : element(worst.actual))],
  ['– on the reference', ({ worst }) => (worst === undefined ? '–' : element(worst.expected))],
]

function outputsTable(): HTMLElement {
  const lines = outputs.map(([name, show]) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      h('td', { class: 'number' }, show(result.logits)),
      h('td', { class: 'number' }, show(result.probabilities)),
    ),
  )
  const heading = (name: string) => h('th', { scope: 'col', class: 'number' }, name)
  return h(
    'table',
    {},
    h('caption', {}, 'Errors of what comes out'),
    h('thead', {}, h('tr', {}, h('td'), heading('Logits'), heading('Probabilities'))),
    h('tbody', {}, ...lines),
  )
}

function flips(): HTMLElement {
  const rows = result.agreement.flips
  if (rows.length === 0)
    return h('p', {}, 'No label is decided for on one side and against on the other.')
  return table<Flip>({
    caption: 'Decision flips: labels that one side decides for and the other against',
    plain: true,
    rows,
    limit: 20,
    sortedBy: 'Margin',
    columns: [
      { label: 'Text', value: ({ text }) => text, numeric: true },
      { label: 'Label', value: ({ label }) => label },
      numeric('Device', ({ device }) => device, probability),
      numeric('Reference', ({ reference }) => reference, probability),
      numeric('Threshold', ({ threshold }) => threshold),
      numeric('Margin', ({ margin }) => margin),
    ],
  }).element
}
