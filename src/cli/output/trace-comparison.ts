/** Two traces compared, as a table for people: the verdict, what has no counterpart, the worst tensors. */
import { severityOf } from '../../precision/compare/judge.ts'
import type { TraceComparison, TracedComparison } from '../../precision/trace/compare-traces.ts'
import type { Trace } from '../../precision/trace/trace.ts'
import { formatShape } from '../../tensor/shape.ts'
import { escapeControls } from './display.ts'
import { grid } from './grid.ts'
import { others, scientific, statusLine, verdictLine } from './judgement.ts'
import { joined } from './operator-case.ts'
import { paint, type TerminalLook } from './terminal.ts'

const shownTensors = 10

export function renderTraceComparison(
  result: TraceComparison,
  sides: { readonly device: Trace; readonly reference: Trace },
  { all }: { readonly all?: true },
  look: TerminalLook,
): string {
  const { tensors, firstDivergent } = result
  const first = tensors.find(({ name }) => name === firstDivergent)
  return joined([
    [verdictLine(result.verdict, result.standard, look)],
    [`N  ${sideLine(sides.device)}`, `B  ${sideLine(sides.reference)}`],
    missing(result, look),
    first === undefined
      ? ['No tensor diverges.']
      : [
          `First divergent tensor: ${paint('bold', escapeControls(first.name), look)}`,
          `  ${escapeControls(first.verdict.rule)}`,
          ...worst(first),
        ],
    table(result, all === true, look),
  ])
}

function sideLine({ path, manifest }: Trace): string {
  if (manifest === undefined) return `${escapeControls(path)}, written by another program`
  const { name: device, label, dtype, settings } = manifest.device
  const name = label === undefined ? device : `${device} (${label})`
  const details = Object.entries(settings).map(([what, value]) => `${what} ${value}`)
  return escapeControls([path, name, dtype, ...details].join(', '))
}

function missing(result: TraceComparison, look: TerminalLook): string[] {
  const list = (what: string, names: readonly string[]): string[] =>
    names.length === 0
      ? []
      : [
          paint('bold', `${what}: ${names.length}`, look),
          ...names.slice(0, shownTensors).map((name) => `  ${escapeControls(name)}`),
          ...others(names.length - shownTensors),
        ]
  return [
    ...list('Only in the trace of N', result.onlyDevice),
    ...list('Only in the trace of B', result.onlyReference),
    ...list(
      'Of other shapes',
      result.misshaped.map(
        ({ name, device, reference }) =>
          `${name}: ${formatShape(device)} and ${formatShape(reference)}`,
      ),
    ),
    ...(result.leftOut.length === 0
      ? []
      : [`Left out, since the layouts differ: ${escapeControls(result.leftOut.join(', '))}.`]),
  ]
}

function worst({ worst: element }: TracedComparison): string[] {
  if (element === undefined) return []
  return [`  worst ${formatShape(element.index)}: N ${element.actual}, B ${element.expected}`]
}

/** In order of execution; without `all`, those with the largest errors. */
function table({ tensors }: TraceComparison, all: boolean, look: TerminalLook): string[] {
  const ranked = [...tensors].sort((a, b) => severityOf(b.metrics) - severityOf(a.metrics))
  const shown = all ? tensors : ranked.slice(0, shownTensors)
  const rows = shown.map(({ name, metrics, verdict }) => [
    `  ${escapeControls(name)}`,
    scientific(metrics.maxAbs),
    scientific(metrics.relativeL2),
    metrics.effectiveBits.toFixed(1),
    verdict.status,
  ])
  const [head, ...lines] = grid([['', 'max |N − B|', 'relative L2', 'bits', ''], ...rows], 1)
  return [
    paint('bold', `Tensors: ${tensors.length}`, look) +
      (shown.length < tensors.length
        ? `; the ${shown.length} with the largest errors (--all)`
        : ''),
    head!,
    ...lines.map((line, at) => statusLine(line, shown[at]!.verdict, look)),
  ]
}
