/** Labelled texts through a classifier: probabilities beside the right labels. */
import { RobertaAscendError } from '../errors.ts'
import { type LogitsOptions, logitsInOrder } from '../model/logits-in-order.ts'
import { probabilities } from '../model/scores.ts'
import type { SequenceClassifier } from '../model/sequence-classifier.ts'
import { type Dataset, labelIds } from './dataset/labelled-texts.ts'
import type { Judged } from './quality/quality.ts'

/** A device gave NaN or infinite logits: no figure over such scores means anything. */
export class NonFiniteLogitsError extends RobertaAscendError {
  override readonly kind = 'device'
  constructor(
    readonly device: string,
    /** Positions of the texts, from 0. */
    readonly texts: readonly number[],
    total: number,
  ) {
    super(
      `device '${device}' gave NaN or infinite logits for ${texts.length} of ${total} texts, ` +
        `the first of them text ${texts[0]}, counted from 0`,
      { hint: 'find the operator with roberta-ascend trace' },
    )
  }
}

/** What is to be judged, but for the thresholds. */
export interface Predicted extends Omit<Judged, 'thresholds'> {
  /** Texts that were cut. */
  readonly truncated: number
}

/**
 * Runs the first `limit` texts. Throws what `labelIds` does for a row that does not fit the model, and
 * `NonFiniteLogitsError`.
 */
export async function predict(
  classifier: SequenceClassifier,
  dataset: Dataset,
  { limit = Infinity, ...options }: LogitsOptions & { readonly limit?: number | undefined } = {},
): Promise<Predicted> {
  const { labels, head } = classifier.config
  const right = labelIds(dataset, { labels, head }).slice(0, limit)
  const texts = dataset.rows.slice(0, limit).map(({ text }) => text)
  const outputs = await logitsInOrder(classifier, texts, options)
  const broken = outputs.flatMap(({ logits }, text) =>
    logits.every(Number.isFinite) ? [] : [text],
  )
  if (broken.length > 0) {
    throw new NonFiniteLogitsError(classifier.device, broken, texts.length)
  }
  return {
    labels,
    head,
    probabilities: outputs.map(({ logits }) => probabilities(logits, head)),
    right,
    truncated: outputs.filter(({ truncated }) => truncated).length,
  }
}
