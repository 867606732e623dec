/** One batch of texts through a classifier, to records: what the library and the command line share. */
import type { Classification, LabelScore } from './classification.ts'
import type { RobertaConfig } from './config.ts'
import { probabilities, ranking, type Selection, select } from './scores.ts'
import type { Logits, SequenceClassifier } from './sequence-classifier.ts'

/** Texts that run through the model together if nobody says otherwise. */
export const defaultBatchSize = 16

/** The threshold of multi-label scores if neither a threshold nor a number of labels is given. */
const defaultThreshold = 0.3

export interface ClassifyOptions extends Selection {
  /** Longer texts are cut to so many tokens; the model's limit if missing. */
  readonly maxLength?: number | undefined
}

export interface ClassifiedText {
  readonly record: Classification
  /** All labels, best first. */
  readonly ranked: readonly LabelScore[]
  /** In label-id order. */
  readonly probabilities: readonly number[]
  /** In label-id order. */
  readonly logits: readonly number[]
}

/** Which labels are reported if the caller does not say: all that reach 0.3, or the single best. */
export function defaultSelection(head: 'sigmoid' | 'softmax', given: Selection): Selection {
  if (given.threshold !== undefined || given.topK !== undefined) return given
  return head === 'sigmoid' ? { threshold: defaultThreshold } : { topK: 1 }
}

/** Classifies one batch; records are numbered from `firstIndex`. */
export async function classifyBatch(
  classifier: SequenceClassifier,
  texts: readonly string[],
  firstIndex: number,
  options: ClassifyOptions,
): Promise<ClassifiedText[]> {
  const outputs = await classifier.logits(texts, options.maxLength)
  return classified(classifier.config, texts, outputs, firstIndex, options)
}

/** What the logits of `texts` say. */
export function classified(
  { head, labels }: RobertaConfig,
  texts: readonly string[],
  outputs: readonly Logits[],
  firstIndex: number,
  options: Selection,
): ClassifiedText[] {
  const selection = defaultSelection(head, options)
  return outputs.map(({ logits, truncated }, offset) => {
    const scores = probabilities(logits, head)
    const ranked = ranking(scores, labels)
    const record: Classification = {
      index: firstIndex + offset,
      text: texts[offset]!,
      ...(truncated ? { truncated } : {}),
      labels: select(ranked, selection),
    }
    return { record, ranked, probabilities: scores, logits: Array.from(logits) }
  })
}
