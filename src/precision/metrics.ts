/** The types of the metrics, until the branch that computes them is merged. */
export interface WorstElement {
  readonly index: readonly number[]
  readonly actual: number
  readonly expected: number
}

export interface HistogramBin {
  readonly from: number
  readonly to: number
  readonly count: number
}

export type RelativeLimit = '1e-2' | '5e-3' | '1e-3' | '1e-4'

export interface Metrics {
  readonly count: number
  readonly cosine: number
  readonly maxAbs: number
  readonly worst: WorstElement | undefined
  readonly mae: number
  readonly rmse: number
  readonly relativeL2: number
  readonly nmse: number
  readonly effectiveBits: number
  readonly relative: {
    readonly max: number
    readonly mean: number
    readonly p99: number
    readonly shareBelow: Readonly<Record<RelativeLimit, number>>
  }
  readonly ulp: {
    readonly max: number
    readonly mean: number
    readonly p99: number
    readonly shareAbove1: number
    readonly shareAbove32: number
    readonly histogram: readonly HistogramBin[]
  }
  readonly errorBalance: number
  readonly nonFinite: {
    readonly actualNaN: number
    readonly expectedNaN: number
    readonly actualInf: number
    readonly expectedInf: number
    readonly disagreements: number
  }
}
