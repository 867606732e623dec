/** A diagnosis as a table for people, on a terminal and in an issue report alike. */
import stringWidth from 'string-width'
import type { Check } from '../../backends/npu/diagnosis/check.ts'
import type { Diagnosis } from '../../backends/npu/diagnosis/diagnose.ts'
import { escapeControls } from './display.ts'
import { type Color, paint, type TerminalLook } from './terminal.ts'

export interface DiagnosisReport extends Diagnosis {
  /** Of this package. */
  readonly version: string
  readonly nextStep: string
}

/** In ASCII and in capitals where something is wrong, since colours are lost in an issue report. */
const marks: Readonly<Record<Check['status'], readonly [mark: string, color: Color]>> = {
  ok: ['ok', 'green'],
  warning: ['WARNING', 'yellow'],
  problem: ['PROBLEM', 'red'],
  skipped: ['-', 'dim'],
}
const markWidth = Math.max(...Object.values(marks).map(([mark]) => mark.length))
/** No line is broken into less than this. */
const leastWidth = 30

export function renderDiagnosis(report: DiagnosisReport, look: TerminalLook): string {
  const nameWidth = Math.max(...report.checks.map(({ name }) => name.length))
  const indent = ' '.repeat(markWidth + nameWidth + 4)
  const width = Math.max(leastWidth, look.columns - indent.length)
  const lines = [paint('bold', `roberta-ascend ${report.version}, device ${report.device}`, look)]
  if (report.emulator) {
    lines.push(paint('bold', 'This is the emulator, which computes on the CPU, and no NPU.', look))
  }
  lines.push('')
  for (const { name, status, summary, hint } of report.checks) {
    const [mark, color] = marks[status]
    const [first = '', ...more] = wrap(escapeControls(summary), width)
    const shade = (text: string) => (status === 'skipped' ? paint('dim', text, look) : text)
    const head = `${paint(color, mark.padEnd(markWidth), look)}  ${name.padEnd(nameWidth)}  `
    lines.push(head + shade(first), ...more.map((line) => indent + shade(line)))
    if (hint === undefined) continue
    const arrow = look.unicode ? '→ ' : '> '
    const advice = wrap(escapeControls(hint), width - arrow.length)
    lines.push(...advice.map((line, i) => indent + (i === 0 ? arrow : '  ') + line))
  }
  const verdict = report.usable ? 'Ready.' : 'Not usable.'
  const step = `${verdict} Next step: ${escapeControls(report.nextStep)}`
  lines.push('', ...wrap(step, look.columns).map((line) => paint('bold', line, look)))
  return `${lines.join('\n')}\n`
}

/** Breaks a text at its spaces; a longer word, such as a path, stays whole. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && stringWidth(`${last} ${word}`) <= width) {
      lines[lines.length - 1] = `${last} ${word}`
    } else {
      lines.push(word)
    }
  }
  return lines
}
