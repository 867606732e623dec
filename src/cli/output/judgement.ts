/** How verdicts and figures look in every table of comparisons. */
import type { Verdict } from '../../precision/standards/index.ts'
import { escapeControls } from './display.ts'
import { paint, type TerminalLook } from './terminal.ts'

export function paintStatus({ status }: Verdict, look: TerminalLook): string {
  const color = { pass: 'green', warning: 'yellow', error: 'red' } as const
  return paint(color[status], status, look)
}

/** The first line of a comparison. */
export function verdictLine(verdict: Verdict, standard: string, look: TerminalLook): string {
  return `${paintStatus(verdict, look)} by ${escapeControls(standard)}: ${escapeControls(verdict.rule)}`
}

/** A line that ends with a verdict's status, which gets its colour. */
export function statusLine(line: string, verdict: Verdict, look: TerminalLook): string {
  return line.endsWith(verdict.status)
    ? line.slice(0, -verdict.status.length) + paintStatus(verdict, look)
    : line
}

/** `0`, `1.2e-7`, `Infinity`, `NaN`. */
export function scientific(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value)
  return value.toExponential(1)
}

/** Says of a list that is cut how much is missing. */
export function others(count: number): string[] {
  return count > 0 ? [`  and ${count} more`] : []
}
