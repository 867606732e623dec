/** `--threshold NUMBER` or `--thresholds FILE`, whichever was given. */
import { InvalidArgumentError } from '../errors.ts'
import { readThresholds } from '../evaluation/thresholds.ts'
import type { Threshold } from '../model/scores.ts'
import type { SequenceClassifier } from '../model/sequence-classifier.ts'
import { note } from './notes.ts'

export interface ThresholdOptions {
  readonly threshold?: number
  readonly thresholds?: string
}

/** Throws `FileError` for a file that is not of the model's labels. */
export async function thresholdFrom(
  { threshold, thresholds: file }: ThresholdOptions,
  { name, labels }: Pick<SequenceClassifier, 'name' | 'labels'>,
): Promise<Threshold | undefined> {
  if (file === undefined) return threshold
  if (threshold !== undefined) {
    throw new InvalidArgumentError('--threshold and --thresholds', 'exclude each other', {
      hint: 'give one of them',
    })
  }
  const { model, thresholds } = await readThresholds(file, labels)
  if (model !== name) note(`warning: ${file} is of the model ${model}, this is ${name}`)
  return thresholds
}
