/** How the error grows from layer to layer, and how much of it each layer adds by itself. */
import type { ModuleComparison } from '../../../compare/result.ts'
import { axisLooks, type Chart, chart, tooltip } from '../chart.ts'
import {
  type Measure,
  nameOf,
  type OperatorComparison,
  result,
  shortStation,
  stationOf,
  stations,
} from '../data.ts'
import { figure } from '../format.ts'
import { numeric } from '../numeric.ts'
import { errorScale, rankOf } from '../scale.ts'

interface Station {
  readonly name: string
  readonly output: ModuleComparison | undefined
  readonly accumulated: number | undefined
  readonly worst: OperatorComparison | undefined
  readonly own: number | undefined
}

export function layersChart(measure: () => Measure, open: (it: OperatorComparison) => void): Chart {
  return chart<Station>({
    title: 'Error by layer',
    explanation:
      'Accumulated: the output of the layer, both sides running freely. Own: the operator of the ' +
      'layer that errs most when it gets the reference’s inputs.',
    clicked: (index) => {
      const { worst } = stationsBy(measure())[index]!
      if (worst !== undefined) open(worst)
    },
    draw: (width) => draw(measure(), stationsBy(measure()), width),
  })
}

function stationsBy(measure: Measure): Station[] {
  return stations.map((name) => {
    const output = result.modules
      .filter((module) => stationOf(module) === name)
      .sort((a, b) => a.scope.length - b.scope.length)[0]
    const own = ({ isolated }: OperatorComparison) => isolated && measure.of(isolated.metrics)
    const worst = result.operators
      .filter((operator) => stationOf(operator) === name && operator.isolated !== undefined)
      .reduce<OperatorComparison | undefined>(
        (most, next) =>
          most === undefined || rankOf(own(next)!) > rankOf(own(most)!) ? next : most,
        undefined,
      )
    const accumulated = output && measure.of(output.metrics)
    return { name, output, accumulated, worst, own: worst && own(worst) }
  })
}

function draw({ name: measureName }: Measure, rows: readonly Station[], width: number) {
  const errors = rows.flatMap(({ accumulated, own }) => [accumulated ?? [], own ?? []].flat())
  const scale = errorScale(errors)
  const line = (
    name: string,
    symbol: string,
    color: string,
    of: (row: Station) => number | undefined,
  ) => ({
    name,
    type: 'line',
    symbol,
    symbolSize: 9,
    color,
    lineStyle: { width: 2, color },
    itemStyle: { color },
    data: rows.map((row) => {
      const error = of(row)
      return error === undefined ? null : scale.place(error)
    }),
  })
  const room = width / rows.length
  const title = (name: string) => (/^\d/.test(name) ? `Layer ${name}` : name)
  return {
    label: `Line chart of ${rows.length} layers: ${measureName}. ${rows
      .map(
        ({ name, accumulated, own }) =>
          `${title(name)}: ${figure(accumulated)}, own ${figure(own)}`,
      )
      .join('. ')}`,
    height: 300,
    option: {
      grid: { left: 8, right: 16, top: 44, bottom: 4, containLabel: true },
      legend: {
        top: 0,
        left: 0,
        textStyle: { color: 'var(--ink)', fontSize: 13 },
        inactiveColor: 'var(--line)',
      },
      tooltip: tooltip((index) => {
        const { name, accumulated, worst, own } = rows[index]!
        return [
          title(name),
          `accumulated ${figure(accumulated)}`,
          `own ${figure(own)}${worst === undefined ? '' : `: ${nameOf(worst)}`}`,
        ]
      }),
      xAxis: {
        ...axisLooks,
        type: 'category',
        boundaryGap: true,
        data: rows.map(({ name }) => (room > 80 ? name : shortStation(name))),
        axisLabel: { ...axisLooks.axisLabel, interval: room > 30 ? 0 : 'auto' },
        splitLine: { show: false },
      },
      yAxis: {
        ...axisLooks,
        type: 'value',
        min: scale.zero,
        max: scale.end,
        minInterval: 1,
        axisLabel: { ...axisLooks.axisLabel, formatter: scale.label },
      },
      series: [
        line('accumulated', 'circle', 'var(--device)', ({ accumulated }) => accumulated),
        line('own', 'rect', 'var(--contrast)', ({ own }) => own),
      ],
    },
    table: {
      caption: `Error by layer: ${measureName}`,
      plain: true,
      rows,
      columns: [
        { label: 'Layer', value: ({ name }: Station) => name },
        { label: 'Output of', value: ({ output }: Station) => output?.scope },
        numeric('Accumulated', ({ accumulated }: Station) => accumulated),
        numeric('Own', ({ own }: Station) => own),
        { label: 'Worst operator', value: ({ worst }: Station) => worst && nameOf(worst) },
      ],
    },
  }
}
