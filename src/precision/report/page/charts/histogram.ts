/** How many elements are how far off, in units in the last place. */
import type { HistogramBin } from '../../../metrics.ts'
import { axisLooks, type Chart, chart, tooltip } from '../chart.ts'
import { choice } from '../choice.ts'
import { nameOf, result } from '../data.ts'
import { integer, percent } from '../format.ts'
import { numeric } from '../numeric.ts'
import { errorScale } from '../scale.ts'

type Source = readonly [name: string, bins: readonly HistogramBin[]]

export function histogram(): Chart {
  const sources: readonly Source[] = [...totals(), ...ofOperators()]
  const source = choice(
    'Errors of',
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
  const scale = errorScale([1, ...bins.map(({ count }) => count)])
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
        name: 'elements',
        nameTextStyle: { ...axisLooks.nameTextStyle, align: 'right' },
        min: 0,
        max: scale.end - scale.zero,
        minInterval: 1,
        axisLabel: {
          ...axisLooks.axisLabel,
          formatter: (height: number) =>
            height === 0 ? '0' : integer(10 ** (height + scale.zero)),
        },
      },
      series: [
        {
          type: 'bar',
          barCategoryGap: '12%',
          itemStyle: { color: 'var(--device)' },
          label: {
            show: perBar > 52,
            position: 'top',
            color: 'var(--ink)',
            fontSize: 11,
            formatter: ({ dataIndex }: { dataIndex: number }) => percent(share(bins[dataIndex]!)),
          },
          data: bins.map(({ count }) => scale.place(count) - scale.zero),
        },
      ],
    },
    table: {
      caption: `Errors in ULP: ${name}`,
      plain: true,
      rows: bins,
      columns: [
        { label: 'ULP', value: limits },
        numeric('Elements', ({ count }: HistogramBin) => count, integer),
        numeric('Share', share, percent),
      ],
    },
  }
}

/** `½`, `1`, `2`, … `512`, `2^10`, … */
function ulps(value: number): string {
  if (value === 0.5) return '½'
  return value < 1024 ? String(value) : `2^${Math.log2(value)}`
}

const upTo = ({ to }: HistogramBin): string => ulps(to)

function limits({ from, to }: HistogramBin): string {
  return to === 0 ? '0' : `${ulps(from)} to ${ulps(to)}`
}
