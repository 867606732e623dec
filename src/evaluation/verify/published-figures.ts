/** What is published of a model, with sources and tolerances: what `verify` checks a copy against. */
import type { RobertaConfig } from '../../model/config.ts'
import type { Quality } from '../quality/quality.ts'

export interface PublishedFigures {
  /** The id on the hub. */
  readonly model: string
  /** Facts of config.json. */
  readonly config: Readonly<Partial<Omit<RobertaConfig, 'labels'>>>
  readonly outputs: readonly PublishedOutput[]
  readonly testSplit: PublishedTestSplit
}

/** A text and what the model gives for it, in label-id order: logits or probabilities. */
export interface PublishedOutput {
  readonly text: string
  /** With `<s>` and `</s>`. */
  readonly tokenIds: readonly number[]
  readonly logits?: readonly number[]
  readonly probabilities?: readonly number[]
  /** The largest difference that passes. */
  readonly tolerance: number
  readonly source: string
}

/** A figure by its place in `Quality`. */
export const publishedMetrics = {
  accuracy: ({ accuracy }) => accuracy,
  'micro f1': ({ micro }) => micro.f1,
  'macro precision': ({ macro }) => macro.precision,
  'macro recall': ({ macro }) => macro.recall,
  'macro f1': ({ macro }) => macro.f1,
} as const satisfies Record<string, (quality: Quality) => number>

export interface PublishedMetric {
  readonly figure: keyof typeof publishedMetrics
  readonly value: number
}

export interface PublishedTestSplit {
  readonly texts: number
  /** In label-id order: names, texts that have the label, and its published threshold. */
  readonly labels: readonly {
    readonly label: string
    readonly support: number
    readonly threshold: number
  }[]
  /** With a threshold of 0.5 for all labels. */
  readonly atHalf: readonly PublishedMetric[]
  /** With the thresholds above. */
  readonly atThresholds: readonly PublishedMetric[]
  readonly tolerance: number
  readonly source: string
}
