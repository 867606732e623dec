/**
 * What a classifier says about one text.
 *
 * This is the record that the library returns and that the command line writes as JSON. How it is
 * computed is in the classifier, how it is printed in `cli/output`. A new fact about a text becomes
 * an optional field here.
 */

export interface LabelScore {
  readonly label: string
  /** A probability: of this label alone (sigmoid), or among all labels (softmax). */
  readonly score: number
}

export interface Classification {
  /** Position of the text in its input, from 0. */
  readonly index: number
  /** The text as it was given. */
  readonly text: string
  /** The labels above the threshold, best first. */
  readonly labels: readonly LabelScore[]
  /** Present when the text was longer than the model takes, so that its end was not read. */
  readonly truncated?: true
  /** Every label's probability in label-id order; present when all were asked for. */
  readonly probabilities?: readonly number[]
  /** Every label's logit in label-id order; present when all were asked for. */
  readonly logits?: readonly number[]
}
