/** What `verify` found: the verdict, and every check beside what was expected. */
import type { VerificationReport } from '../../evaluation/verify/verify-model.ts'
import { escapeControls } from './display.ts'
import { grid } from './grid.ts'
import { joined } from './operator-case.ts'
import { paint, type TerminalLook } from './terminal.ts'

const colors = { pass: 'green', fail: 'red', skipped: 'dim' } as const

export function renderVerification(
  { verdict, summary, checks, settings }: VerificationReport,
  look: TerminalLook,
): string {
  const used = Object.entries(settings).map(([name, value]) => `${name} ${value}`)
  const lines = grid(
    checks.map(({ status, subject, finding }) => [status, subject, finding].map(escapeControls)),
    3,
  )
  return joined([
    [
      paint(verdict === 'verified' ? 'green' : 'red', verdict, look),
      escapeControls(summary),
      ...(used.length === 0 ? [] : [escapeControls(used.join(', '))]),
    ],
    lines.map((line, at) => {
      const { status } = checks[at]!
      return paint(colors[status], status, look) + line.slice(status.length)
    }),
  ])
}
