/** How many elements are how far off, in units in the last place. */
import type { HistogramBin } from '../../../metrics.ts'
import { axisLooks, type Chart, chart, tooltip } from '../chart.ts'
import { choice } from '../choice.ts'
import { nameOf, result } from '../data.ts'
import { figure, integer, percent } from '../format.ts'

type Source = readonly [name: string, bins: readonly HistogramBin[]]

export function histogram(): Chart {
  const sources: readonly Source[] = [...totals(), ...ofOperators()]
  const source = choice(
    'Of',
    sources.map((it) => [it[0], it] as const),
    () => drawn.update(),
  )
  const drawn: Chart = chart<HistogramBin>({
    title: 'Errors in ULP',
    explanation:
      'A unit in the last place (ULP) is the distance between neighbouring numbers of the device’s ' +
      'dtype. What rounds correctly is within ½.',
    controls: [source.element],
    draw: (width) => draw(...source.value(), width),
  })
  return drawn
}

function totals(): Source[] {
  const isolated = result.operators.flatMap(({ isolated }) => isolated?.metrics ?? [])
  const together: Source[] =
    isolated.length === 0
      ? []
      : [['all operators, own errors', sum(isolated.map(({ ulp }) => ulp.histogram))]]
  return [
    ...together,
    ['logits', result.logits.ulp.histogram],
    ['probabilities', result.probabilities.ulp.histogram],
  ]
}

function ofOperators(): Source[] {
  return result.operators.flatMap((operator): Source[] => {
    const judgement = operator.isolated ?? operator.cascaded
    if (judgement === undefined) return []
    const kind = operator.isolated === undefined ? 'accumulated' : 'own'
    return [[`${nameOf(operator)}, ${kind}`, judgement.metrics.ulp.histogram]]
  })
}

/** The last bin of a histogram ends where its largest error is, so bins are told apart by their start. */
function sum(histograms: readonly (readonly HistogramBin[])[]): HistogramBin[] {
  const longest = Math.max(...histograms.map(({ length }) => length))
  return Array.from({ length: longest }, (_, index) => {
    const bins = histograms.flatMap((bins) => bins[index] ?? [])
    return {
      from: bins[0]!.from,
      to: Math.max(...bins.map(({ to }) => to)),
      count: bins.reduce((total, { count }) => total + count, 0),
    }
  })
}

function draw(name: string, bins: readonly HistogramBin[], width: number) {
  const total = bins.reduce((sum, { count }) => sum + count, 0)
  const share = ({ count }: HistogramBin) => (total === 0 ? 0 : count / total)
  const perBar = (width - 60) / Math.max(bins.length, 1)
  return {
    label: `Histogram of errors in ULP, ${name}: ${bins
      .map((bin) => `${limits(bin)}: ${percent(share(bin))}`)
      .join(', ')}`,
    height: 300,
    option: {
      grid: { left: 8, right: 8, top: 28, bottom: 24, containLabel: true },
      tooltip: tooltip((index) => {
        const bin = bins[index]!
        return [`${limits(bin)} ULP`, `${integer(bin.count)} elements`, percent(share(bin))]
      }),
      xAxis: {
        ...axisLooks,
        type: 'category',
        data: bins.map(upTo),
        name: 'up to … ULP',
        nameLocation: 'middle',
        nameGap: 28,
      },
      yAxis: {
        ...axisLooks,
        type: 'value',
        min: 0,
        axisLabel: {
          ...axisLooks.axisLabel,
          formatter: (share: number) => `${Math.round(share * 1000) / 10} %`,
        },
      },
      series: [
        {
          type: 'bar',
          barCategoryGap: '12%',
          itemStyle: { color: 'var(--device)' },
          // Small bars tell most here, and could be missed.
          label: {
            show: perBar > 52,
            position: 'top',
            color: 'var(--ink)',
            fontSize: 11,
            formatter: ({ dataIndex }: { dataIndex: number }) => percent(share(bins[dataIndex]!)),
          },
          data: bins.map(share),
        },
      ],
    },
    table: {
      caption: `Errors in ULP: ${name}`,
      plain: true,
      rows: bins,
      columns: [
        { label: 'ULP', value: limits },
        {
          label: 'Elements',
          numeric: true,
          value: ({ count }: HistogramBin) => count,
          cell: ({ count }: HistogramBin) => integer(count),
        },
        {
          label: 'Share',
          numeric: true,
          value: share,
          cell: (bin: HistogramBin) => percent(share(bin)),
        },
      ],
    },
  }
}

const upTo = ({ to }: HistogramBin): string => (to === 0.5 ? '½' : figure(to))

function limits({ from, to }: HistogramBin): string {
  if (to === 0) return '0'
  return `${from === 0.5 ? '½' : figure(from)} to ${to === 0.5 ? '½' : figure(to)}`
}
