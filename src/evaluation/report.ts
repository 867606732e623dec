/**
 * What an evaluation reports. The command line prints it as it is with `--format json`; a new figure
 * is a field of `Quality` and a line in `figuresOf`.
 */
import type { Labelled } from '../bench/report.ts'
import type { RobertaConfig } from '../model/config.ts'
import type { Agreement } from '../precision/agreement.ts'
import type { Quality } from './quality/quality.ts'

export interface EvaluationReport {
  readonly model: {
    readonly name: string
    readonly layers: number
    readonly head: RobertaConfig['head']
  }
  readonly dataset: {
    readonly name: string
    readonly texts: number
    /** Texts that are longer than the model takes, or than was asked for. */
    readonly truncated: number
  }
  /** In the order in which they were asked for; the first is what the others are compared with. */
  readonly devices: readonly DeviceEvaluation[]
  /** One for each other device. */
  readonly comparisons: readonly QualityComparison[]
}

/** A device and how it computed. */
export interface DeviceSide extends Labelled {
  readonly device: string
  readonly dtype: string
  readonly settings: Readonly<Record<string, string>>
}

export interface DeviceEvaluation extends DeviceSide {
  readonly quality: Quality
}

/** A device beside the first. Differences are its figures minus those of the first. */
export interface QualityComparison {
  readonly device: DeviceSide
  readonly baseline: DeviceSide
  readonly differences: readonly Figure[]
  /** Of the probabilities. */
  readonly agreement: Omit<Agreement, 'flips'>
  readonly flips: readonly DecisionFlip[]
}

/** A label that one device gives to a text and the other does not. */
export interface DecisionFlip {
  /** Position of the text, from 0, and its line where it is from a file. */
  readonly text: number
  readonly line: number | undefined
  readonly label: string
  /** Probabilities. */
  readonly device: number
  readonly baseline: number
  /** Null where the best label is taken. */
  readonly threshold: number | null
  readonly right: 'device' | 'baseline'
}

/** One number of a report with its place there: of a label, an average over labels, or of the whole. */
export interface Figure {
  readonly scope: 'label' | 'micro' | 'macro' | 'weighted' | 'all'
  readonly label: string | undefined
  readonly metric: string
  /** Null where it is not defined. */
  readonly value: number | null
}

/** All figures of a report, in one list. */
export function figuresOf(quality: Quality): Figure[] {
  const figures = (
    scope: Figure['scope'],
    values: Readonly<Record<string, number | null>>,
    label?: string,
  ): Figure[] => Object.entries(values).map(([metric, value]) => ({ scope, label, metric, value }))
  const { micro, macro, weighted, rocAuc, averagePrecision } = quality
  const ranked = (of: 'micro' | 'macro') => ({
    rocAuc: rocAuc[of],
    averagePrecision: averagePrecision[of],
  })
  return [
    ...figures('all', {
      accuracy: quality.accuracy,
      bestLabelIsRight: quality.bestLabelIsRight,
      brier: quality.brier,
      calibrationError: quality.calibration.error,
    }),
    ...figures('micro', { ...micro, ...ranked('micro') }),
    ...figures('macro', { ...macro, ...ranked('macro') }),
    ...figures('weighted', { ...weighted }),
    ...quality.labels.flatMap(({ label, ...values }) => figures('label', values, label)),
  ]
}

/** `figuresOf` both, the second subtracted; null where either is not defined. */
export function differencesOf(quality: Quality, baseline: Quality): Figure[] {
  const others = figuresOf(baseline)
  return figuresOf(quality).map((figure, at) => {
    const other = others[at]!.value
    const { value } = figure
    return { ...figure, value: value === null || other === null ? null : value - other }
  })
}
