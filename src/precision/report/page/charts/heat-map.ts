/** Operators of a layer down, layers across: a fault of one kind of operator is a line, of one layer a column. */
import { axisLooks, type Chart, chart, tooltip } from '../chart.ts'
import { type Choice, choice } from '../choice.ts'
import {
  kindOf,
  type Measure,
  nameOf,
  type OperatorComparison,
  result,
  shortStation,
  stationOf,
  stations,
} from '../data.ts'
import { h } from '../dom.ts'
import { figure } from '../format.ts'
import { numeric } from '../numeric.ts'
import { rankOf } from '../scale.ts'

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
const shadeCount = 8

export function heatMap(measure: () => Measure, open: (it: OperatorComparison) => void): Chart {
  const available = views.filter(([, { of }]) =>
    result.operators.some((operator) => of(operator, measure()) !== undefined),
  )
  const legend = h('div', { class: 'legend' })
  const view: Choice<View> = choice('Shown', available, () => drawn.update())
  const error = (operator: OperatorComparison) => view.value().of(operator, measure())
  const cells = () => cellsBy(error)
  const drawn: Chart = chart<Cell>({
    title: 'Layer × operator',
    explanation:
      'A line that stands out is a kind of operator, a column a layer. A cell shows the worst call; ' +
      '= is no difference at all.',
    controls: [view.element, legend],
    clicked: (index) => open(cells()[index]!.worst),
    draw: (width) => {
      const shades = shading(cells().map(({ error }) => error))
      legend.replaceChildren(...legendOf(shades))
      return draw(cells(), view.value().name(measure()), shades, width)
    },
  })
  return drawn
}

/** The calls of one operator in one module. */
interface Cell {
  readonly station: string
  readonly kind: string
  readonly worst: OperatorComparison
  readonly error: number
  readonly calls: number
}

function cellsBy(errorOf: (operator: OperatorComparison) => number | undefined): Cell[] {
  const cells = new Map<string, Cell>()
  for (const operator of result.operators) {
    const error = errorOf(operator)
    if (error === undefined) continue
    const [station, kind] = [stationOf(operator), kindOf(operator)]
    const key = `${station} ${kind}`
    const before = cells.get(key)
    const calls = (before?.calls ?? 0) + 1
    const isWorst = before === undefined || rankOf(error) > rankOf(before.error)
    cells.set(
      key,
      isWorst ? { station, kind, worst: operator, error, calls } : { ...before, calls },
    )
  }
  return [...cells.values()]
}

/** From the smallest error that is not zero to the largest, by powers. */
interface Shading {
  readonly low: number
  readonly high: number
  /** The number of a shade, or undefined for no difference at all. */
  of(error: number): number | undefined
}

function shading(errors: readonly number[]): Shading {
  const sized = errors.filter((error) => error > 0 && Number.isFinite(error))
  const [low, high] = [Math.min(...sized), Math.max(...sized)]
  const span = Math.log(high / low)
  const of = (error: number): number | undefined => {
    if (error === 0) return undefined
    if (!Number.isFinite(error) || !(span > 0)) return shadeCount - 1
    return Math.min(shadeCount - 1, Math.floor((Math.log(error / low) / span) * shadeCount))
  }
  return { low, high, of }
}

function legendOf({ low, high }: Shading): Node[] {
  if (!Number.isFinite(low)) return []
  const swatches = Array.from({ length: shadeCount }, (_, shade) =>
    h('span', { class: `swatch heat-${shade}` }),
  )
  return [h('span', {}, figure(low)), ...swatches, h('span', {}, figure(high))]
}

function draw(cells: readonly Cell[], name: string, shades: Shading, width: number) {
  const kinds = [...new Set(cells.map(({ kind }) => kind))]
  const labelWidth = Math.min(300, Math.round(width * 0.45))
  const columns = stations.map(shortStation)
  const columnWidth = Math.min(64, (width - labelWidth) / columns.length)
  return {
    label:
      `Heat map of ${cells.length} cells, ${kinds.length} kinds in ${columns.length} layers: ` +
      `${name}, from ${figure(shades.low)} to ${figure(shades.high)}`,
    height: 40 + 20 * kinds.length,
    option: {
      grid: { left: labelWidth, width: columnWidth * columns.length, top: 24, bottom: 4 },
      tooltip: tooltip((index) => {
        const { worst, error, calls } = cells[index]!
        const others = calls === 1 ? '' : `the worst of ${calls} calls`
        return [nameOf(worst), `${name}: ${figure(error)}`, others]
      }),
      xAxis: {
        ...axisLooks,
        type: 'category',
        position: 'top',
        data: columns,
        axisLabel: { ...axisLooks.axisLabel, interval: columnWidth > 24 ? 0 : 'auto' },
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
          data: cells.map(({ station, kind }) => [stations.indexOf(station), kinds.indexOf(kind)]),
          renderItem: (params: { dataIndex: number }, api: CustomApi) =>
            drawCell(api, cells[params.dataIndex]!.error, shades, columnWidth),
        },
      ],
    },
    table: {
      caption: `Layer × operator: ${name}`,
      rows: cells,
      columns: [
        { label: 'Layer', choice: true, value: ({ station }: Cell) => station },
        { label: 'Operator', value: ({ kind }: Cell) => kind },
        numeric(name, ({ error }: Cell) => error),
        { label: 'Calls', numeric: true, value: ({ calls }: Cell) => calls },
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

function drawCell(api: CustomApi, error: number, shades: Shading, columnWidth: number) {
  const [x, y] = api.coord([api.value(0), api.value(1)])
  const [width, height] = api.size([1, 1])
  const shade = shades.of(error)
  const name = shade === undefined ? 'paper' : `heat-${shade}`
  return {
    type: 'rect',
    shape: {
      x: x - width / 2 + 1,
      y: y - height / 2 + 1,
      width: width - 2,
      height: height - 2,
      r: 2,
    },
    style: {
      fill: `var(--${name})`,
      stroke: 'var(--line)',
      lineWidth: shade === undefined ? 1 : 0,
    },
    textContent: {
      style: { text: inCell(error, columnWidth), fill: `var(--on-${name})`, fontSize: 11 },
    },
    textConfig: { position: 'inside' },
  }
}

/** `4e-7`, or where there is less room `-7`, or nothing. */
function inCell(error: number, width: number): string {
  if (width < 26) return ''
  if (error === 0) return '='
  if (!Number.isFinite(error)) return String(error).slice(0, 3)
  const short = error.toExponential(0)
  return width < 44 ? short.slice(short.indexOf('e') + 1) : short
}
