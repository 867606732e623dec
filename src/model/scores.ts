/** From logits to labels: scores in float64 on the host, ranking, thresholds. */
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

export interface Selection {
  /** Labels with a lower score are left out; between 0 and 1. */
  readonly threshold?: number | undefined
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
  return ranked.filter(({ score }) => score >= threshold).slice(0, topK)
}

/** Throws `InvalidArgumentError` unless the selection makes sense. */
export function checkSelection({ threshold, topK }: Selection): void {
  if (
    threshold !== undefined &&
    !(typeof threshold === 'number' && threshold >= 0 && threshold <= 1)
  ) {
    throw new InvalidArgumentError('threshold', `${threshold} is not a number from 0 to 1`)
  }
  if (topK !== undefined && !(Number.isInteger(topK) && topK > 0)) {
    throw new InvalidArgumentError('top-k', `${topK} is not a positive integer`)
  }
}
