/** Operators of a layer down, layers across: a fault of one kind of operator is a line, of one layer a column. */
import { axisLooks, type Chart, chart, tooltip } from '../chart.ts'
import { type Choice, choice } from '../choice.ts'
import {
  kindOf,
  type Measure,
  nameOf,
  type OperatorComparison,
  result,
  stationOf,
  stations,
} from '../data.ts'
import { h } from '../dom.ts'
import { figure } from '../format.ts'
import { type ErrorScale, errorScale } from '../scale.ts'

interface View {
  name(measure: Measure): string
  of(operator: OperatorComparison, measure: Measure): number | undefined
}

const views: readonly (readonly [string, View])[] = [
  [
    'own error',
    {
      name: ({ name }) => `own, ${name}`,
      of: ({ isolated }, measure) => isolated && measure.of(isolated.metrics),
    },
  ],
  [
    'accumulated error',
    {
      name: ({ name }) => `accumulated, ${name}`,
      of: ({ cascaded }, measure) => cascaded && measure.of(cascaded.metrics),
    },
  ],
  [
    'effect on the logits',
    {
      name: () => 'largest error of a logit',
      of: ({ grafted }) => grafted?.maxLogitError,
    },
  ],
]

/** The style sheet has `--heat-0` … `--heat-7`; zero has no colour. */
const shades = 8

export function heatMap(measure: () => Measure, open: (it: OperatorComparison) => void): Chart {
  const available = views.filter(([, { of }]) =>
    result.operators.some((operator) => of(operator, measure()) !== undefined),
  )
  const legend = h('div', { class: 'legend' })
  const view: Choice<View> = choice('Shown', available, () => drawn.update())
  const cells = () => result.operators.filter((it) => view.value().of(it, measure()) !== undefined)
  const drawn: Chart = chart<OperatorComparison>({
    title: 'Layer × operator',
    explanation:
      'A line that stands out is a kind of operator, a column a layer. The number in a cell is the ' +
      'power of ten of its error; = is no difference at all.',
    controls: [view.element, legend],
    clicked: (index) => open(cells()[index]!),
    draw: (width) => {
      const value = (it: OperatorComparison) => view.value().of(it, measure())!
      const scale = errorScale(cells().map(value))
      legend.replaceChildren(...legendOf(scale))
      return draw(cells(), value, view.value().name(measure()), scale, width)
    },
  })
  return drawn
}

function shadeOf(error: number, scale: ErrorScale): string {
  if (error === 0) return 'var(--paper)'
  const share = (scale.place(error) - scale.zero - 1) / (scale.end - scale.zero - 1)
  return `var(--heat-${Math.min(shades - 1, Math.floor(share * shades))})`
}

function legendOf(scale: ErrorScale): Node[] {
  const swatches = Array.from({ length: shades }, (_, shade) =>
    h('span', { class: `swatch heat-${shade}` }),
  )
  const [low, high] = [scale.label(scale.zero + 1), scale.label(scale.end)]
  return [h('span', {}, low), ...swatches, h('span', {}, high)]
}

function draw(
  operators: readonly OperatorComparison[],
  errorOf: (operator: OperatorComparison) => number,
  name: string,
  scale: ErrorScale,
  width: number,
) {
  const kinds = [...new Set(operators.map(kindOf))]
  const labelWidth = Math.min(300, Math.round(width * 0.45))
  const columns = stations.map((station) => (/^\d/.test(station) ? station : station.slice(0, 3)))
  const hasRoom = (width - labelWidth) / columns.length > 30
  return {
    label:
      `Heat map of ${operators.length} operators, ${kinds.length} kinds in ${columns.length} layers: ` +
      `${name}, from ${scale.label(scale.zero + 1)} to ${scale.label(scale.end)}`,
    height: 40 + 20 * kinds.length,
    option: {
      grid: { left: labelWidth, right: 4, top: 24, bottom: 4 },
      tooltip: tooltip((index) => {
        const operator = operators[index]!
        return [nameOf(operator), `${name}: ${figure(errorOf(operator))}`]
      }),
      xAxis: {
        ...axisLooks,
        type: 'category',
        position: 'top',
        data: columns,
        axisLabel: { ...axisLooks.axisLabel, interval: hasRoom ? 0 : 'auto' },
      },
      yAxis: {
        ...axisLooks,
        type: 'category',
        inverse: true,
        data: kinds,
        axisLabel: {
          color: 'var(--ink)',
          fontSize: 12,
          interval: 0,
          width: labelWidth - 12,
          overflow: 'truncate',
        },
      },
      series: [
        {
          type: 'custom',
          data: operators.map((it) => [stations.indexOf(stationOf(it)), kinds.indexOf(kindOf(it))]),
          renderItem: (params: { dataIndex: number }, api: CustomApi) =>
            cell(api, errorOf(operators[params.dataIndex]!), scale, hasRoom),
        },
      ],
    },
    table: {
      caption: `Layer × operator: ${name}`,
      rows: operators,
      columns: [
        { label: 'Layer', choice: true, value: stationOf },
        { label: 'Operator', value: kindOf },
        {
          label: name,
          numeric: true,
          value: errorOf,
          cell: (operator: OperatorComparison) => figure(errorOf(operator)),
        },
      ],
    },
  }
}

/** What ECharts gives to `renderItem`. */
interface CustomApi {
  value(dimension: number): number
  coord(data: readonly number[]): [number, number]
  size(data: readonly number[]): [number, number]
}

function cell(api: CustomApi, error: number, scale: ErrorScale, hasRoom: boolean) {
  const [x, y] = api.coord([api.value(0), api.value(1)])
  const [width, height] = api.size([1, 1])
  const text =
    error === 0 ? '=' : Number.isFinite(error) ? String(Math.floor(Math.log10(error))) : 'NaN'
  const shade = shadeOf(error, scale)
  return {
    type: 'rect',
    shape: {
      x: x - width / 2 + 1,
      y: y - height / 2 + 1,
      width: width - 2,
      height: height - 2,
      r: 2,
    },
    style: { fill: shade, stroke: 'var(--line)', lineWidth: error === 0 ? 1 : 0 },
    textContent: hasRoom
      ? { style: { text, fill: shade.replace(/heat|paper/, (it) => `on-${it}`), fontSize: 11 } }
      : undefined,
    textConfig: { position: 'inside' },
  }
}
