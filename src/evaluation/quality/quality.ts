/**
 * How good a classifier's scores are, measured by right labels: everything `evaluate` reports of one
 * device. Checked against scikit-learn (test/golden/evaluation.py).
 *
 * A multi-label model decides for every label that reaches its threshold, a single-label model for
 * the best one (of equals the first). From there on both are treated alike.
 */
import type { RobertaConfig } from '../../model/config.ts'
import { brierOf, type Calibration, calibrationOf } from './calibration.ts'
import { type Averages, averagesOf, type Counts, type Scores, scoresOf } from './counts.ts'
import { type Ranking, rankingOf } from './ranking.ts'

export interface LabelQuality extends Omit<Counts, 'truePositives'>, Scores, Ranking {
  readonly label: string
  /** Null where the best label is taken, whatever its score. */
  readonly threshold: number | null
  readonly brier: number
  readonly calibrationError: number
}

export interface Quality extends Averages {
  readonly texts: number
  readonly labels: readonly LabelQuality[]
  /** Share of texts with exactly the right labels: subset accuracy, or plainly accuracy. */
  readonly accuracy: number
  /** Share of texts whose best label is one of the right ones. */
  readonly bestLabelIsRight: number
  /** Micro: of all scores together. Macro: the mean over the labels for which it is defined. */
  readonly rocAuc: { readonly micro: number | null; readonly macro: number | null }
  readonly averagePrecision: { readonly micro: number | null; readonly macro: number | null }
  /**
   * The mean over all scores of a multi-label model; summed over labels, as Brier had it, for a
   * single-label one.
   */
  readonly brier: number
  /** Of all scores of a multi-label model; of each text's best score for a single-label one. */
  readonly calibration: Calibration
  /** `[right label][best label]`, texts; null for a multi-label model. */
  readonly confusion: readonly (readonly number[])[] | null
}

export interface Judged {
  readonly labels: readonly string[]
  readonly head: RobertaConfig['head']
  /** `[texts][labels]`, finite. */
  readonly probabilities: readonly (readonly number[])[]
  /** Ids of the right labels of each text. */
  readonly right: readonly (readonly number[])[]
  /** One for each label; of no meaning to a single-label model. */
  readonly thresholds: readonly number[]
}

/** Whether each text gets each label: `[texts][labels]`. */
export function decisionsOf({ head, probabilities, thresholds }: Judged): boolean[][] {
  return probabilities.map((row) => {
    const best = bestOf(row)
    return row.map((score, id) => (head === 'softmax' ? id === best : score >= thresholds[id]!))
  })
}

/** There is at least one text. */
export function qualityOf(judged: Judged): Quality {
  const { labels, head, probabilities, right, thresholds } = judged
  const isSingle = head === 'softmax'
  const texts = probabilities.length
  const best = probabilities.map(bestOf)
  const decisions = decisionsOf(judged)
  const columns = labels.map((label, id) => {
    const scores = Float64Array.from(probabilities, (row) => row[id]!)
    const positive = Uint8Array.from(right, (ids) => Number(ids.includes(id)))
    const chosen = Uint8Array.from(decisions, (row) => Number(row[id]))
    return { label, threshold: isSingle ? null : thresholds[id]!, scores, positive, chosen }
  })
  const counts = columns.map(({ positive, chosen }) => countsOf(positive, chosen))
  const perLabel = columns.map(({ label, threshold, scores, positive }, id): LabelQuality => {
    const { support, predicted } = counts[id]!
    const ranking = rankingOf(scores, positive)
    return {
      label,
      support,
      predicted,
      threshold,
      ...scoresOf(counts[id]!),
      ...ranking,
      ...(isSingle ? { bestThreshold: null, bestF1: null } : {}),
      brier: brierOf(scores, positive),
      calibrationError: calibrationOf(scores, positive).error,
    }
  })
  const scores = Float64Array.from(probabilities.flat())
  const positive = Uint8Array.from(
    right.flatMap((ids) => labels.map((_, id) => Number(ids.includes(id)))),
  )
  const bestIsRight = Uint8Array.from(best, (id, text) => Number(right[text]!.includes(id)))
  const all = rankingOf(scores, positive)
  const share = (count: number): number => count / texts
  return {
    texts,
    labels: perLabel,
    ...averagesOf(counts),
    accuracy: share(
      decisions.filter((row, text) => row.every((one, id) => one === right[text]!.includes(id)))
        .length,
    ),
    bestLabelIsRight: share(bestIsRight.filter((one) => one === 1).length),
    rocAuc: { micro: all.rocAuc, macro: meanOf(perLabel.map(({ rocAuc }) => rocAuc)) },
    averagePrecision: {
      micro: all.averagePrecision,
      macro: meanOf(perLabel.map(({ averagePrecision }) => averagePrecision)),
    },
    brier: brierOf(scores, positive) * (isSingle ? labels.length : 1),
    calibration: isSingle
      ? calibrationOf(
          Float64Array.from(best, (id, text) => probabilities[text]![id]!),
          bestIsRight,
        )
      : calibrationOf(scores, positive),
    confusion: isSingle ? confusionOf(labels.length, right, best) : null,
  }
}

function bestOf(row: readonly number[]): number {
  return row.reduce((best, score, id) => (score > row[best]! ? id : best), 0)
}

function countsOf(positive: Uint8Array, chosen: Uint8Array): Counts {
  const sum = (values: Uint8Array): number => values.reduce((total, value) => total + value, 0)
  const both = positive.map((one, text) => one & chosen[text]!)
  return { support: sum(positive), predicted: sum(chosen), truePositives: sum(both) }
}

/** The mean of what is defined; null where nothing is. */
function meanOf(values: readonly (number | null)[]): number | null {
  const defined = values.filter((value) => value !== null)
  return defined.length === 0
    ? null
    : defined.reduce((sum, value) => sum + value, 0) / defined.length
}

function confusionOf(
  size: number,
  right: readonly (readonly number[])[],
  best: readonly number[],
): number[][] {
  const table = Array.from({ length: size }, () => new Array<number>(size).fill(0))
  for (const [text, [id]] of right.entries()) table[id!]![best[text]!]! += 1
  return table
}
