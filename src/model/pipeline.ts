/** `pipeline('text-classification', …)` with the conventions of transformers.js. */
import { InvalidArgumentError } from '../errors.ts'
import type { LabelScore } from './classification.ts'
import { GoEmotionsClassifier } from './go-emotions-classifier.ts'
import { ranking } from './scores.ts'
import type { LoadOptions } from './sequence-classifier.ts'

export interface TextClassificationOptions {
  /** Labels for each text, best first: 1 if missing, all of them for `null`. */
  readonly top_k?: number | null
}

export interface TextClassificationPipeline extends AsyncDisposable {
  /**
   * One text gives its best labels. Several give the best label of each if `top_k` is 1, else a list
   * for each.
   */
  (text: string, options?: TextClassificationOptions): Promise<LabelScore[]>
  (
    texts: readonly string[],
    options?: TextClassificationOptions & { readonly top_k?: 1 },
  ): Promise<LabelScore[]>
  (texts: readonly string[], options: TextClassificationOptions): Promise<LabelScore[][]>
  /** Gives the model back. */
  dispose(): Promise<void>
}

/** Loads a model for a task; `text-classification` (or `sentiment-analysis`) is the only one. */
export async function pipeline(
  task: 'text-classification' | 'sentiment-analysis',
  model?: string | null,
  options: Omit<LoadOptions, 'modelPath'> = {},
): Promise<TextClassificationPipeline> {
  if (task !== 'text-classification' && task !== 'sentiment-analysis') {
    throw new InvalidArgumentError('task', `'${String(task)}' is not supported`, {
      hint: "use 'text-classification'",
    })
  }
  const classifier = await GoEmotionsClassifier.load({ ...options, modelPath: model ?? undefined })

  async function classify(
    input: string | readonly string[],
    { top_k = 1 }: TextClassificationOptions = {},
  ): Promise<LabelScore[] | LabelScore[][]> {
    const texts = typeof input === 'string' ? [input] : input
    const topK = top_k ?? classifier.labels.length
    const { probs } = await classifier.predict(texts, { topK })
    const best = probs.map((scores) => ranking(scores, classifier.labels).slice(0, topK))
    return typeof input === 'string' || top_k === 1 ? best.flat() : best
  }

  const dispose = (): Promise<void> => classifier.close()
  return Object.assign(classify as TextClassificationPipeline, {
    dispose,
    [Symbol.asyncDispose]: dispose,
  })
}
