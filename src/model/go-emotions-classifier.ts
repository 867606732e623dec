/** `GoEmotionsClassifier`: the library's front door. */
import { InvalidArgumentError } from '../errors.ts'
import type { Classification } from './classification.ts'
import { type ClassifyOptions, classified } from './classify.ts'
import { logitsInOrder } from './logits-in-order.ts'
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
   * given; one for all labels or one for each) or more, at most `topK`; a single-label model reports
   * its best label by default.
   */
  async predict(texts: readonly string[], options: PredictOptions = {}): Promise<Prediction> {
    checkTexts(texts)
    checkSelection(options, this.labels)
    const outputs = await logitsInOrder(this.classifier, texts, options)
    const all = classified(this.classifier.config, texts, outputs, 0, options)
    return {
      results: all.map(({ record }) => record),
      probs: all.map(({ probabilities }) => probabilities),
    }
  }

  async close(): Promise<void> {
    await this.classifier.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function checkTexts(texts: unknown): void {
  if (!Array.isArray(texts)) {
    throw new InvalidArgumentError('texts', 'is not an array of strings')
  }
  const at = texts.findIndex((text) => typeof text !== 'string')
  if (at >= 0) throw new InvalidArgumentError(`texts[${at}]`, 'is not a string')
}
