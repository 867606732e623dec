/** `GoEmotionsClassifier`: the library's front door. */
import { InvalidArgumentError } from '../errors.ts'
import type { Classification } from './classification.ts'
import { type ClassifyOptions, classifyBatch, defaultBatchSize } from './classify.ts'
import { checkSelection } from './scores.ts'
import { type LoadOptions, SequenceClassifier } from './sequence-classifier.ts'

export interface PredictOptions extends ClassifyOptions {
  /** Texts that run through the model together; 16 if missing. */
  readonly batchSize?: number | undefined
}

export interface Prediction {
  /** One for each text: its labels from the threshold on, best first. */
  readonly results: readonly Classification[]
  /** `[texts][labels]`: all probabilities in label-id order. */
  readonly probs: readonly (readonly number[])[]
}

/**
 * Emotions of texts, or any labels that a RoBERTa sequence classifier was trained for.
 *
 * ```ts
 * await using classifier = await GoEmotionsClassifier.load()
 * const { results } = await classifier.predict(['I am so happy today!'])
 * ```
 */
export class GoEmotionsClassifier implements AsyncDisposable {
  private constructor(
    /** Tokenizer, model and device, for who wants to look inside. */
    readonly classifier: SequenceClassifier,
  ) {}

  /** Throws a `RobertaAscendError` that names what is missing or unsupported. */
  static async load(options: LoadOptions = {}): Promise<GoEmotionsClassifier> {
    return new GoEmotionsClassifier(await SequenceClassifier.load(options))
  }

  /** The names of the labels, by id. */
  get labels(): readonly string[] {
    return this.classifier.labels
  }

  /**
   * Classifies texts. Reports labels with a score of `threshold` (0.3 if neither it nor `topK` is
   * given) or more, at most `topK`; a single-label model reports its best label by default.
   */
  async predict(texts: readonly string[], options: PredictOptions = {}): Promise<Prediction> {
    const { batchSize = defaultBatchSize } = options
    checkTexts(texts)
    checkSelection(options)
    checkBatchSize(batchSize)
    const results: Classification[] = []
    const probs: (readonly number[])[] = []
    for (let start = 0; start < texts.length; start += batchSize) {
      const batch = texts.slice(start, start + batchSize)
      for (const { record, probabilities } of await classifyBatch(
        this.classifier,
        batch,
        start,
        options,
      )) {
        results.push(record)
        probs.push(probabilities)
      }
    }
    return { results, probs }
  }

  async close(): Promise<void> {
    await this.classifier.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Throws `InvalidArgumentError` unless `batchSize` is a positive integer. */
export function checkBatchSize(batchSize: number): void {
  if (!(Number.isInteger(batchSize) && batchSize > 0)) {
    throw new InvalidArgumentError('batch-size', `${batchSize} is not a positive integer`)
  }
}

function checkTexts(texts: unknown): void {
  if (!Array.isArray(texts)) {
    throw new InvalidArgumentError('texts', 'is not an array of strings')
  }
  const at = texts.findIndex((text) => typeof text !== 'string')
  if (at >= 0) throw new InvalidArgumentError(`texts[${at}]`, 'is not a string')
}
