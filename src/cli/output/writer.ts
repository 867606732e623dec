/** What every output format has in common: what it is given, where it writes, and its interface. */
import { InvalidArgumentError } from '../../errors.ts'
import type { Classification, LabelScore } from '../../model/classification.ts'
import { ranking, type Threshold } from '../../model/scores.ts'

/** `process.stdout`, or any other stream. */
export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  readonly columns?: number
  hasColors?(count: number, env: NodeJS.ProcessEnv): boolean
}

export interface ClassificationRow {
  readonly record: Classification
  /** The label with the highest score, whether or not it reaches the threshold. */
  readonly best: LabelScore
}

export interface WriterOptions {
  /** Every label of the model in label-id order. */
  readonly labels: readonly string[]
  readonly threshold: Threshold
  /** Write every label. The records then need `probabilities` and `logits`. */
  readonly all: boolean
}

/**
 * Writes results one by one and keeps none. Each promise resolves when the stream has taken the
 * bytes, so awaiting it is all that backpressure asks for.
 */
export interface ResultWriter {
  /** @throws {OutputClosedError} when nobody reads any more. @throws {OutputError} */
  write(row: ClassificationRow): Promise<void>
  /**
   * Makes the output complete, also when fewer results were written than planned. Leaves the stream
   * open. Not to be called after `write` has thrown.
   */
  end(): Promise<void>
}

/** The values of every label, checked to be one per label. */
export function perLabel(
  record: Classification,
  field: 'probabilities' | 'logits',
  labels: readonly string[],
): readonly number[] {
  const values = record[field] ?? []
  if (values.length !== labels.length) {
    throw new InvalidArgumentError(
      field,
      `record ${record.index} has ${values.length} for ${labels.length} labels`,
    )
  }
  return values
}

/** The labels to show, best first: all of them with `all`, else those above the threshold. */
export function shownLabels(
  record: Classification,
  { labels, all }: WriterOptions,
): readonly LabelScore[] {
  if (!all) return record.labels
  return ranking(perLabel(record, 'probabilities', labels), labels)
}
