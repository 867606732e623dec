/** Precision, recall and F1 from counts of decisions, and their averages over labels. */

export interface Counts {
  /** Texts that have the label. */
  readonly support: number
  /** Texts that the model gives the label to. */
  readonly predicted: number
  /** Texts in both. */
  readonly truePositives: number
}

/** Each is 0 where its denominator is, as in scikit-learn with `zero_division=0`. */
export interface Scores {
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

export function scoresOf({ support, predicted, truePositives }: Counts): Scores {
  const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
  return {
    precision: ratio(truePositives, predicted),
    recall: ratio(truePositives, support),
    f1: ratio(2 * truePositives, predicted + support),
  }
}

export interface Averages {
  /** Of all decisions together. */
  readonly micro: Scores
  /** The mean over all labels, those without support too. */
  readonly macro: Scores
  /** The mean over labels, each as often as texts have it. */
  readonly weighted: Scores
}

export function averagesOf(labels: readonly Counts[]): Averages {
  const total = (field: keyof Counts): number => labels.reduce((sum, one) => sum + one[field], 0)
  const [support, predicted, truePositives] = [
    total('support'),
    total('predicted'),
    total('truePositives'),
  ]
  const mean = (weight: (label: Counts) => number, whole: number): Scores => {
    const scores = { precision: 0, recall: 0, f1: 0 }
    for (const label of whole === 0 ? [] : labels) {
      const { precision, recall, f1 } = scoresOf(label)
      const share = weight(label) / whole
      scores.precision += share * precision
      scores.recall += share * recall
      scores.f1 += share * f1
    }
    return scores
  }
  return {
    micro: scoresOf({ support, predicted, truePositives }),
    macro: mean(() => 1, labels.length),
    weighted: mean((label) => label.support, support),
  }
}
