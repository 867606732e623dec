/** What else was compared: outputs of modules, inputs, weights, and what had no counterpart. */
import type { ModuleComparison } from '../../../compare/result.ts'
import { type Measure, result, stationOf, stations } from '../data.ts'
import { type Child, h } from '../dom.ts'
import { cosine, integer, shape } from '../format.ts'
import { numeric } from '../numeric.ts'
import { verdictColumn } from '../status.ts'
import { type Column, table } from '../table.ts'
import { judgementText } from './judgement-text.ts'

export function moduleTable({ name, of }: Measure): HTMLElement {
  const columns: readonly Column<ModuleComparison>[] = [
    { label: 'Module', value: ({ scope }) => scope },
    {
      label: 'Layer',
      choice: true,
      value: stationOf,
      rank: (it) => stations.indexOf(stationOf(it)),
    },
    verdictColumn('Verdict', ({ verdict }) => verdict),
    numeric(`Accumulated, ${name}`, ({ metrics }) => of(metrics)),
    numeric('Cosine', ({ metrics }) => metrics.cosine, cosine),
    numeric('Effect on a logit', ({ grafted }) => grafted?.maxLogitError),
    { label: 'Shape', short: true, value: (module) => shape(module.shape) },
  ]
  return table<ModuleComparison>({
    caption: 'Outputs of modules, in order of execution',
    rows: result.modules,
    columns,
    details: (module) => judgementText('Accumulated error', module),
    limit: 20,
  }).element
}

export function inputsAndWeights(): HTMLElement {
  const { inputs, parameters, unmatched } = result
  return h('div', {}, inputTable(), weights(), counterparts())

  function inputTable(): HTMLElement {
    const differing = inputs.filter(({ verdict }) => verdict.status !== 'pass').length
    return h(
      'div',
      {},
      h(
        'p',
        {},
        differing === 0
          ? `All ${inputs.length} inputs of the model are equal on both sides.`
          : `${differing} of ${inputs.length} inputs of the model differ.`,
      ),
      table<(typeof inputs)[number]>({
        caption: 'Inputs of the model',
        plain: true,
        rows: inputs,
        limit: 10,
        columns: [
          { label: 'Input', value: ({ name }) => name },
          verdictColumn('Verdict', ({ verdict }) => verdict),
          { label: 'Shape', value: (input) => shape(input.shape) },
          { label: 'dtype', value: ({ dtype }) => dtype },
          { label: 'Rule', long: true, value: ({ verdict }) => verdict.rule },
        ],
      }).element,
    )
  }

  function weights(): Child {
    const { compared, different } = parameters
    if (different.length === 0) {
      return h(
        'p',
        {},
        `All ${integer(compared)} weights that were compared are equal on both sides.`,
      )
    }
    return table<(typeof different)[number]>({
      caption: `Weights that differ, of ${compared}`,
      plain: true,
      rows: different,
      limit: 20,
      columns: [
        { label: 'Weight', value: ({ name }) => name },
        verdictColumn('Verdict', ({ judgement }) => judgement.verdict),
        numeric('Largest absolute error', ({ judgement }) => judgement.metrics.maxAbs),
        { label: 'Shape', value: (weight) => shape(weight.shape) },
        { label: 'Rule', long: true, value: ({ judgement }) => judgement.verdict.rule },
      ],
    }).element
  }

  function counterparts(): Child {
    if (unmatched.length === 0) return undefined
    return h(
      'div',
      {},
      h('h3', {}, 'Without a counterpart on the other side'),
      h('ul', {}, ...unmatched.map((id) => h('li', {}, h('code', {}, id)))),
    )
  }
}
