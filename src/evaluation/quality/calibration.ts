/** Whether scores can be taken for probabilities. */

/** Scores from `index / 10` on, below `(index + 1) / 10`; the last bin has those of 1 too. */
export interface CalibrationBin {
  readonly count: number
  /** The mean of the scores; null in an empty bin. */
  readonly meanScore: number | null
  /** The share that is right; null in an empty bin. */
  readonly shareRight: number | null
}

export interface Calibration {
  readonly bins: readonly CalibrationBin[]
  /**
   * Expected calibration error: the mean over all scores of |mean score − share that is right| of
   * their bins (Guo et al. 2017, arXiv:1706.04599, equation 3, with ten bins of equal width).
   */
  readonly error: number
}

const binCount = 10

/** `right` holds 1 for a score whose claim is right, else 0. Scores are from 0 to 1, at least one. */
export function calibrationOf(scores: Float64Array, right: Uint8Array): Calibration {
  const sums = Array.from({ length: binCount }, () => ({ count: 0, scores: 0, right: 0 }))
  for (const [at, score] of scores.entries()) {
    const bin = sums[Math.min(Math.floor(score * binCount), binCount - 1)]!
    bin.count += 1
    bin.scores += score
    bin.right += right[at]!
  }
  const distances = sums.reduce((total, bin) => total + Math.abs(bin.scores - bin.right), 0)
  return {
    bins: sums.map(({ count, ...sum }) => ({
      count,
      meanScore: count === 0 ? null : sum.scores / count,
      shareRight: count === 0 ? null : sum.right / count,
    })),
    error: distances / scores.length,
  }
}

/** Mean of (score − right)²: the Brier score of one label. */
export function brierOf(scores: Float64Array, right: Uint8Array): number {
  return scores.reduce((sum, score, at) => sum + (score - right[at]!) ** 2, 0) / scores.length
}
