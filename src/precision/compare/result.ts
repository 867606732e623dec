/**
 * What a comparison of two devices gives: plain data. The command line's table, `--format json` and
 * the HTML report are all made from it; a new figure is a field here, filled in beside this file.
 *
 * N is the device, B the reference. Wherever a device is an emulator, `isEmulated` says so.
 */
import type { AttributeValue, OperatorName } from '../../ops/index.ts'
import type { DType, FloatDType } from '../../tensor/dtype.ts'
import type { Agreement } from '../agreement.ts'
import type { Metrics } from '../metrics.ts'
import type { JudgedClass, Verdict } from '../standards/index.ts'

/**
 * - cascaded: both sides run freely, so that errors accumulate;
 * - isolated: each operator of the device gets the reference's inputs, so that an error is its own;
 * - grafted: the reference runs with one operator's output from the device, down to the logits.
 */
export type Mode = 'cascaded' | 'isolated' | 'grafted'
export const modes: readonly Mode[] = ['cascaded', 'isolated', 'grafted']

export interface ComparisonResult {
  /** The worst of everything that was compared; an error also where something had no counterpart. */
  readonly verdict: Verdict
  readonly model: ModelSummary
  readonly device: Side
  readonly reference: Side
  /** The name of the standard, or the path of its rules. */
  readonly standard: string
  readonly modes: readonly Mode[]
  /** Versions and machine, by name: node, platform, version, commit, and what the devices say. */
  readonly environment: Readonly<Record<string, string>>
  /** Of the probabilities, over all texts. */
  readonly agreement: Agreement
  /** Over all texts, `[texts, labels]`. */
  readonly logits: Metrics
  readonly probabilities: Metrics
  readonly logitsVerdict: Verdict
  readonly texts: readonly TextComparison[]
  /** What goes in: the batches, bit for bit. */
  readonly inputs: readonly InputComparison[]
  /** Weights that differ from the reference's, which are converted to the device's dtype first. */
  readonly parameters: ParametersComparison
  /** Outputs of modules as both sides run freely, in order of execution. */
  readonly modules: readonly ModuleComparison[]
  /** In order of execution. */
  readonly operators: readonly OperatorComparison[]
  /** Ids of operators or modules that only one side has. */
  readonly unmatched: readonly string[]
  /** The id of the first operator that does not pass in either mode. */
  readonly firstDivergent: string | undefined
  /** How many operators were grafted, and how many were left out for time, those with the least error. */
  readonly grafts: { readonly done: number; readonly leftOut: number }
  /** At most 5000 pairs of logits and hidden values, for a scatter. */
  readonly sample: readonly { readonly device: number; readonly reference: number }[]
}

export interface ModelSummary {
  readonly name: string
  readonly layers: number
  readonly labels: readonly string[]
}

export interface Side {
  /** As the backend calls itself: an emulator stays 'emulator'. */
  readonly device: string
  readonly dtype: FloatDType
  readonly settings: Readonly<Record<string, string | number>>
  readonly isEmulated: boolean
}

export interface Scored {
  readonly label: string
  readonly probability: number
}

export interface TextComparison {
  readonly index: number
  readonly text: string
  /** The three best labels, best first. */
  readonly device: readonly Scored[]
  readonly reference: readonly Scored[]
  /** In label-id order. */
  readonly deviceProbabilities: readonly number[]
  readonly referenceProbabilities: readonly number[]
  readonly maxLogitError: number
}

/** One tensor of a batch: token ids, position ids, token type ids, first rows or the padding mask. */
export interface InputComparison {
  /** The call that reads it first, and the name of its input: `…word_embeddings/embedding#0 indices`. */
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly verdict: Verdict
}

export interface ParametersComparison {
  readonly compared: number
  readonly different: readonly {
    readonly name: string
    readonly shape: readonly number[]
    readonly judgement: Judgement
  }[]
}

export interface Judgement {
  readonly metrics: Metrics
  readonly verdict: Verdict
  /** The batch that these are of, counted from 0: the one in which the operator fares worst. */
  readonly batch: number
}

/** The reference's logits and probabilities, with one output from the device in it, minus without. */
export interface Graft {
  readonly maxLogitError: number
  readonly rmsLogitError: number
  readonly maxProbabilityError: number
}

export interface ModuleComparison extends Judgement {
  /** The module's path, equal to the prefix of its parameters in the checkpoint. */
  readonly scope: string
  readonly layer: number | undefined
  readonly shape: readonly number[]
  /** The whole module on the device, with the reference's inputs, all else on the reference. */
  readonly grafted?: Graft
}

export interface OperatorComparison {
  /** `scope/operator#occurrence`, unique. */
  readonly id: string
  readonly operator: OperatorName
  readonly scope: string
  readonly layer: number | undefined
  /** The composite operator that it is part of where one looks inside; devices may fuse those. */
  readonly within: OperatorName | undefined
  readonly shape: readonly number[]
  /** Of the device's output. */
  readonly dtype: DType
  readonly errorClass: JudgedClass
  /** Attributes that the two sides have different values of. */
  readonly attributes?: Readonly<
    Record<string, { readonly device: AttributeValue; readonly reference: AttributeValue }>
  >
  readonly cascaded?: Judgement
  readonly isolated?: Judgement
  readonly grafted?: Graft
  /** The command line that runs just this case again. */
  readonly rerun: string
}
