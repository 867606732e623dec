/**
 * A chart as a figure: a heading, what it shows, the drawing, and the same data as a table.
 *
 * Drawings are SVG whose colours are variables of the style sheet, so that light, dark and print are
 * the style sheet's business. They do not move.
 */
import { BarChart, CustomChart, LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { type EChartsCoreOption, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { type Child, freshId, h } from './dom.ts'
import { type TableOptions, table } from './table.ts'

use([BarChart, CustomChart, LineChart, ScatterChart])
use([GridComponent, LegendComponent, TooltipComponent, SVGRenderer])

export interface Drawing<Row> {
  /** For who cannot see it: what is drawn, with its most telling figures. */
  readonly label: string
  readonly height: number
  readonly option: EChartsCoreOption
  readonly table: TableOptions<Row>
}

export interface ChartOptions<Row> {
  readonly title: string
  readonly explanation: Child
  /** Called for each width that the chart gets, and whenever a choice changes what it shows. */
  draw(width: number): Drawing<Row>
  /** The index of the mark within its series. */
  clicked?(index: number): void
  readonly controls?: readonly Node[]
}

export interface Chart {
  readonly element: HTMLElement
  /** Draws again, after a choice. */
  update(): void
}

export function chart<Row>(options: ChartOptions<Row>): Chart {
  const titleId = freshId()
  const canvas = h('div', { class: 'drawing', role: 'img' })
  const data = h('div')
  const disclosure = h(
    'details',
    { class: 'data', toggle: showData },
    h('summary', {}, 'Data'),
    data,
  )
  const element = h(
    'figure',
    { 'aria-labelledby': titleId },
    h('figcaption', {}, h('h3', { id: titleId }, options.title), h('p', {}, options.explanation)),
    options.controls && h('div', { class: 'controls' }, ...options.controls),
    canvas,
    disclosure,
  )
  const drawn = init(canvas, undefined, { renderer: 'svg', width: 300, height: 100 })
  if (options.clicked !== undefined) {
    const { clicked } = options
    drawn.on('click', ({ dataIndex }) => clicked(dataIndex))
  }
  let width = 0

  function update(): void {
    if (width === 0) return
    const drawing = options.draw(width)
    canvas.setAttribute('aria-label', drawing.label)
    drawn.resize({ width, height: drawing.height })
    drawn.setOption({ ...common, ...drawing.option }, { notMerge: true })
    showData()
  }

  function showData(): void {
    if (disclosure.open) data.replaceChildren(table(options.draw(width).table).element)
  }

  function spread(available: number): void {
    if (available === width || available === 0) return
    width = available
    update()
  }

  new ResizeObserver(([entry]) => spread(Math.floor(entry!.contentRect.width))).observe(canvas)
  window.addEventListener('beforeprint', () => spread(Math.min(width, widthOfPaper)))
  return { element, update }
}

/** Pixels between the margins of A4 and of letter paper. */
const widthOfPaper = 640

const common: EChartsCoreOption = {
  animation: false,
  textStyle: {
    // By name: the widths of labels are measured with it.
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--sans'),
    color: 'var(--soft)',
  },
}

/** The looks that axes share. */
export const axisLooks = {
  axisLine: { show: false, onZero: false },
  axisTick: { show: false },
  axisLabel: { color: 'var(--soft)', fontSize: 12 },
  splitLine: { lineStyle: { color: 'var(--line)' } },
  nameTextStyle: { color: 'var(--soft)', fontSize: 12 },
} as const

/** A tooltip made of lines, the first of them bold. */
export function tooltip(lines: (index: number, series: number) => readonly string[]) {
  return {
    trigger: 'item',
    confine: true,
    transitionDuration: 0,
    backgroundColor: 'var(--raised)',
    borderColor: 'var(--line)',
    textStyle: { color: 'var(--ink)', fontSize: 13 },
    formatter: ({ dataIndex, seriesIndex }: { dataIndex: number; seriesIndex: number }) => {
      const [first, ...others] = lines(dataIndex, seriesIndex)
      return h('div', {}, h('strong', {}, first), ...others.map((line) => h('div', {}, line)))
    },
  }
}
