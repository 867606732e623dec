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

/**
 * Errors of `actual` from `truth`, by the bins of `values` that they fall into. Bins are equally wide,
 * and their ends are round numbers. Pairs that are not finite are left out, and so are empty bins.
 */
export function errorByValue(
  values: Float64Array,
  actual: Float64Array,
  truth: Float64Array,
  dtype: DType,
): ValueBin[] {
  const used = [...values.keys()].filter(
    (i) => Number.isFinite(values[i]) && Number.isFinite(actual[i]! - truth[i]!),
  )
  if (used.length === 0) return []
  let [low, high] = [Infinity, -Infinity]
  for (const i of used) {
    low = Math.min(low, values[i]!)
    high = Math.max(high, values[i]!)
  }
  const width = roundWidth((high - low) / mostBins)
  const first = Math.floor(low / width)
  const spacing = spacingOf(dtype)
  const bins = new Map<number, { count: number; maxAbs: number; sumUlp: number; maxUlp: number }>()
  for (const i of used) {
    const at = Math.min(
      Math.floor(values[i]! / width),
      Math.max(first, Math.ceil(high / width) - 1),
    )
    const error = Math.abs(actual[i]! - truth[i]!)
    const ulp = error / spacing(truth[i]!)
    const bin = bins.get(at) ?? { count: 0, maxAbs: 0, sumUlp: 0, maxUlp: 0 }
    bins.set(at, {
      count: bin.count + 1,
      maxAbs: Math.max(bin.maxAbs, error),
      sumUlp: bin.sumUlp + ulp,
      maxUlp: Math.max(bin.maxUlp, ulp),
    })
  }
  return [...bins]
    .sort(([a], [b]) => a - b)
    .map(([at, { count, maxAbs, sumUlp, maxUlp }]) => ({
      // From the number of the bin, so that the ends of neighbours are equal.
      from: at * width,
      to: (at + 1) * width,
      count,
      maxAbs,
      meanUlp: sumUlp / count,
      maxUlp,
    }))
}

/** The smallest of 1, 2, 5, 10, 20, … that is not less; 1 for bins of no width. */
function roundWidth(width: number): number {
  if (width === 0) return 1
  const power = 10 ** Math.floor(Math.log10(width))
  return [1, 2, 5].map((digit) => digit * power).find((round) => round >= width) ?? 10 * power
}
