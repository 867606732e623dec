/** Pairs of values, and how far they are apart. */
import { axisLooks, type Chart, chart, tooltip } from '../chart.ts'
import { choice } from '../choice.ts'
import { result, sideName } from '../data.ts'
import { element, figure, tick } from '../format.ts'
import { numeric } from '../numeric.ts'

type Pair = (typeof result.sample)[number]

const difference = ({ device, reference }: Pair): number => device - reference

const views = [
  ['the device’s value', false],
  ['the difference', true],
] as const

export function scatter(): Chart {
  const view = choice('Vertical axis', views, () => drawn.update())
  const drawn: Chart = chart<Pair>({
    title: 'Device against reference',
    explanation:
      'A sample of logits and hidden values. On the diagonal both sides agree; the difference shows ' +
      'what the diagonal hides.',
    controls: [view.element],
    draw: (width) => draw(view.value(), width),
  })
  return drawn
}

function draw(asDifference: boolean, width: number) {
  const pairs = result.sample.filter((pair) => Number.isFinite(difference(pair)))
  const up = (pair: Pair) => (asDifference ? difference(pair) : pair.device)
  const extremes = pairs.flatMap(({ device, reference }) => [device, reference])
  const [low, high] = [least(extremes), -least(extremes.map((value) => -value))]
  const upName = asDifference ? 'difference' : sideName(result.device)
  return {
    label:
      `Scatter of ${pairs.length} values: ${upName} against ${sideName(result.reference)}. ` +
      `Largest difference ${figure(Math.max(0, ...pairs.map((pair) => Math.abs(difference(pair)))))}`,
    height: Math.min(420, Math.max(280, width * 0.75)),
    option: {
      grid: { left: 8, right: 20, top: 32, bottom: 28, containLabel: true },
      tooltip: tooltip((index) => {
        const pair = pairs[index]!
        return [
          `device ${element(pair.device)}`,
          `reference ${element(pair.reference)}`,
          `difference ${figure(difference(pair))}`,
        ]
      }),
      xAxis: {
        ...axisLooks,
        type: 'value',
        scale: true,
        splitNumber: width < 500 ? 3 : 5,
        name: sideName(result.reference),
        nameLocation: 'middle',
        nameGap: 30,
      },
      yAxis: {
        ...axisLooks,
        type: 'value',
        scale: true,
        name: upName,
        nameTextStyle: { ...axisLooks.nameTextStyle, align: 'left', padding: [0, 0, 0, -20] },
        axisLabel: { ...axisLooks.axisLabel, formatter: tick },
      },
      series: [
        {
          type: 'scatter',
          symbolSize: 5,
          itemStyle: { color: 'var(--device)', opacity: 0.35 },
          data: pairs.map((pair) => [pair.reference, up(pair)]),
        },
        {
          type: 'line',
          symbol: 'none',
          silent: true,
          lineStyle: { color: 'var(--contrast)', width: 1 },
          data: [
            [low, asDifference ? 0 : low],
            [high, asDifference ? 0 : high],
          ],
        },
      ],
    },
    table: {
      caption: 'Device against reference: sampled values',
      rows: pairs,
      limit: 20,
      columns: [
        numeric('Reference', ({ reference }: Pair) => reference, element),
        numeric('Device', ({ device }: Pair) => device, element),
        numeric('Difference', difference),
      ],
    },
  }
}

const least = (values: readonly number[]): number =>
  values.reduce((a, b) => Math.min(a, b), Infinity)
