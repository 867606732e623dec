/** From logits to labels: scores in float64 on the host, ranking, thresholds. */
import { quote } from '../checkpoint/quote.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { LabelScore } from './classification.ts'
import type { RobertaConfig } from './config.ts'

/** Probabilities in label-id order: a sigmoid each, or one softmax over all. */
export function probabilities(logits: ArrayLike<number>, head: RobertaConfig['head']): number[] {
  if (head === 'sigmoid') return Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)))
  const largest = Array.from(logits).reduce((max, logit) => Math.max(max, logit), -Infinity)
  const terms = Array.from(logits, (logit) => Math.exp(logit - largest))
  const sum = terms.reduce((total, term) => total + term, 0)
  return terms.map((term) => term / sum)
}

/** One for all labels, or one for each by its name; between 0 and 1. */
export type Threshold = number | Readonly<Record<string, number>>

export interface Selection {
  /** Labels with a lower score are left out. */
  readonly threshold?: Threshold | undefined
  /** At most so many labels. */
  readonly topK?: number | undefined
}

/** All labels with their scores, best first; ties in label-id order, NaN last. */
export function ranking(scores: readonly number[], labels: readonly string[]): LabelScore[] {
  return scores
    .map((score, id) => ({ label: labels[id]!, score }))
    .sort((a, b) => sortKey(b.score) - sortKey(a.score))
}

/** NaN compares with nothing; scores are at least 0. */
function sortKey(score: number): number {
  return Number.isNaN(score) ? -1 : score
}

/** The labels of a ranking that are asked for. */
export function select(
  ranked: readonly LabelScore[],
  { threshold = 0, topK = ranked.length }: Selection,
): readonly LabelScore[] {
  return ranked.filter(({ label, score }) => score >= thresholdOf(threshold, label)).slice(0, topK)
}

/** The threshold of one label, where `threshold` has passed `checkThreshold`. */
export function thresholdOf(threshold: Threshold, label: string): number {
  return typeof threshold === 'number' ? threshold : threshold[label]!
}

/** Throws `InvalidArgumentError` unless every label has a threshold from 0 to 1, and nothing else has. */
export function checkThreshold(threshold: Threshold, labels: readonly string[]): void {
  const check = (argument: string, value: unknown): void => {
    if (typeof value === 'number' && value >= 0 && value <= 1) return
    throw new InvalidArgumentError(argument, `${value} is not a number from 0 to 1`)
  }
  if (typeof threshold !== 'object' || threshold === null) {
    check('threshold', threshold)
    return
  }
  const unknown = Object.keys(threshold).find((label) => !labels.includes(label))
  if (unknown !== undefined) {
    throw new InvalidArgumentError('threshold', `the model has no label ${quote(unknown)}`)
  }
  for (const label of labels) {
    const argument = `threshold of ${quote(label)}`
    if (!Object.hasOwn(threshold, label)) throw new InvalidArgumentError(argument, 'is missing')
    check(argument, threshold[label])
  }
}

/** Throws `InvalidArgumentError` unless the selection makes sense for a model with these labels. */
export function checkSelection({ threshold, topK }: Selection, labels: readonly string[]): void {
  if (threshold !== undefined) checkThreshold(threshold, labels)
  if (topK !== undefined && !(Number.isInteger(topK) && topK > 0)) {
    throw new InvalidArgumentError('top-k', `${topK} is not a positive integer`)
  }
}
