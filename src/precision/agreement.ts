/**
 * How far two runs of a classifier agree: the table that says whether anybody would notice.
 *
 * Cosines are nearly blind on probabilities; the largest error and the flips are not.
 */
import { InvalidArgumentError } from '../errors.ts'

export interface Agreement {
  /** Mean over texts of the cosine of their probabilities. */
  readonly meanCosine: number
  /** Mean of |device − reference| over all probabilities. */
  readonly mae: number
  readonly maxProbabilityError: number
  /** 1 − meanCosine. */
  readonly errorRate: number
  /** Share of texts whose best label is the same. */
  readonly top1: number
  /** Share of texts whose three best labels are the same set. */
  readonly top3: number
  /** Share of texts whose three best labels are the same, in the same order. */
  readonly top3InOrder: number
  /** Labels that one side decides for and the other against, in order of texts and labels. */
  readonly flips: readonly Flip[]
}

export interface Flip {
  /** Position of the text. */
  readonly text: number
  readonly label: string
  readonly threshold: number
  readonly device: number
  readonly reference: number
  /** How far the reference's probability is from the threshold. */
  readonly margin: number
}

/** Probabilities of each text, in the order of the labels. */
export type Probabilities = readonly ArrayLike<number>[]

/**
 * Compares the probabilities of two runs over the same texts. `thresholds` is one for all labels, or
 * one for each; a label is chosen from it on. A NaN counts as an error of 1, the largest there is of
 * a probability, and a text that has one agrees with nothing. Throws `InvalidArgumentError` where
 * there is nothing to compare or the two do not match.
 */
export function agreementOf(
  device: Probabilities,
  reference: Probabilities,
  labels: readonly string[],
  thresholds: number | readonly number[],
): Agreement {
  check(device, reference, labels, thresholds)
  const thresholdOf = (label: number): number =>
    typeof thresholds === 'number' ? thresholds : thresholds[label]!
  const flips: Flip[] = []
  let [cosines, errors, largest, top1, top3, top3InOrder] = [0, 0, 0, 0, 0, 0]
  for (const [text, d] of device.entries()) {
    const r = reference[text]!
    cosines += cosine(d, r)
    for (const [id, label] of labels.entries()) {
      const difference = Math.abs(d[id]! - r[id]!)
      const error = Number.isNaN(difference) ? 1 : difference
      errors += error
      largest = Math.max(largest, error)
      const threshold = thresholdOf(id)
      if (d[id]! >= threshold === r[id]! >= threshold) continue
      const margin = Math.abs(r[id]! - threshold)
      flips.push({ text, label, threshold, device: d[id]!, reference: r[id]!, margin })
    }
    const [best, bestOfReference] = [bestThree(d), bestThree(r)]
    if (best === undefined || bestOfReference === undefined) continue
    if (best[0] === bestOfReference[0]) top1++
    if (best.every((label) => bestOfReference.includes(label))) top3++
    if (best.every((label, place) => label === bestOfReference[place])) top3InOrder++
  }
  const texts = device.length
  const meanCosine = cosines / texts
  return {
    meanCosine,
    mae: errors / (texts * labels.length),
    maxProbabilityError: largest,
    errorRate: 1 - meanCosine,
    top1: top1 / texts,
    top3: top3 / texts,
    top3InOrder: top3InOrder / texts,
    flips,
  }
}

function check(
  device: Probabilities,
  reference: Probabilities,
  labels: readonly string[],
  thresholds: number | readonly number[],
): void {
  if (device.length === 0 || labels.length === 0) {
    throw new InvalidArgumentError('device', 'there are no probabilities to compare')
  }
  if (device.length !== reference.length) {
    throw new InvalidArgumentError(
      'reference',
      `has ${reference.length} texts, the device has ${device.length}`,
    )
  }
  for (const [name, rows] of Object.entries({ device, reference })) {
    const text = rows.findIndex((row) => row.length !== labels.length)
    if (text < 0) continue
    throw new InvalidArgumentError(
      name,
      `text ${text} has ${rows[text]!.length} probabilities for ${labels.length} labels`,
    )
  }
  if (typeof thresholds !== 'number' && thresholds.length !== labels.length) {
    throw new InvalidArgumentError(
      'thresholds',
      `there are ${thresholds.length} for ${labels.length} labels`,
    )
  }
}

/** 0 where a number is not finite. */
function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aSquares, bSquares] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!
    aSquares += a[i]! * a[i]!
    bSquares += b[i]! * b[i]!
  }
  if (aSquares === 0 || bSquares === 0) return aSquares === bSquares ? 1 : 0
  const result = dot / Math.sqrt(aSquares * bSquares)
  return Number.isNaN(result) ? 0 : Math.min(result, 1)
}

/** Ids of the three highest probabilities, the lower id first among equals; undefined with a NaN. */
function bestThree(row: ArrayLike<number>): number[] | undefined {
  const probabilities = Array.from(row)
  if (probabilities.some(Number.isNaN)) return undefined
  // Sorting is stable.
  return [...probabilities.keys()].sort((a, b) => probabilities[b]! - probabilities[a]!).slice(0, 3)
}
