/** The operators that are worst by some figure, worst first. */
import { axisLooks, type Chart, chart, tooltip } from '../chart.ts'
import { nameOf, type OperatorComparison, result, type Status } from '../data.ts'
import { figure, tick } from '../format.ts'
import { numeric } from '../numeric.ts'
import { errorScale, rankOf } from '../scale.ts'

export interface Ranking {
  readonly title: string
  readonly explanation: string
  /** What is ranked, as the heading of a column. */
  measure(): string
  /** Undefined where an operator has no such figure. */
  of(operator: OperatorComparison): number | undefined
  /** Decides on the colour. */
  status(operator: OperatorComparison): Status | undefined
  /** What a mark is made of: errors span powers of ten, effects are compared with each other. */
  readonly kind: 'error' | 'effect'
}

const shown = 16

export function rankingChart(ranking: Ranking, open: (it: OperatorComparison) => void): Chart {
  const ranked = () =>
    result.operators
      .filter((operator) => ranking.of(operator) !== undefined)
      .sort((a, b) => rankOf(ranking.of(b)!) - rankOf(ranking.of(a)!))
  return chart<OperatorComparison>({
    title: ranking.title,
    explanation: ranking.explanation,
    clicked: (index) => open(ranked()[index]!),
    draw: (width) => draw(ranking, ranked(), width),
  })
}

/** Colours and shapes: nobody has to tell them apart by colour alone. */
const looks: Readonly<Record<Status | 'unjudged', { color: string; symbol: string }>> = {
  pass: { color: 'var(--device)', symbol: 'circle' },
  warning: { color: 'var(--warning)', symbol: 'triangle' },
  error: { color: 'var(--error)', symbol: 'diamond' },
  unjudged: { color: 'var(--soft)', symbol: 'circle' },
}

function draw(ranking: Ranking, all: readonly OperatorComparison[], width: number) {
  const rows = all.slice(0, shown)
  const values = rows.map((row) => ranking.of(row)!)
  const scale = errorScale(values)
  const isError = ranking.kind === 'error'
  const marks = rows.map((row, index) => {
    const { color, symbol } = looks[ranking.status(row) ?? 'unjudged']
    const value = values[index]!
    return { value: isError ? scale.place(value) : value, symbol, itemStyle: { color } }
  })
  const measure = ranking.measure()
  return {
    label: `Ranking of operators by ${measure}: ${rows
      .slice(0, 3)
      .map((row) => `${nameOf(row)} ${figure(ranking.of(row))}`)
      .join(', ')}`,
    height: 60 + 22 * rows.length,
    option: {
      grid: { left: 8, right: 24, top: 8, bottom: 4, containLabel: true },
      tooltip: tooltip((index) => {
        const row = rows[index]!
        return [nameOf(row), `${measure} ${figure(values[index])}`, ranking.status(row) ?? '']
      }),
      yAxis: {
        ...axisLooks,
        type: 'category',
        inverse: true,
        data: rows.map(nameOf),
        axisLabel: {
          color: 'var(--ink)',
          fontSize: 12,
          interval: 0,
          width: Math.min(350, Math.round(width * 0.55)),
          overflow: 'truncate',
        },
        splitLine: { show: true, lineStyle: { color: 'var(--line)' } },
      },
      xAxis: {
        ...axisLooks,
        type: 'value',
        splitNumber: width < 500 ? 2 : 4,
        ...(isError ? { min: scale.zero, max: scale.end, minInterval: 1 } : { min: 0 }),
        axisLabel: {
          ...axisLooks.axisLabel,
          hideOverlap: true,
          formatter: isError ? scale.label : tick,
        },
      },
      series: [
        isError
          ? { type: 'scatter', symbolSize: 11, data: marks }
          : { type: 'bar', barWidth: 10, data: marks },
      ],
    },
    table: {
      caption: `${ranking.title}: ${measure}`,
      rows: all,
      sortedBy: measure,
      columns: [
        { label: 'Operator', value: nameOf },
        numeric(measure, ranking.of),
        { label: 'Verdict', choice: true, value: ranking.status },
      ],
    },
  }
}
