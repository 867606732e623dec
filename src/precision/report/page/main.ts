/** The page of a report, from its data: the verdict first, then ever closer to the operator. */
import type { Chart } from './chart.ts'
import { heatMap } from './charts/heat-map.ts'
import { histogram } from './charts/histogram.ts'
import { layersChart } from './charts/layers.ts'
import { type Ranking, rankingChart } from './charts/ranking.ts'
import { scatter } from './charts/scatter.ts'
import { choice } from './choice.ts'
import { type Judgement, measures, type OperatorComparison, result } from './data.ts'
import { h } from './dom.ts'
import { agreement } from './sections/agreement.ts'
import { environment } from './sections/environment.ts'
import { inputsAndWeights, moduleTable } from './sections/modules.ts'
import { operatorTable } from './sections/operators.ts'
import { section } from './sections/section.ts'
import { texts } from './sections/texts.ts'
import { verdict } from './sections/verdict.ts'
import { themeButton } from './theme.ts'

const measure = choice(
  'Measure errors by',
  measures.map((it) => [it.name, it] as const),
  changeMeasure,
)

const open = (operator: OperatorComparison): void => operators.reveal(operator)

const charts: Chart[] = []
function add(chart: Chart): HTMLElement {
  charts.push(chart)
  return chart.element
}

const isIsolated = result.operators.some(({ isolated }) => isolated !== undefined)
const isCascaded = result.operators.some(({ cascaded }) => cascaded !== undefined)
const isGrafted = result.operators.some(({ grafted }) => grafted !== undefined)

/** What an operator is judged by: itself, where it was run alone. */
const judgementOf = ({ isolated, cascaded }: OperatorComparison): Judgement | undefined =>
  isIsolated ? isolated : cascaded
const status = (operator: OperatorComparison) => judgementOf(operator)?.verdict.status

const errors: Ranking = {
  title: isIsolated ? 'Operators by their own error' : 'Operators by accumulated error',
  explanation: isIsolated
    ? 'Each operator of the device got the reference’s inputs, so that its error is its own.'
    : 'Both sides ran freely, so that an error includes those before it.',
  kind: 'error',
  measure: () => measure.value().name,
  of: (operator) => {
    const judgement = judgementOf(operator)
    return judgement && measure.value().of(judgement.metrics)
  },
  status,
}

const effects: Ranking = {
  title: 'Operators by their effect on the logits',
  explanation: 'Everything ran on the reference but this operator.',
  kind: 'effect',
  measure: () => 'largest error of a logit',
  of: ({ grafted }) => grafted?.maxLogitError,
  status,
}

let operators = operatorTable(measure.value())
const operatorPlace = h('div', {}, operators.element)
const modulePlace = h('div', {}, moduleTable(measure.value()))

function changeMeasure(): void {
  for (const chart of charts) chart.update()
  operators = operatorTable(measure.value())
  operatorPlace.replaceChildren(operators.element)
  modulePlace.replaceChildren(moduleTable(measure.value()))
}

const sections = [
  agreement(),
  texts(),
  section(
    'errors',
    'Where the error comes from',
    h('div', { class: 'controls' }, measure.element),
    isIsolated || isCascaded ? add(layersChart(measure.value, open)) : undefined,
    h(
      'div',
      { class: 'columns' },
      isIsolated || isCascaded ? add(rankingChart(errors, open)) : undefined,
      isGrafted ? add(rankingChart(effects, open)) : undefined,
    ),
    isIsolated || isCascaded || isGrafted ? add(heatMap(measure.value, open)) : undefined,
  ),
  section(
    'distribution',
    'How the errors are distributed',
    h('div', { class: 'columns' }, add(histogram()), add(scatter())),
  ),
  section('operators', 'Operators', operatorPlace),
  section('modules', 'Modules, inputs and weights', modulePlace, inputsAndWeights()),
  environment(),
]

const links = sections.map(({ id, firstElementChild }) =>
  h('li', {}, h('a', { href: `#${id}` }, firstElementChild!.textContent)),
)

document.body.append(
  h('a', { class: 'skip', href: '#agreement' }, 'Skip to the results'),
  h('nav', { 'aria-label': 'Parts of the report' }, h('ul', {}, ...links), themeButton()),
  h('main', {}, verdict(open), ...sections),
)
