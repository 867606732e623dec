/** The catalogue as tables for people: verdicts of all samples, and what runs where. */
import type { Labelled } from '../../bench/report.ts'
import type { SampleResult } from '../../precision/operator-case/samples.ts'
import type { Support, SupportMatrix } from '../../precision/operator-case/support.ts'
import type { Verdict } from '../../precision/standards/index.ts'
import { escapeControls } from './display.ts'
import { grid } from './grid.ts'
import { paintStatus } from './judgement.ts'
import { joined, named } from './operator-case.ts'
import { paint, type TerminalLook } from './terminal.ts'

export function renderSamples(
  results: readonly SampleResult[],
  { device, reference, label }: { device: string; reference: string } & Labelled,
  verdict: Verdict,
  look: TerminalLook,
): string {
  const side = label === undefined ? { device } : { device, label }
  const groups = grouped(results, ({ operator, dtype }) => `${operator} ${dtype}`)
  const count = (group: readonly SampleResult[], status: string) =>
    String(group.filter((one) => (one.verdict?.status ?? 'skipped') === status).length)
  const rows = [...groups.values()].map((group) => [
    group[0]!.operator,
    group[0]!.dtype,
    ...['pass', 'warning', 'error', 'skipped'].map((status) => count(group, status)),
  ])
  const notPassed = results.filter((one) => one.verdict && one.verdict.status !== 'pass')
  const skipped = grouped(
    results.filter((one) => one.skipped !== undefined),
    (one) => one.skipped!,
  )
  const total = ['pass', 'warning', 'error', 'skipped'].map(
    (status) => `${count(results, status)} ${status}`,
  )
  return joined([
    [`${paintStatus(verdict, look)} by ${escapeControls(verdict.standard)}: ${total.join(', ')}`],
    [
      `Samples of the catalogue on ${named(side)} against ${reference}`,
      ...grid([['operator', 'dtype', 'pass', 'warning', 'error', 'skipped'], ...rows], 2),
    ],
    notPassed.flatMap((one) => [
      `${paintStatus(one.verdict!, look)} ${one.operator} ${one.dtype}, ${one.name}: ${one.verdict!.rule}`,
      `  ${escapeControls(one.command)}`,
    ]),
    [...skipped].map(([reason, some]) => `skipped ${some.length}: ${reason}`),
  ])
}

/** In the order in which the keys come up. */
function grouped(
  results: readonly SampleResult[],
  keyOf: (result: SampleResult) => string,
): Map<string, SampleResult[]> {
  const groups = new Map<string, SampleResult[]>()
  for (const result of results) {
    const key = keyOf(result)
    groups.set(key, [...(groups.get(key) ?? []), result])
  }
  return groups
}

const marks: Readonly<Record<Support['kind'], string>> = {
  kernel: 'yes',
  parts: 'parts',
  view: 'view',
  some: 'some',
  none: 'no',
  refused: 'no',
  unknown: '?',
}

export function renderSupport({ devices, operators }: SupportMatrix, look: TerminalLook): string {
  // One row for the dtypes of an operator that run in the same places.
  const rows = new Map<string, string[]>()
  for (const { operator, dtype, support } of operators) {
    if (support.every(({ kind }) => kind === 'refused')) continue
    const cells = support.map(({ kind }) => marks[kind])
    const key = [operator, ...cells].join()
    const dtypes = rows.get(key)?.[1]
    rows.set(key, [operator, dtypes === undefined ? dtype : `${dtypes}, ${dtype}`, ...cells])
  }
  const reasons = operators.flatMap(({ operator, support }) =>
    support.flatMap(({ kind, reason }, at) =>
      ['parts', 'some', 'none'].includes(kind)
        ? [`${operator} on ${devices[at]!.device}, ${marks[kind]}: ${reason}`]
        : [],
    ),
  )
  const missing = devices.flatMap(({ device, reason }) =>
    reason === undefined ? [] : [`${device}, ?: ${escapeControls(reason)}`],
  )
  return joined([
    [
      paint('bold', 'What runs where', look),
      ...grid(
        [['operator', 'dtypes', ...devices.map(({ device }) => device)], ...rows.values()],
        2,
      ),
    ],
    [
      'yes: a kernel; parts: made of other operators; view: no element moves; some: not every sample',
      'of the catalogue; no: none. A dtype that is not listed is one that the operator does not take.',
      'emulator: the backend of npu on the bundled emulator.',
    ],
    [...new Set([...reasons, ...missing])],
  ])
}
