/**
 * The table for a terminal: each text as a heading, below it its labels with scores and bars.
 *
 * `terminalLook` says what the terminal can do, `renderRow` draws. Nothing of a text or a label
 * reaches the terminal unescaped.
 */
import { styleText } from 'node:util'
import stringWidth from 'string-width'
import type { LabelScore } from '../../model/classification.ts'
import { type Threshold, thresholdOf } from '../../model/scores.ts'
import { escapeControls, formatScore } from './display.ts'
import { fitText } from './fit-text.ts'
import { Sink } from './sink.ts'
import {
  type ClassificationRow,
  type OutputStream,
  type ResultWriter,
  shownLabels,
  type WriterOptions,
} from './writer.ts'

export interface TerminalLook {
  readonly columns: number
  readonly color: boolean
  /** Whether bars and ellipses may use characters beyond ASCII. */
  readonly unicode: boolean
}

/**
 * NO_COLOR, FORCE_COLOR, NODE_DISABLE_COLORS and TERM decide on colour, as in all of Node. The first
 * of LC_ALL, LC_CTYPE and LANG that is set decides on the characters, as in POSIX.
 */
export function terminalLook(output: OutputStream, env: NodeJS.ProcessEnv): TerminalLook {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  return {
    // Some pseudo-terminals report 0 columns; 80 is what a terminal without a size has.
    columns: output.columns || 80,
    color: output.hasColors?.(16, env) ?? false,
    unicode: /utf-?8/i.test(locale) && env.TERM !== 'dumb',
  }
}

export function terminalWriter(output: OutputStream, options: WriterOptions): ResultWriter {
  const sink = new Sink(output)
  let separator = ''
  return {
    write: async (row) => {
      const text = separator + renderRow(row, options, terminalLook(output, process.env))
      separator = '\n'
      await sink.write(text)
    },
    end: async () => {},
  }
}

const indent = '  '
const truncatedMark = ' (truncated)'
const scoreWidth = formatScore(0).length
const longestBar = 40
const shortestBar = 4

/** The lines of one text. All fit into `look.columns` but the message, which may wrap. */
export function renderRow(
  { record, best }: ClassificationRow,
  options: WriterOptions,
  look: TerminalLook,
): string {
  const ellipsis = look.unicode ? '…' : '...'
  const mark = record.truncated ? truncatedMark : ''
  const heading =
    record.text === ''
      ? paint('dim', '(empty text)', look)
      : paint('bold', fitText(record.text, look.columns - mark.length, ellipsis), look)
  const lines = [heading + paint('dim', mark, look)]

  const shown = shownLabels(record, options)
  if (shown.length === 0) {
    lines.push(paint('dim', indent + noLabelMessage(best, options.threshold), look))
  }

  const others = indent.length * 2 + scoreWidth
  const widest = Math.max(...options.labels.map((label) => stringWidth(escapeControls(label))))
  const labelWidth = Math.max(1, Math.min(widest, look.columns - others))
  const barWidth = Math.min(longestBar, look.columns - others - labelWidth - indent.length)
  for (const { label, score } of shown) {
    const color = scoreColor(score, thresholdOf(options.threshold, label))
    const name = fitText(label, labelWidth, ellipsis)
    const padding = ' '.repeat(labelWidth - stringWidth(name))
    const bar = barWidth < shortestBar ? '' : drawBar(score, barWidth, look)
    const value = paint(color, formatScore(score).padStart(scoreWidth), look)
    const line = `${indent}${name}${padding}${indent}${value}`
    lines.push(bar === '' ? line : `${line}${indent}${paint(color, bar, look)}`)
  }
  return `${lines.join('\n')}\n`
}

export type Color = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'gray'

export function paint(color: Color, text: string, look: TerminalLook): string {
  // Whether to colour is decided already, for this output; newer Node would look at stdout instead.
  return look.color && text !== '' ? styleText(color, text, { validateStream: false }) : text
}

/** Below the threshold, above it, and more likely than not. */
function scoreColor(score: number, threshold: number): Color {
  if (!(score >= threshold)) return 'gray'
  return score < 0.5 ? 'yellow' : 'green'
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A bar that is `width` long at score 1, to the nearest eighth of a character, or `#` in ASCII. */
export function drawBar(score: number, width: number, { unicode }: TerminalLook): string {
  const fraction = score > 0 ? Math.min(score, 1) : 0
  if (!unicode) return '#'.repeat(Math.round(fraction * width))
  const length = Math.round(fraction * width * 8)
  return '█'.repeat(length >> 3) + eighths[length & 7]
}

function noLabelMessage({ label, score }: LabelScore, threshold: Threshold): string {
  const own = thresholdOf(threshold, label)
  const least = formatThreshold(own)
  const best = `${escapeControls(label)} ${formatBelow(score, own)}`
  return typeof threshold === 'number'
    ? `no label reaches ${least}; best is ${best}`
    : `no label reaches its threshold; best is ${best}, of ${least}`
}

/** At least two decimals, and all that it was given with: 0.30, 0.125. */
function formatThreshold(threshold: number): string {
  const exact = String(threshold)
  const short = threshold.toFixed(2)
  return Number(short) === threshold ? short : exact
}

/** A score that is below the threshold also as it is shown: 0.2999 must not read 0.300. */
function formatBelow(score: number, threshold: number): string {
  const short = formatScore(score)
  return Number(short) < threshold ? short : String(score)
}
