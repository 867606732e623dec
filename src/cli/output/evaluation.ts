/**
 * An evaluation as tables for people, and as CSV with one figure a line. The table shows the first
 * device in full, and of the others what differs.
 *
 * Wherever a figure of an emulator stands, its device is named with the label.
 */
import type { Quality } from '../../evaluation/quality/quality.ts'
import {
  type DeviceEvaluation,
  type DeviceSide,
  type EvaluationReport,
  type Figure,
  figuresOf,
  type QualityComparison,
} from '../../evaluation/report.ts'
import { csvLine } from './csv.ts'
import { escapeControls } from './display.ts'
import { grid } from './grid.ts'
import { joined, named } from './operator-case.ts'
import { paint, type TerminalLook } from './terminal.ts'

/** Columns: device, label of an emulator, dtype, scope, label, metric, value; empty for undefined. */
export function evaluationCsv({ devices }: EvaluationReport): string {
  const lines = devices.flatMap(({ device, label: emulated = '', dtype, quality }) =>
    figuresOf(quality).map(({ scope, label = '', metric, value }) =>
      csvLine([device, emulated, dtype, scope, label, metric, value === null ? '' : String(value)]),
    ),
  )
  return csvLine(['device', 'note', 'dtype', 'scope', 'label', 'metric', 'value']) + lines.join('')
}

export function renderEvaluation(report: EvaluationReport, look: TerminalLook): string {
  const { model, dataset, devices, comparisons } = report
  const cut = dataset.truncated === 0 ? '' : `, ${dataset.truncated} of them cut`
  const heading =
    `${escapeControls(model.name)}, ${model.layers} layers, ` +
    `on ${escapeControls(dataset.name)}, ${dataset.texts} texts${cut}`
  return joined([
    [paint('bold', heading, look)],
    ...deviceSections(devices[0]!, look),
    ...comparisons.map((comparison) => comparisonLines(comparison, report, look)),
  ])
}

function deviceSections(device: DeviceEvaluation, look: TerminalLook): string[][] {
  const { quality } = device
  const settings = Object.entries(device.settings).map(([name, value]) => `, ${name} ${value}`)
  return [
    [
      paint('bold', `${sideName(device)}${escapeControls(settings.join(''))}`, look),
      ...averages(quality),
    ],
    overall(quality),
    perLabel(quality),
    confusion(quality),
    calibration(quality),
  ].filter((lines) => lines.length > 0)
}

function sideName({ dtype, ...side }: DeviceSide): string {
  return `${named(side)}, ${dtype}`
}

function averages(quality: Quality): string[] {
  const { weighted, rocAuc, averagePrecision } = quality
  const row = (name: 'micro' | 'macro'): string[] => {
    const { precision, recall, f1 } = quality[name]
    return [name, ...[precision, recall, f1, rocAuc[name], averagePrecision[name]].map(figure)]
  }
  const { precision, recall, f1 } = weighted
  return grid(
    [
      ['', 'precision', 'recall', 'F1', 'ROC-AUC', 'average precision'],
      row('micro'),
      row('macro'),
      ['weighted', ...[precision, recall, f1].map(figure), '', ''],
    ],
    1,
  )
}

function overall(quality: Quality): string[] {
  const isSingle = quality.confusion !== null
  const rows: [string, number][] = [
    [isSingle ? 'accuracy' : 'subset accuracy (all labels of a text right)', quality.accuracy],
    ...(isSingle
      ? []
      : [['the best label is a right one', quality.bestLabelIsRight] satisfies [string, number]]),
    [`Brier score${isSingle ? ', summed over labels' : ''}`, quality.brier],
    [
      `expected calibration error, 10 bins, ${isSingle ? 'best labels' : 'all labels'}`,
      quality.calibration.error,
    ],
  ]
  return grid(
    rows.map(([name, value]) => [name, figure(value)]),
    1,
  )
}

function perLabel({ labels, confusion }: Quality): string[] {
  const isSingle = confusion !== null
  const best = isSingle ? [] : ['best at', 'F1 there']
  const rows = labels.map((one) => [
    escapeControls(one.label),
    String(one.support),
    String(one.predicted),
    ...[one.precision, one.recall, one.f1, one.rocAuc, one.averagePrecision].map(figure),
    ...(isSingle ? [] : [one.bestThreshold, one.bestF1].map(figure)),
  ])
  return grid(
    [['label', 'support', 'chosen', 'prec.', 'recall', 'F1', 'AUC', 'AP', ...best], ...rows],
    1,
  )
}

/** Wider ones do not fit on a terminal; JSON has them. */
const widestConfusion = 10

function confusion({ labels, confusion: table }: Quality): string[] {
  if (table === null || labels.length > widestConfusion) return []
  const names = labels.map(({ label }) => escapeControls(label))
  const rows = table.map((row, id) => [names[id]!, ...row.map(String)])
  return [
    'Texts, by right label (lines) and best label (columns)',
    ...grid([['', ...names], ...rows], 1),
  ]
}

function calibration({ calibration: { bins } }: Quality): string[] {
  const rows = bins.map(({ count, meanScore, shareRight }, at) => [
    `${(at / bins.length).toFixed(1)} to ${((at + 1) / bins.length).toFixed(1)}`,
    String(count),
    figure(meanScore),
    figure(shareRight),
  ])
  return grid([['scores', 'count', 'mean', 'right'], ...rows], 1)
}

const metricNames: Readonly<Record<string, string>> = {
  bestLabelIsRight: 'best label is right',
  brier: 'Brier score',
  calibrationError: 'calibration error',
  f1: 'F1',
  rocAuc: 'ROC-AUC',
  averagePrecision: 'average precision',
}

/** Figures of labels that are worth a line where they differ most. */
const ranked = ['f1', 'rocAuc', 'averagePrecision']

const shownFlips = 10
const shownFigures = 5

function comparisonLines(
  { device, baseline, differences, agreement, flips }: QualityComparison,
  { devices }: EvaluationReport,
  look: TerminalLook,
): string[] {
  const baselineFigures = figuresOf(devices[0]!.quality)
  const compared = differences.map((difference, at) => ({
    ...difference,
    baseline: baselineFigures[at]!.value,
  }))
  const change = ({ value }: Figure): number => Math.abs(value ?? 0)
  const changed = compared
    .filter((one) => one.scope === 'label' && ranked.includes(one.metric) && change(one) > 0)
    .sort((a, b) => change(b) - change(a))
    .slice(0, shownFigures)
  const row = (one: (typeof compared)[number]): string[] => [
    escapeControls(one.label ?? (one.scope === 'all' ? '' : one.scope)),
    metricNames[one.metric] ?? one.metric,
    figure(one.baseline),
    figure(one.value === null || one.baseline === null ? null : one.baseline + one.value),
    one.value === null ? '-' : signed(one.value),
  ]
  const shown = [...flips]
    .sort((a, b) => Math.abs(b.device - b.baseline) - Math.abs(a.device - a.baseline))
    .slice(0, shownFlips)
  const rightOnDevice = flips.filter(({ right }) => right === 'device').length
  return [
    paint('bold', `${sideName(device)}, against ${sideName(baseline)}`, look),
    ...grid(
      [
        ['', '', baseline.device, device.device, 'difference'],
        ...[...compared.filter(({ scope }) => scope !== 'label'), ...changed].map(row),
      ],
      2,
    ),
    `probabilities: max error ${agreement.maxProbabilityError.toExponential(2)}, ` +
      `mean ${agreement.mae.toExponential(2)}; ` +
      `the same best label for ${(100 * agreement.top1).toFixed(2)} % of texts`,
    `decisions that differ: ${flips.length}; ${device.device} is right in ${rightOnDevice}, ` +
      `${baseline.device} in ${flips.length - rightOnDevice}`,
    ...(shown.length === 0
      ? []
      : grid(
          [
            ['line', 'label', baseline.device, device.device, 'threshold', 'right'],
            ...shown.map((flip) => [
              flip.line === undefined ? `text ${flip.text}` : String(flip.line),
              escapeControls(flip.label),
              flip.baseline.toFixed(6),
              flip.device.toFixed(6),
              flip.threshold === null ? '-' : figure(flip.threshold),
              flip.right === 'device' ? device.device : baseline.device,
            ]),
          ],
          2,
        )),
    ...(shown.length < flips.length ? [`and ${flips.length - shown.length} more, in JSON`] : []),
  ]
}

function figure(value: number | null): string {
  return value === null ? '-' : value.toFixed(4)
}

function signed(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  return `${value > 0 ? '+' : '−'}${size < 1e-3 ? size.toExponential(1) : size.toFixed(4)}`
}
