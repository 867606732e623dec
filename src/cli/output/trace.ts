/** Statistics of a trace, and what a NaN watch found, as tables for people. */
import type { Manifest } from '../../precision/trace/manifest.ts'
import type { BadElement, Statistics } from '../../precision/trace/statistics.ts'
import type { BadOperator, WatchedTensor } from '../../precision/trace/watch.ts'
import { formatShape } from '../../tensor/shape.ts'
import { escapeControls } from './display.ts'
import { grid } from './grid.ts'
import { paint, type TerminalLook } from './terminal.ts'

const figureNames = ['min', 'max', 'mean', 'std', 'NaN', '±Inf']

export function renderStatistics(manifest: Manifest, look: TerminalLook): string {
  const { tensors, texts } = manifest
  const rows = tensors.map(({ name, dtype, shape, statistics }) => [
    escapeControls(name),
    dtype,
    formatShape(shape),
    ...figures(statistics),
  ])
  const lines = [
    paint(
      'bold',
      `${texts.length} ${texts.length === 1 ? 'text' : 'texts'} on ${where(manifest)}`,
      look,
    ),
    ...grid([['tensor', 'dtype', 'shape', ...figureNames], ...rows], 3),
  ]
  return `${lines.join('\n')}\n`
}

export function renderBad(bad: BadOperator, manifest: Manifest, look: TerminalLook): string {
  const { id, operator, scope, within, attributes, inputs, output } = bad
  const what = within === undefined ? operator : `${operator} (part of ${within})`
  const parts = [...inputs, output]
  const given = Object.entries(attributes).map(([name, value]) => `${name} ${String(value)}`)
  const lines = [
    paint('bold', `The first NaN or infinity comes out of ${what} on ${where(manifest)}`, look),
    `module    ${escapeControls(scope) || '(none)'}`,
    `operator  ${escapeControls(id)}`,
    ...(given.length === 0 ? [] : [`with      ${given.join(', ')}`]),
    '',
    ...grid(
      [
        ['', 'dtype', 'shape', ...figureNames],
        ...parts.map(({ part, dtype, shape, statistics }) => [
          part,
          dtype,
          formatShape(shape),
          ...figures(statistics),
        ]),
      ],
      3,
    ),
    '',
    ...parts.flatMap(firstBad),
  ]
  return `${lines.join('\n')}\n`
}

/** A device by its name, and by what it is where it is an emulator. */
function where({ device: { name, label, dtype } }: Manifest): string {
  return label === undefined ? `${name}, ${dtype}` : `${name} (${label}), ${dtype}`
}

function figures(statistics: Statistics): string[] {
  const { min, max, mean, std, nan, positiveInfinity, negativeInfinity } = statistics
  return [
    ...[min, max, mean, std].map((value) => (value === null ? '-' : digits(value))),
    String(nan),
    String(positiveInfinity + negativeInfinity),
  ]
}

function firstBad({ part, name, firstBad }: WatchedTensor): string[] {
  const what = `${part}, ${escapeControls(name)}:`
  if (firstBad === undefined) return [`${what} every element is finite`]
  const { index, value, around, aroundFrom } = firstBad
  return [
    `${what} the first is ${value} at ${formatShape(index)}`,
    `  elements from ${formatShape([...index.slice(0, -1), aroundFrom])} on: ${shown(around, firstBad)}`,
  ]
}

function shown(around: readonly number[], { index, aroundFrom }: BadElement): string {
  const own = (index.at(-1) ?? 0) - aroundFrom
  return around.map((value, at) => (at === own ? `>${digits(value)}<` : digits(value))).join(' ')
}

/** Five digits, with which the largest float16 is itself. */
function digits(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(5))) : String(value)
}
