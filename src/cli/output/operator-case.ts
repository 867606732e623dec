/** One operator's comparison as tables for people: a case by itself, or the cases of a sweep. */

import type { Metrics } from '../../precision/metrics.ts'
import type { ValueBin } from '../../precision/operator-case/error-by-value.ts'
import type { CaseResult, SideReport } from '../../precision/operator-case/run.ts'
import type { Settings } from '../../precision/operator-case/settings.ts'
import { digits, type Verdict } from '../../precision/standards/index.ts'
import { formatShape } from '../../tensor/shape.ts'
import { escapeControls } from './display.ts'
import { grid } from './grid.ts'
import { paintStatus, verdictLine } from './judgement.ts'
import { drawBar, paint, type TerminalLook } from './terminal.ts'

/** With its settings, and the command that runs it again. */
export type CaseReport = CaseResult & { readonly settings: Settings; readonly command: string }

export function renderCase(one: CaseReport, look: TerminalLook): string {
  const sections = [
    [verdictLine(one.verdict, one.verdict.standard, look)],
    whatRan(one),
    accuracy(one, look),
    speed(one, look),
    worst(one, look),
    byValue(one, look),
    [paint('bold', 'Again', look), `  ${escapeControls(one.command)}`],
  ]
  return joined(sections)
}

export function renderSweep(
  cases: readonly CaseReport[],
  names: readonly string[],
  verdict: Verdict,
  look: TerminalLook,
): string {
  const rows = cases.map((one) => [
    ...names.map((name) => escapeControls(String(one.settings[name]))),
    one.verdict.status,
    digits(one.metrics.maxAbs),
    digits(one.exact.device.ulp.mean),
    digits(one.exact.device.ulp.max),
    digits(one.exact.reference.ulp.max),
    ...timeCells(one.device),
  ])
  const ulp = (what: string) => `${what} ULP`
  const heading = [...names, 'verdict', 'max |N − B|', ulp('mean'), ulp('max'), ulp('B max')]
  const failed = cases.filter(({ verdict: { status } }) => status !== 'pass')
  const { operator, device, reference } = cases[0]!
  return joined([
    [verdictLine(verdict, verdict.standard, look)],
    [
      `${operator} on ${named(device)}, N, against ${named(reference)}, B; ULP from the exact result`,
      ...grid([[...heading, 'ms', 'GFLOP/s', 'GB/s'], ...rows], names.length + 1),
    ],
    failed.flatMap((one) => [
      `${paintStatus(one.verdict, look)}: ${one.verdict.rule}`,
      `  ${escapeControls(one.command)}`,
    ]),
  ])
}

export function joined(sections: readonly (readonly string[])[]): string {
  const full = sections.filter((lines) => lines.length > 0)
  return `${full.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

export function named({ device, label }: Pick<SideReport, 'device' | 'label'>): string {
  return label === undefined ? device : `${device} (${label})`
}

function whatRan({ operator, inputs, attributes, against, ...rest }: CaseResult) {
  const { device, reference, shape, dtype } = rest
  const list = (values: object) => Object.entries(values).map(([name, value]) => `${name} ${value}`)
  const settings = list(device.settings)
  const given = list(attributes)
  const changed = list(against).filter((one) => !given.includes(one))
  return [
    [operator, ...given].join(', '),
    ...inputs.flatMap((input) =>
      input === undefined
        ? []
        : [
            `  ${input.name} ${input.dtype} ${formatShape(input.shape)}, ${input.layout}, ` +
              escapeControls(input.source),
          ],
    ),
    `  gives ${dtype} ${formatShape(shape)}`,
    [`N on ${named(device)}`, ...settings].join(', '),
    [`B on ${named(reference)}`, ...changed].join(', '),
  ]
}

function accuracy({ metrics, exact }: CaseResult, look: TerminalLook): string[] {
  if (metrics.count === 0) return []
  const row = (name: string, of: (metrics: Metrics) => number): string[] => [
    name,
    ...[metrics, exact.device, exact.reference].map((one) => digits(of(one))),
  ]
  const { nonFinite } = metrics
  const others = nonFinite.actualNaN + nonFinite.actualInf + nonFinite.expectedNaN
  return [
    paint('bold', `Accuracy over ${metrics.count} elements`, look),
    ...grid(
      [
        ['', 'N from B', 'N from exact', 'B from exact'],
        row('max |error|', (one) => one.maxAbs),
        row('mean |error|', (one) => one.mae),
        row('RMSE', (one) => one.rmse),
        row('relative L2', (one) => one.relativeL2),
        row('cosine', (one) => one.cosine),
        row('ULP max', (one) => one.ulp.max),
        row('ULP p99', (one) => one.ulp.p99),
        row('ULP mean', (one) => one.ulp.mean),
        row('error balance', (one) => one.errorBalance),
      ],
      1,
    ),
    ...(others + nonFinite.expectedInf === 0
      ? []
      : [
          `NaN: ${nonFinite.actualNaN} and ${nonFinite.expectedNaN}, ` +
            `infinities: ${nonFinite.actualInf} and ${nonFinite.expectedInf}, ` +
            `in different places: ${nonFinite.disagreements}`,
        ]),
  ]
}

function speed({ device, reference }: CaseResult, look: TerminalLook): string[] {
  if (device.time === undefined) return []
  return [
    paint('bold', `Speed, median of ${device.time.rounds} calls with a wait after each`, look),
    ...grid(
      [
        ['', 'ms', 'GFLOP/s', 'GB/s'],
        ['N', ...timeCells(device)],
        ['B', ...timeCells(reference)],
      ],
      1,
    ),
  ]
}

function timeCells({ time }: SideReport): string[] {
  if (time === undefined) return ['-', '-', '-']
  const rate = (perSecond: number) => (perSecond === 0 ? '-' : digits(perSecond / 1e9))
  const { seconds, flopsPerSecond, bytesPerSecond } = time
  return [(seconds * 1000).toFixed(3), rate(flopsPerSecond), rate(bytesPerSecond)]
}

function worst({ worst }: CaseResult, look: TerminalLook): string[] {
  if (worst === undefined) return []
  const { index, device, reference, exact, input, standard, needed, allowed } = worst
  return [
    paint('bold', `Worst element, ${formatShape(index)}`, look),
    ...(input === undefined ? [] : [`  input  ${input}`]),
    `  N      ${device}`,
    `  B      ${reference}`,
    `  exact  ${exact}`,
    ...(needed === undefined || allowed === undefined
      ? []
      : [`  needed ${digits(needed)}, allowed ${digits(allowed)} by ${escapeControls(standard)}`]),
  ]
}

function byValue({ errorByValue: { of, bins } }: CaseResult, look: TerminalLook): string[] {
  if (bins.length === 0) return []
  const most = Math.log2(1 + Math.max(...bins.map(({ maxUlp }) => maxUlp)))
  const row = (bin: ValueBin): string[] => [
    `${digits(bin.from)} … ${digits(bin.to)}`,
    String(bin.count),
    digits(bin.maxAbs),
    digits(bin.meanUlp),
    digits(bin.maxUlp),
  ]
  const [heading, ...lines] = grid(
    [[of, 'elements', 'max |error|', 'mean ULP', 'max ULP'], ...bins.map(row)],
    0,
  )
  return [
    paint('bold', `Error of N from the exact result, by ${of}; bars are log2(1 + max ULP)`, look),
    heading!,
    ...lines.map((line, at) =>
      `${line}  ${drawBar(Math.log2(1 + bins[at]!.maxUlp) / (most || 1), 20, look)}`.trimEnd(),
    ),
  ]
}
