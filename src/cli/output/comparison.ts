/**
 * A comparison of two devices for people: first the verdict, then what a user of the model would
 * notice, then down through layers to operators. N is the device, B the reference.
 */
import { emulatorLabel } from '../../bench/report.ts'
import type { ComparisonResult, ModuleComparison, Side } from '../../precision/compare/result.ts'
import { isStage } from '../../precision/compare/scope.ts'
import { digits } from '../../precision/standards/index.ts'
import { effects, everyOperator, kinds, suspects } from './comparison-operators.ts'
import { escapeControls } from './display.ts'
import { fitText } from './fit-text.ts'
import { grid } from './grid.ts'
import { others, paintStatus, scientific, statusLine, verdictLine } from './judgement.ts'
import { joined } from './operator-case.ts'
import { drawBar, paint, type TerminalLook } from './terminal.ts'

export interface ComparisonOptions {
  readonly threshold: number
  /** Whether every operator is listed. */
  readonly all?: true
}

const shownFlips = 10
/** Of weights, and of what has no counterpart. */
const shownNames = 5

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
      `roberta-ascend ${version}, ${escapeControls(model.name)}, ${model.layers} layers, ${texts.length} ${texts.length === 1 ? 'text' : 'texts'}`,
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
      .slice(0, shownNames)
      .map(({ name, judgement }) => `  ${escapeControls(name)}: ${judgement.verdict.rule}`),
    ...others(different.length - shownNames),
    ...(unmatched.length === 0 ? [] : [paint('bold', 'Without a counterpart', look)]),
    ...unmatched.slice(0, shownNames).map((what) => `  ${escapeControls(what)}`),
    ...others(unmatched.length - shownNames),
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
