/**
 * What the order of scores says about a label, whatever the threshold: one walk down the distinct
 * scores. Texts with equal scores are decided together.
 */

export interface Ranking {
  /**
   * Area under the ROC curve: the share of pairs of a positive and a negative in which the positive
   * has the higher score, a tie counting half. Null where all texts are positive, or none is.
   */
  readonly rocAuc: number | null
  /**
   * Sum over the distinct scores, from the highest on, of the gain in recall times the precision there
   * (not interpolated). Null where no text is positive.
   */
  readonly averagePrecision: number | null
  /**
   * The threshold with the highest F1, in the middle between the lowest score that it takes and the
   * next one (0 below the last), as far as it can be from both. Of several with the same F1 the
   * highest. Null where no text is positive.
   */
  readonly bestThreshold: number | null
  /** The F1 at it. */
  readonly bestF1: number | null
}

/** `scores` are finite; `positive` holds 1 for a positive and 0 for a negative. */
export function rankingOf(scores: Float64Array, positive: Uint8Array): Ranking {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!)
  const positives = positive.reduce((sum, one) => sum + one, 0)
  const negatives = positive.length - positives
  let [truePositives, area, averagePrecision, bestF1, bestThreshold] = [0, 0, 0, 0, 0]
  for (let start = 0; start < order.length; ) {
    const score = scores[order[start]!]!
    let end = start
    let found = 0
    for (; end < order.length && scores[order[end]!] === score; end++)
      found += positive[order[end]!]!
    const missed = end - start - found
    area += missed * (truePositives + found / 2)
    truePositives += found
    averagePrecision += found * (truePositives / end)
    const f1 = (2 * truePositives) / (end + positives)
    if (f1 > bestF1) {
      bestF1 = f1
      bestThreshold = between(score, end < order.length ? scores[order[end]!]! : 0)
    }
    start = end
  }
  const isDefined = positives > 0
  return {
    rocAuc: isDefined && negatives > 0 ? area / (positives * negatives) : null,
    averagePrecision: isDefined ? averagePrecision / positives : null,
    bestThreshold: isDefined ? bestThreshold : null,
    bestF1: isDefined ? bestF1 : null,
  }
}

/** A number that `above` reaches and `below` does not; the middle, unless it rounds to `below`. */
function between(above: number, below: number): number {
  const middle = (above + below) / 2
  return middle > below ? middle : above
}
