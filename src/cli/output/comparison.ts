/**
 * A comparison of two devices for people: first the verdict, then what a user of the model would
 * notice, then down through layers to operators. N is the device, B the reference.
 */
import { emulatorLabel } from '../../bench/report.ts'
import { severityOf } from '../../precision/compare/judge.ts'
import type {
  ComparisonResult,
  Judgement,
  ModuleComparison,
  OperatorComparison,
  Side,
} from '../../precision/compare/result.ts'
import { isStage } from '../../precision/compare/scope.ts'
import { digits } from '../../precision/standards/index.ts'
import { formatShape } from '../../tensor/shape.ts'
import { escapeControls } from './display.ts'
import { fitText } from './fit-text.ts'
import { grid } from './grid.ts'
import { others, scientific, statusLine, verdictLine } from './judgement.ts'
import { joined, paintStatus } from './operator-case.ts'
import { drawBar, paint, type TerminalLook } from './terminal.ts'

export interface ComparisonOptions {
  readonly threshold: number
  /** Whether every operator is listed. */
  readonly all?: true
}

/** How many operators are shown with all there is to say of them. */
const shownInFull = 5
const shownGrafts = 5
const shownFlips = 10

export function renderComparison(
  result: ComparisonResult,
  options: ComparisonOptions,
  look: TerminalLook,
): string {
  return joined([
    heading(result, look),
    agreement(result, look),
    flips(result, options, look),
    ingredients(result, look),
    stages(result, look),
    kinds(result, look),
    suspects(result, look),
    effects(result, look),
    options.all ? everyOperator(result, look) : [],
  ])
}

function heading(result: ComparisonResult, look: TerminalLook): string[] {
  const { verdict, standard, model, texts, device, reference, environment } = result
  const version = environment['roberta-ascend']
  return [
    verdictLine(verdict, standard, look),
    '',
    paint(
      'bold',
      `roberta-ascend ${version}, ${escapeControls(model.name)}, ${model.layers} layers, ${texts.length} texts`,
      look,
    ),
    `N  ${sideLine(device)}`,
    `B  ${sideLine(reference)}`,
  ]
}

function sideLine({ device, dtype, settings, isEmulated }: Side): string {
  const name = isEmulated ? `${device} (${emulatorLabel})` : device
  const details = Object.entries(settings).map(([what, value]) => `${what} ${value}`)
  return escapeControls([name, dtype, ...details].join(', '))
}

function agreement(result: ComparisonResult, look: TerminalLook): string[] {
  const { agreement: of, logits, logitsVerdict } = result
  const percent = (share: number): string => `${digits(share * 100)} %`
  const row = (name: string, value: string): string[] => [`  ${name}`, value]
  const { worst } = logits
  return [
    paint('bold', 'Probabilities', look),
    ...grid(
      [
        row('mean cosine similarity', of.meanCosine.toFixed(6)),
        row('MAE', scientific(of.mae)),
        row('max probability error', scientific(of.maxProbabilityError)),
        row('error rate', scientific(of.errorRate)),
        row('top-1 agreement', percent(of.top1)),
        row('top-3 overlap', percent(of.top3)),
        row('top-3 in order', percent(of.top3InOrder)),
      ],
      1,
    ),
    '',
    `${paint('bold', 'Logits', look)} ${paintStatus(logitsVerdict, look)}`,
    ...grid(
      [
        row('max |N − B|', scientific(logits.maxAbs)),
        row('RMSE', scientific(logits.rmse)),
        row('relative L2', scientific(logits.relativeL2)),
        row('effective bits', logits.effectiveBits.toFixed(1)),
      ],
      1,
    ),
    ...(worst === undefined
      ? []
      : [
          `  worst: text ${worst.index[0]}, ` +
            `${escapeControls(result.model.labels[worst.index[1]!]!)}: ` +
            `N ${worst.actual}, B ${worst.expected}`,
        ]),
  ]
}

function flips(
  { agreement: { flips: all }, texts }: ComparisonResult,
  { threshold }: ComparisonOptions,
  look: TerminalLook,
): string[] {
  const title = paint('bold', `Decisions that flip at ${threshold}: ${all.length}`, look)
  if (all.length === 0) return [title]
  const rows = all
    .slice(0, shownFlips)
    .map(({ text, label, device, reference, margin }) => [
      `  ${text}`,
      fitText(texts[text]!.text, 40, look.unicode ? '…' : '...'),
      escapeControls(label),
      device.toFixed(6),
      reference.toFixed(6),
      scientific(margin),
    ])
  const heads = ['  text', '', 'label', 'N', 'B', 'margin']
  return [title, ...grid([heads, ...rows], 3), ...others(all.length - rows.length)]
}

/** Batches and weights: a line each, or those that differ. */
function ingredients(
  { inputs, parameters, unmatched }: ComparisonResult,
  look: TerminalLook,
): string[] {
  const odd = inputs.filter(({ verdict }) => verdict.status !== 'pass')
  const names = inputs.map(({ name }) => name).join(', ')
  const { compared, different } = parameters
  return [
    odd.length === 0
      ? `Inputs are identical: ${escapeControls(names)}.`
      : paint('bold', 'Inputs that differ', look),
    ...odd.map(({ name, verdict }) => `  ${escapeControls(name)}: ${verdict.rule}`),
    different.length === 0
      ? `Weights are identical: ${compared}.`
      : paint('bold', `Weights that differ: ${different.length} of ${compared}`, look),
    ...different
      .slice(0, shownInFull)
      .map(({ name, judgement }) => `  ${escapeControls(name)}: ${judgement.verdict.rule}`),
    ...others(different.length - shownInFull),
    ...(unmatched.length === 0 ? [] : [paint('bold', 'Without a counterpart', look)]),
    ...unmatched.slice(0, shownInFull).map((what) => `  ${escapeControls(what)}`),
    ...others(unmatched.length - shownInFull),
  ]
}

function stages({ modules, modes }: ComparisonResult, look: TerminalLook): string[] {
  const shown = modules.filter(({ scope }) => isStage(scope))
  if (shown.length === 0) return []
  const most = Math.max(...shown.map(bitsLost), 1)
  const hasGrafts = modes.includes('grafted')
  const rows = shown.map((module) => [
    `  ${escapeControls(module.scope)}`,
    scientific(module.metrics.maxAbs),
    scientific(module.metrics.relativeL2),
    module.metrics.effectiveBits.toFixed(1),
    ...(hasGrafts ? [module.grafted ? scientific(module.grafted.maxLogitError) : '-'] : []),
    module.verdict.status,
  ])
  const heads = ['', 'max |N − B|', 'relative L2', 'bits', ...(hasGrafts ? ['graft'] : []), '']
  const [head, ...lines] = grid([heads, ...rows], 1)
  return [
    paint('bold', 'Layers, errors accumulating', look) +
      (hasGrafts ? '; graft: the largest error of a logit with this stage alone on N' : ''),
    head!,
    ...lines.map((line, at) =>
      `${statusLine(line, shown[at]!.verdict, look)}  ${drawBar(bitsLost(shown[at]!) / most, 20, look)}`.trimEnd(),
    ),
  ]
}

/** Of 30 bits, so that a longer bar is a larger error on a logarithmic scale. */
function bitsLost({ metrics }: Pick<ModuleComparison, 'metrics'>): number {
  return metrics.relativeL2 === 0 ? 0 : Math.max(0, 30 - metrics.effectiveBits)
}

function nameOf({ operator, within }: OperatorComparison): string {
  return within === undefined ? operator : `${within} > ${operator}`
}

/** Operators by their kind. */
function kinds({ operators, modes }: ComparisonResult, look: TerminalLook): string[] {
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
function suspects(
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
function effects({ operators, grafts, modes }: ComparisonResult, look: TerminalLook): string[] {
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

function everyOperator({ operators }: ComparisonResult, look: TerminalLook): string[] {
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
