/** Error as a function of the value that it was made from: where in its domain an operator is weak. */

import type { DType } from '../../tensor/dtype.ts'
import { spacingOf } from '../ulp.ts'

/** Elements whose value is from `from` on and below `to`; the last bin also has its end. */
export interface ValueBin {
  readonly from: number
  readonly to: number
  readonly count: number
  readonly maxAbs: number
  readonly meanUlp: number
  readonly maxUlp: number
}

const mostBins = 24
/** Up to here bins are equally wide. */
const widest = 64
/** The end of the bin around zero, where they are not. */
const center = 2 ** -6

/**
 * Errors of `actual` from `truth`, by the bins of `values` that they fall into. Bins are equally wide
 * and their ends are round numbers; where values go beyond ±64, each is four times as wide as the one
 * before it, counted from zero. Pairs that are not finite are left out, and so are empty bins.
 */
export function errorByValue(
  values: Float64Array,
  actual: Float64Array,
  truth: Float64Array,
  dtype: DType,
): ValueBin[] {
  const isUsed = (i: number) =>
    Number.isFinite(values[i]) && Number.isFinite(actual[i]! - truth[i]!)
  let [low, high] = [Infinity, -Infinity]
  for (let i = 0; i < values.length; i++) {
    if (!isUsed(i)) continue
    low = Math.min(low, values[i]!)
    high = Math.max(high, values[i]!)
  }
  const isWide = Math.max(-low, high) > widest
  const { numberOf, edge } = isWide ? growingBins : equalBins(low, high)
  const spacing = spacingOf(dtype)
  const bins = new Map<number, { count: number; maxAbs: number; sumUlp: number; maxUlp: number }>()
  for (let i = 0; i < values.length; i++) {
    if (!isUsed(i)) continue
    const error = Math.abs(actual[i]! - truth[i]!)
    const ulp = error / spacing(truth[i]!)
    const key = numberOf(values[i]!)
    const bin = bins.get(key) ?? { count: 0, maxAbs: 0, sumUlp: 0, maxUlp: 0 }
    bins.set(key, {
      count: bin.count + 1,
      maxAbs: Math.max(bin.maxAbs, error),
      sumUlp: bin.sumUlp + ulp,
      maxUlp: Math.max(bin.maxUlp, ulp),
    })
  }
  return [...bins]
    .sort(([a], [b]) => a - b)
    .map(([bin, { count, maxAbs, sumUlp, maxUlp }]) => ({
      from: edge(bin),
      to: edge(bin + 1),
      count,
      maxAbs,
      meanUlp: sumUlp / count,
      maxUlp,
    }))
}

/** Bins by number: bin n goes from edge n to edge n + 1. */
interface Bins {
  numberOf(value: number): number
  edge(bin: number): number
}

function equalBins(low: number, high: number): Bins {
  const width = roundWidth((high - low) / mostBins)
  const last = Math.max(Math.floor(low / width), Math.ceil(high / width) - 1)
  return {
    numberOf: (value) => Math.min(Math.floor(value / width), last),
    // A product may miss the decimal number that is meant by a rounding.
    edge: (bin) => Number((bin * width).toPrecision(12)),
  }
}

const growingBins: Bins = {
  numberOf: (value) => {
    const steps = Math.floor(Math.log2(Math.abs(value) / center) / 2) + 1
    return steps <= 0 ? 0 : Math.sign(value) * steps
  },
  edge: (bin) => (bin > 0 ? center * 4 ** (bin - 1) : -center * 4 ** -bin),
}

/** The smallest of 1, 2, 5, 10, 20, … that is not less; 1 for bins of no width. */
function roundWidth(width: number): number {
  if (width === 0) return 1
  const power = 10 ** Math.floor(Math.log10(width))
  return [1, 2, 5].map((digit) => digit * power).find((round) => round >= width) ?? 10 * power
}
