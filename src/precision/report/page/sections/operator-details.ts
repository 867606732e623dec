/** All that is known of one operator: verdicts, the worst element, metrics, its effect, and its command. */
import { command } from '../copy.ts'
import type { Judgement, Metrics, OperatorComparison } from '../data.ts'
import { h } from '../dom.ts'
import { cosine, figure, integer, percent } from '../format.ts'
import { judgementText } from './judgement-text.ts'

const metrics: readonly (readonly [string, (metrics: Metrics) => string])[] = [
  ['Elements', ({ count }) => integer(count)],
  ['Cosine similarity', (it) => cosine(it.cosine)],
  ['Largest absolute error', ({ maxAbs }) => figure(maxAbs)],
  ['Mean absolute error', ({ mae }) => figure(mae)],
  ['Root mean square error', ({ rmse }) => figure(rmse)],
  ['Relative L2 error', ({ relativeL2 }) => figure(relativeL2)],
  ['NMSE', ({ nmse }) => figure(nmse)],
  ['Effective bits', ({ effectiveBits }) => figure(effectiveBits)],
  ['Relative error: largest', ({ relative }) => figure(relative.max)],
  ['Relative error: mean', ({ relative }) => figure(relative.mean)],
  ['Relative error: 99th percentile', ({ relative }) => figure(relative.p99)],
  ['Relative error below 1e-3', ({ relative }) => percent(relative.shareBelow['1e-3'])],
  ['ULP: largest', ({ ulp }) => figure(ulp.max)],
  ['ULP: mean', ({ ulp }) => figure(ulp.mean)],
  ['ULP: 99th percentile', ({ ulp }) => figure(ulp.p99)],
  ['ULP: above 1', ({ ulp }) => percent(ulp.shareAbove1)],
  ['ULP: above 32', ({ ulp }) => percent(ulp.shareAbove32)],
  ['Error balance', ({ errorBalance }) => figure(errorBalance)],
  ['NaN, device and reference', ({ nonFinite: it }) => `${it.actualNaN}, ${it.expectedNaN}`],
  ['Infinities, device and reference', ({ nonFinite: it }) => `${it.actualInf}, ${it.expectedInf}`],
]

export function operatorDetails(operator: OperatorComparison): HTMLElement {
  const { isolated, cascaded, grafted } = operator
  const judged = [
    ...(isolated === undefined ? [] : [['Own error', isolated] as const]),
    ...(cascaded === undefined ? [] : [['Accumulated error', cascaded] as const]),
  ]
  return h(
    'div',
    { class: 'operator' },
    h('p', {}, 'Run this case again:'),
    command(operator.rerun),
    ...judged.map(([name, judgement]) => judgementText(name, judgement)),
    attributes(operator),
    kernels(operator),
    grafted === undefined
      ? undefined
      : h(
          'p',
          {},
          h('strong', {}, 'Effect on the results '),
          'with only this operator from the device: largest error of a logit ',
          h('span', { class: 'figure' }, figure(grafted.maxLogitError)),
          ', root mean square ',
          h('span', { class: 'figure' }, figure(grafted.rmsLogitError)),
          ', largest error of a probability ',
          h('span', { class: 'figure' }, figure(grafted.maxProbabilityError)),
          '.',
        ),
    metricsTable(operator, judged),
  )
}

function attributes({ attributes: differing }: OperatorComparison): HTMLElement | undefined {
  if (differing === undefined) return undefined
  const pairs = Object.entries(differing).map(
    ([name, { device, reference }]) =>
      `${name} is ${JSON.stringify(device)} on the device, ${JSON.stringify(reference)} on the reference`,
  )
  return h('p', {}, h('strong', {}, 'Attributes differ '), `${pairs.join('; ')}.`)
}

function kernels({ fused }: OperatorComparison): HTMLElement | undefined {
  if (fused === undefined) return undefined
  const made = (isFused: boolean) => (isFused ? 'one kernel' : 'made of other operators')
  return h(
    'p',
    {},
    `On the device ${made(fused.device)}, on the reference ${made(fused.reference)}.`,
  )
}

function metricsTable(
  { id }: OperatorComparison,
  judged: readonly (readonly [string, Judgement])[],
): HTMLElement {
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `Metrics of ${id}` },
    h(
      'table',
      {},
      h('caption', {}, `Metrics of ${id}`),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('td'),
          ...judged.map(([name]) => h('th', { scope: 'col', class: 'number' }, name)),
        ),
      ),
      h(
        'tbody',
        {},
        ...metrics.map(([name, show]) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, name),
            ...judged.map(([, it]) => h('td', { class: 'number' }, show(it.metrics))),
          ),
        ),
      ),
    ),
  )
}
