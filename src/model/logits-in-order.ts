/**
 * Logits of many texts: those of like length run together, and come back in the order of the texts.
 *
 * Where a device pads, a batch costs as many rows as its longest text in each of its texts; sorted by
 * length, next to none of them is padding.
 */
import { InvalidArgumentError } from '../errors.ts'
import type { Encoding } from '../tokenizer/tokenizer.ts'
import { defaultBatchSize } from './classify.ts'
import { mapInOrder } from './in-order.ts'
import type { Logits, SequenceClassifier } from './sequence-classifier.ts'

/** Batches that are sorted together: few enough that their token ids are nothing beside a model. */
const batchesPerWindow = 64

export interface LogitsOptions {
  /** Texts that run through the model together; 16 if missing. */
  readonly batchSize?: number | undefined
  /** Longer texts are cut to so many tokens; the model's limit if missing. */
  readonly maxLength?: number | undefined
  /** Told after each batch how many texts are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** Throws `InvalidArgumentError` for a senseless size of batches or length of texts. */
export async function logitsInOrder(
  classifier: SequenceClassifier,
  texts: readonly string[],
  options: LogitsOptions = {},
): Promise<Logits[]> {
  const { batchSize = defaultBatchSize, maxLength, onProgress } = options
  checkBatchSize(batchSize)
  const outputs = new Array<Logits>(texts.length)
  const run = async (batch: Batch) => {
    const logits = await classifier.forward(batch.map(({ encoding }) => encoding))
    return { batch, logits }
  }
  let done = 0
  const batches = batchesOf(classifier, texts, batchSize, maxLength)
  for await (const { batch, logits } of mapInOrder(batches, classifier.concurrency, run)) {
    for (const [place, { at }] of batch.entries()) outputs[at] = logits[place]!
    done += batch.length
    onProgress?.(done, texts.length)
  }
  return outputs
}

/** Texts that run together, with their places. */
type Batch = readonly { readonly at: number; readonly encoding: Encoding }[]

function* batchesOf(
  classifier: SequenceClassifier,
  texts: readonly string[],
  batchSize: number,
  maxLength: number | undefined,
): Generator<Batch> {
  const window = batchSize * batchesPerWindow
  for (let start = 0; start < texts.length; start += window) {
    const encoded = texts
      .slice(start, start + window)
      .map((text, at) => ({ at: start + at, encoding: classifier.encode(text, maxLength) }))
      .sort((a, b) => a.encoding.inputIds.length - b.encoding.inputIds.length)
    for (let first = 0; first < encoded.length; first += batchSize) {
      yield encoded.slice(first, first + batchSize)
    }
  }
}

/** Throws `InvalidArgumentError` unless `batchSize` is a positive integer. */
export function checkBatchSize(batchSize: number): void {
  if (!(Number.isInteger(batchSize) && batchSize > 0)) {
    throw new InvalidArgumentError('batch-size', `${batchSize} is not a positive integer`)
  }
}
