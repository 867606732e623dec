/**
 * A benchmark's report as tables for people. No line is longer than 80 columns unless a name is long.
 *
 * Wherever a figure of an emulator stands, its device is named with the label.
 */
import type {
  BenchmarkReport,
  DeviceReport,
  Labelled,
  OperatorReport,
  ProfileReport,
  RatioReport,
  SpeedReport,
  SpeedUpReport,
} from '../../bench/report.ts'
import { escapeControls } from './display.ts'
import { grid } from './grid.ts'
import { paint, type TerminalLook } from './terminal.ts'

export function renderBenchmark(
  report: BenchmarkReport,
  version: string,
  look: TerminalLook,
): string {
  const bold = (text: string): string => paint('bold', text, look)
  const { devices, ratios, speedUp } = report
  const sections = [
    heading(report, version, bold),
    ...devices.flatMap((device) => [speeds(device, bold), ...profiles(device, bold)]),
    ...(ratios.length === 0 ? [] : [ratioTable(ratios, bold)]),
    ...(speedUp === undefined ? [] : [speedUpTable(speedUp, bold)]),
  ]
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

type Bold = (text: string) => string

function heading(report: BenchmarkReport, version: string, bold: Bold): string[] {
  const { model, machine, workload, peakResidentBytes, aclprof } = report
  const name = escapeControls(model.name)
  return [
    bold(`roberta-ascend ${version}, ${name}, ${model.layers} layers, ${model.dtype}`),
    `${workload.texts} texts, ${workload.tokens} tokens; ` +
      `${workload.rounds} rounds, ${workload.warmUp} before to warm up`,
    `${machine.processor}, ${machine.parallelism} threads at once, ` +
      `load average ${machine.loadAverage.toFixed(1)} before`,
    `Node ${machine.node}, ${machine.platform}; ` +
      `peak resident memory of the process ${mebibytes(peakResidentBytes)}`,
    ...(aclprof === undefined
      ? []
      : [`aclprof watched the rounds that count, which it slows down: ${escapeControls(aclprof)}`]),
  ]
}

/** A device by its name, and by what it is where it is an emulator. */
function named(device: string, { label }: Labelled): string {
  return label === undefined ? device : `${device} (${label})`
}

function speeds(device: DeviceReport, bold: Bold): string[] {
  const settings = Object.entries(device.settings).map(([name, value]) => `${name} ${value}`)
  const row = (first: string, what: string, { latency, ...speed }: SpeedReport): string[] => [
    first,
    what,
    figure(speed.textsPerSecond),
    figure(speed.tokensPerSecond),
    ...[latency.p50, latency.p95, latency.p99].map(milliseconds),
    String(latency.batches),
  ]
  const rows = device.batches.flatMap(({ batchSize, endToEnd, forward }) => [
    row(String(batchSize), 'end to end', endToEnd),
    row('', 'forward alone', forward),
  ])
  return [
    bold(named(device.device, device)),
    ...(settings.length === 0 ? [] : [escapeControls(settings.join(', '))]),
    `loaded in ${device.loadSeconds.toFixed(2)} s, holds ${mebibytes(device.heldBytes)}`,
    ...grid([['batch', '', 'texts/s', 'tokens/s', 'p50 ms', 'p95', 'p99', 'batches'], ...rows], 2),
  ]
}

function profiles(device: DeviceReport, bold: Bold): string[][] {
  return device.batches.flatMap(({ operators }) =>
    operators === undefined ? [] : [profileTables(operators, named(device.device, device), bold)],
  )
}

/** How operators were timed, in words; what all of them, a forward and nothing take, in ms, ms and µs. */
const methods: Readonly<
  Record<ProfileReport['clock'], (all: string, forward: string, empty: string) => string[]>
> = {
  host: (all, forward, empty) => [
    'Each call is followed by a wait for the device, so that it can be timed. That perturbs:',
    `all calls so take ${all} ms, the forward as it is ${forward} ms, a wait alone ${empty} µs.`,
  ],
  device: (all, forward, empty) => [
    'By the clock of the device, with an event before and after each launch of a forward:',
    `all launches take ${all} ms, the forward as it is ${forward} ms, two events alone ${empty} µs.`,
  ],
}

function profileTables(profile: ProfileReport, device: string, bold: Bold): string[] {
  const figures = (sum: OperatorReport): string[] => [
    String(sum.calls),
    milliseconds(sum.seconds),
    `${((100 * sum.seconds) / profile.operatorSeconds).toFixed(1)} %`,
    rate(sum.flops, sum.seconds),
    rate(sum.bytes, sum.seconds),
  ]
  const names = ['calls', 'ms', 'share', 'GFLOP/s', 'GB/s']
  return [
    bold(`Operators on ${device}, batch of ${profile.texts}, ${profile.tokens} tokens`),
    ...methods[profile.clock](
      milliseconds(profile.operatorSeconds),
      milliseconds(profile.forwardSeconds),
      (profile.emptySeconds * 1e6).toFixed(1),
    ),
    'GFLOP/s and GB/s are by the formulas of the catalogue: every operand moves once.',
    ...grid(
      [['operator', ...names], ...profile.byOperator.map((sum) => [sum.operator, ...figures(sum)])],
      1,
    ),
    '',
    ...grid(
      [
        ['module', 'operator', ...names],
        ...profile.byModule.map((sum) => [sum.module, sum.operator, ...figures(sum)]),
      ],
      2,
    ),
  ]
}

function ratioTable(ratios: readonly RatioReport[], bold: Bold): string[] {
  const rows = ratios.map((ratio) => [
    named(ratio.device, ratio),
    String(ratio.batchSize),
    times(ratio.endToEnd),
    times(ratio.forward),
  ])
  return [
    bold(`Times as fast as ${ratios[0]!.baseline}, median over rounds`),
    ...grid([['', 'batch', 'end to end', 'forward alone'], ...rows], 1),
  ]
}

function speedUpTable(table: SpeedUpReport, bold: Bold): string[] {
  if ('emulator' in table) {
    const rows = table.rows.map((row) => [
      String(row.batchSize),
      figure(row.cpuTextsPerSecond),
      figure(row.emulatorTextsPerSecond),
      times(row.ratio),
    ])
    const { cpu, emulator } = table
    return [
      bold(`${cpu} and ${named(emulator, table)}: no speed-up of an NPU`),
      ...grid([['batch', `${cpu} texts/s`, `${emulator} texts/s`, 'ratio'], ...rows], 1),
    ]
  }
  const rows = table.rows.map((row) => [
    String(row.batchSize),
    figure(row.cpuTextsPerSecond),
    figure(row.npuTextsPerSecond),
    times(row.speedUp),
  ])
  return [
    bold(`CPU (${table.cpu}) and NPU (${table.npu}), end to end`),
    ...grid([['batch', 'CPU texts/s', 'NPU texts/s', 'speed-up'], ...rows], 1),
  ]
}

/** Three digits or more. */
function figure(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)
}

function milliseconds(seconds: number): string {
  return (seconds * 1000).toFixed(seconds < 0.1 ? 2 : 1)
}

function mebibytes(bytes: number): string {
  return `${figure(bytes / 2 ** 20)} MiB`
}

function times(ratio: number): string {
  return `${figure(ratio)} ×`
}

/** In units of a billion a second; nothing for an operator that has none. */
function rate(count: number, seconds: number): string {
  return count === 0 ? '-' : figure(count / seconds / 1e9)
}
