/** The part of a comparison's table that is about operators; N is the device, B the reference. */
import { severityOf } from '../../precision/compare/judge.ts'
import type {
  ComparisonResult,
  Judgement,
  OperatorComparison,
} from '../../precision/compare/result.ts'
import { digits } from '../../precision/standards/index.ts'
import { formatShape } from '../../tensor/shape.ts'
import { escapeControls } from './display.ts'
import { grid } from './grid.ts'
import { others, paintStatus, scientific } from './judgement.ts'
import { paint, type TerminalLook } from './terminal.ts'

/** How many operators are shown with all there is to say of them, and how many grafts. */
const shownInFull = 5
const shownGrafts = 5

/** A composite operator says which sides have one kernel for it. */
function nameOf({ operator, within, fused }: OperatorComparison): string {
  if (within !== undefined) return `${within} > ${operator}`
  const sides = [...(fused?.device ? ['N'] : []), ...(fused?.reference ? ['B'] : [])]
  return sides.length === 0 ? operator : `${operator} (fused on ${sides.join(' and ')})`
}

/** Operators by their kind. */
export function kinds({ operators, modes }: ComparisonResult, look: TerminalLook): string[] {
  const groups = new Map<string, OperatorComparison[]>()
  for (const one of operators) {
    groups.set(nameOf(one), [...(groups.get(nameOf(one)) ?? []), one])
  }
  const judged = ['cascaded', 'isolated'] as const
  const shown = judged.filter((mode) => modes.includes(mode))
  if (shown.length === 0) return []
  const cells = (all: readonly OperatorComparison[], mode: (typeof judged)[number]): string[] => {
    const judgements = all.flatMap((one) => one[mode] ?? [])
    const failed = judgements.filter(({ verdict }) => verdict.status !== 'pass').length
    return [
      scientific(largest(judgements.map(({ metrics }) => severityOf(metrics)))),
      digits(largest(judgements.map(({ metrics }) => metrics.ulp.max))),
      failed === 0 ? '-' : String(failed),
    ]
  }
  const rows = [...groups].map(([name, all]) => [
    `  ${name}`,
    String(all.length),
    ...shown.flatMap((mode) => cells(all, mode)),
  ])
  const heads = shown.flatMap((mode) => [`${mode}: L2`, 'ULP', 'fail'])
  return [
    paint('bold', `Operators: ${operators.length}`, look) +
      '; the largest relative L2 and ULP error of each kind, and how many do not pass',
    ...grid([['', 'calls', ...heads], ...rows], 1),
  ]
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0)
}

/** The first divergent operator, and those that have an error of their own, the worst first. */
export function suspects(
  { operators, firstDivergent, modes }: ComparisonResult,
  look: TerminalLook,
): string[] {
  const isIsolated = modes.includes('isolated')
  const judgementOf = (one: OperatorComparison): Judgement | undefined =>
    isIsolated ? one.isolated : one.cascaded
  const failed = operators
    .filter((one) => judgementOf(one)?.verdict.status !== 'pass' || one.attributes !== undefined)
    .sort((a, b) => severityOf(judgementOf(b)!.metrics) - severityOf(judgementOf(a)!.metrics))
  const first = operators.find(({ id }) => id === firstDivergent)
  const shown = [...(first ? [first] : []), ...failed.filter((one) => one !== first)]
  if (first === undefined) return ['No operator diverges.']
  const what = isIsolated ? 'with an error of their own' : 'that diverge'
  return [
    `First divergent operator: ${paint('bold', escapeControls(first.id), look)}`,
    `Operators ${what}: ${failed.length}${isIsolated && failed.length === 0 ? '; what diverges has inherited it' : ''}`,
    ...shown.slice(0, shownInFull).flatMap((one) => ['', ...inFull(one, judgementOf(one), look)]),
    ...(shown.length > shownInFull ? ['', ...others(shown.length - shownInFull)] : []),
  ]
}

function inFull(
  one: OperatorComparison,
  judgement: Judgement | undefined,
  look: TerminalLook,
): string[] {
  const lines = [
    `${paint('bold', escapeControls(one.id), look)} ${one.dtype} ${formatShape(one.shape)}`,
  ]
  for (const [name, { device, reference }] of Object.entries(one.attributes ?? {})) {
    lines.push(`  ${name} is ${device}, on the reference ${reference}`)
  }
  for (const [mode, of] of Object.entries({ isolated: one.isolated, cascaded: one.cascaded })) {
    if (of !== undefined) {
      lines.push(`  ${mode} ${paintStatus(of.verdict, look)}: ${escapeControls(of.verdict.rule)}`)
    }
  }
  const { element, needed, allowed } = judgement?.verdict ?? {}
  const worst = element ?? judgement?.metrics.worst
  if (worst !== undefined) {
    lines.push(
      `  worst ${formatShape(worst.index)} of batch ${judgement!.batch}: ` +
        `N ${worst.actual}, B ${worst.expected}`,
    )
  }
  if (needed !== undefined && allowed !== undefined) {
    lines.push(`  needed ${digits(needed)}, allowed ${digits(allowed)}`)
  }
  if (one.grafted !== undefined) {
    const { maxLogitError, maxProbabilityError } = one.grafted
    lines.push(
      `  grafted: moves logits by up to ${scientific(maxLogitError)}, ` +
        `probabilities by up to ${scientific(maxProbabilityError)}`,
    )
  }
  return [...lines, `  again: ${escapeControls(one.rerun)}`]
}

/** The operators that do most to the logits. */
export function effects(
  { operators, grafts, modes }: ComparisonResult,
  look: TerminalLook,
): string[] {
  if (!modes.includes('grafted')) return []
  const ranked = operators
    .filter(({ grafted }) => grafted !== undefined && grafted.maxLogitError !== 0)
    .sort((a, b) => b.grafted!.maxLogitError - a.grafted!.maxLogitError)
  const rows = ranked
    .slice(0, shownGrafts)
    .map(({ id, grafted }) => [
      `  ${escapeControls(id)}`,
      scientific(grafted!.maxLogitError),
      scientific(grafted!.maxProbabilityError),
    ])
  return [
    `${paint('bold', 'Operators that add most error', look)}, each alone on N, all else on B`,
    ...(rows.length === 0
      ? ['  none adds any']
      : grid([['', 'max logit error', 'max probability error'], ...rows], 1)),
    `  ${grafts.done} were grafted` +
      (grafts.leftOut === 0
        ? ', which is all.'
        : `; ${grafts.leftOut} with smaller errors of their own were left out (--grafts).`),
  ]
}

export function everyOperator({ operators }: ComparisonResult, look: TerminalLook): string[] {
  const cells = (of: Judgement | undefined): string[] =>
    of === undefined
      ? ['-', '-', '-']
      : [scientific(of.metrics.maxAbs), scientific(of.metrics.relativeL2), of.verdict.status]
  const rows = operators.map((one) => [
    `  ${escapeControls(one.id)}`,
    ...cells(one.cascaded),
    ...cells(one.isolated),
    one.grafted === undefined ? '-' : scientific(one.grafted.maxLogitError),
  ])
  const heads = ['', 'cascaded: max', 'L2', '', 'isolated: max', 'L2', '', 'graft']
  return [paint('bold', 'Every operator', look), ...grid([heads, ...rows], 1)]
}
