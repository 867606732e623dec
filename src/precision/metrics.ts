/**
 * How far a result N (actual) is from a result B (expected): every metric there is, computed once, in
 * float64. Whether that is good enough is not decided here but in `standards/`. The formulas are in
 * docs/precision-metrics.md.
 */
import { type DType, finfo, isFloatDType } from '../tensor/dtype.ts'
import { ShapeError } from '../tensor/errors.ts'
import { formatShape, indexAt, numel, type Shape } from '../tensor/shape.ts'
import { percentileOf } from './percentile.ts'
import { ceilLog2, spacingOf } from './ulp.ts'

export interface WorstElement {
  readonly index: readonly number[]
  readonly actual: number
  readonly expected: number
}

/** How many errors are greater than `from` and at most `to` ULP; in the first bin both are 0. */
export interface HistogramBin {
  readonly from: number
  readonly to: number
  readonly count: number
}

/**
 * Sums, means, shares and extremes run over the pairs that are both finite; `nonFinite` counts the
 * others. Of no elements at all everything but the counts is NaN, so that no comparison with a limit
 * holds.
 */
export interface Metrics {
  /** Pairs of elements, finite or not. */
  readonly count: number
  /** N·B / (‖N‖‖B‖); 1 where both are zero, 0 where one is. */
  readonly cosine: number
  /** max |N − B|. */
  readonly maxAbs: number
  /**
   * The first pair of which one is NaN or an infinity that the other is not; else the one with the
   * largest |N − B|. Undefined where all are equal.
   */
  readonly worst: WorstElement | undefined
  /** Mean of |N − B|. */
  readonly mae: number
  /** √ of the mean of (N − B)². */
  readonly rmse: number
  /** ‖N − B‖ / ‖B‖. */
  readonly relativeL2: number
  /** ‖N − B‖² / ‖B‖². */
  readonly nmse: number
  /** −log2 of relativeL2, at most 53, which is all that float64 tells. */
  readonly effectiveBits: number
  /** |N − B| / |B|, where |B| counts as at least the smallest normal number of the dtype. */
  readonly relative: {
    readonly max: number
    readonly mean: number
    readonly p99: number
    readonly shareBelow: Readonly<Record<RelativeLimit, number>>
  }
  /** |N − B| in units of the spacing of the dtype's numbers at B. */
  readonly ulp: {
    readonly max: number
    readonly mean: number
    readonly p99: number
    readonly shareAbove1: number
    readonly shareAbove32: number
    readonly histogram: readonly HistogramBin[]
  }
  /** |#(N > B) − #(N < B)| / n: near 1 where rounding is biased. */
  readonly errorBalance: number
  readonly nonFinite: {
    readonly actualNaN: number
    readonly expectedNaN: number
    readonly actualInf: number
    readonly expectedInf: number
    /** Pairs that are not both finite, both NaN, or the same infinity. */
    readonly disagreements: number
  }
}

const relativeLimits = ['1e-2', '5e-3', '1e-3', '1e-4'] as const
export type RelativeLimit = (typeof relativeLimits)[number]

/** A norm of zero counts as this, so that its ratios stay finite. */
const smallestNorm = finfo.float32.smallestNormal
/** The bins of the histogram end at 2^-1, 2^0, …, 2^24; what is larger has one bin. */
const [lowestBin, highestBin] = [-1, 24]

/**
 * Compares the elements of two tensors of one shape, in row-major order. `dtype` is that of `actual`:
 * it decides on ULP and on the floor of relative errors. Throws `ShapeError` where the numbers of
 * elements differ.
 */
export function measure(
  actual: Float64Array,
  expected: Float64Array,
  { dtype, shape }: { readonly dtype: DType; readonly shape: Shape },
): Metrics {
  const count = numel(shape)
  if (actual.length !== count || expected.length !== count) {
    throw new ShapeError(
      'measure',
      `${actual.length} and ${expected.length} elements do not both fill ${formatShape(shape)}`,
    )
  }
  const spacing = spacingOf(dtype)
  const floor = isFloatDType(dtype) ? finfo[dtype].smallestNormal : 1
  const relative = new Float64Array(count)
  const ulp = new Float64Array(count)
  const below = relativeLimits.map(() => 0)
  const limits = relativeLimits.map(Number)
  const bins = new Array<number>(highestBin - lowestBin + 3).fill(0)
  const nonFinite = { actualNaN: 0, expectedNaN: 0, actualInf: 0, expectedInf: 0, disagreements: 0 }
  let finite = 0
  let [dot, actualSquares, expectedSquares, squares] = [0, 0, 0, 0]
  let [absolute, maxAbs, relativeSum, maxRelative, ulpSum, maxUlp] = [0, 0, 0, 0, 0, 0]
  let [above, under, above1, above32] = [0, 0, 0, 0]
  let worst = -1
  let disagreement = -1
  for (let i = 0; i < count; i++) {
    const n = actual[i]!
    const b = expected[i]!
    const difference = n - b
    if (!Number.isFinite(difference)) {
      if (Number.isNaN(n)) nonFinite.actualNaN++
      else if (!Number.isFinite(n)) nonFinite.actualInf++
      if (Number.isNaN(b)) nonFinite.expectedNaN++
      else if (!Number.isFinite(b)) nonFinite.expectedInf++
      if (Object.is(n, b)) continue
      nonFinite.disagreements++
      if (disagreement < 0) disagreement = i
      continue
    }
    const size = difference < 0 ? -difference : difference
    const magnitude = b < 0 ? -b : b
    dot += n * b
    actualSquares += n * n
    expectedSquares += b * b
    squares += difference * difference
    absolute += size
    if (size > maxAbs) {
      maxAbs = size
      worst = i
    }
    if (difference > 0) above++
    else if (difference < 0) under++
    const relativeError = size / (magnitude > floor ? magnitude : floor)
    relativeSum += relativeError
    if (relativeError > maxRelative) maxRelative = relativeError
    // Limits fall, so that most elements are below the last one and need no other comparison.
    let l = limits.length - 1
    while (l >= 0 && relativeError >= limits[l]!) l--
    if (l >= 0) below[l]!++
    const ulpError = size / spacing(b)
    ulpSum += ulpError
    if (ulpError > maxUlp) maxUlp = ulpError
    if (ulpError > 1) above1++
    if (ulpError > 32) above32++
    bins[binOf(ulpError)]!++
    relative[finite] = relativeError
    ulp[finite++] = ulpError
  }
  // Where nothing is finite nothing differs; where there is nothing, nothing is known.
  const total = count === 0 ? 0 : Math.max(finite, 1)
  const unknown = count === 0 ? Number.NaN : 0
  const relativeL2 = Math.sqrt(squares) / Math.max(Math.sqrt(expectedSquares), smallestNorm)
  const worstAt = disagreement >= 0 ? disagreement : worst
  const share = (part: number): number => part / total
  return {
    count,
    cosine: cosine(dot, actualSquares, expectedSquares) + unknown,
    maxAbs: maxAbs + unknown,
    worst:
      worstAt < 0
        ? undefined
        : {
            index: indexAt(shape, worstAt),
            actual: actual[worstAt]!,
            expected: expected[worstAt]!,
          },
    mae: share(absolute),
    rmse: Math.sqrt(share(squares)),
    relativeL2: relativeL2 + unknown,
    nmse: relativeL2 ** 2 + unknown,
    effectiveBits: Math.min(53, -Math.log2(relativeL2)) + unknown,
    relative: {
      max: maxRelative + unknown,
      mean: share(relativeSum),
      p99: finite === 0 ? unknown : percentileOf(relative.subarray(0, finite), 99),
      shareBelow: shares(cumulated(below), (part) => (finite === 0 ? 1 + unknown : share(part))),
    },
    ulp: {
      max: maxUlp + unknown,
      mean: share(ulpSum),
      p99: finite === 0 ? unknown : percentileOf(ulp.subarray(0, finite), 99),
      shareAbove1: share(above1),
      shareAbove32: share(above32),
      histogram: histogram(bins, maxUlp),
    },
    errorBalance: share(Math.abs(above - under)),
    nonFinite,
  }
}

/** The root of the product, not the product of roots: equal vectors then have exactly 1. */
function cosine(dot: number, actualSquares: number, expectedSquares: number): number {
  if (actualSquares === 0 || expectedSquares === 0) return actualSquares === expectedSquares ? 1 : 0
  return Math.max(-1, Math.min(1, dot / Math.sqrt(actualSquares * expectedSquares)))
}

/** Of those that are below each limit but not the next, those that are below each limit. */
function cumulated(counts: readonly number[]): number[] {
  return counts.map((_, limit) => counts.slice(limit).reduce((sum, count) => sum + count, 0))
}

function shares(
  counts: readonly number[],
  share: (part: number) => number,
): Record<RelativeLimit, number> {
  const [one, two, three, four] = counts.map(share) as [number, number, number, number]
  return { '1e-2': one, '5e-3': two, '1e-3': three, '1e-4': four }
}

function binOf(ulpError: number): number {
  if (ulpError === 0) return 0
  if (ulpError <= 2 ** lowestBin) return 1
  return Math.min(ceilLog2(ulpError), highestBin + 1) - lowestBin + 1
}

/** The bins up to the last one that is not empty. */
function histogram(bins: readonly number[], maxUlp: number): HistogramBin[] {
  const end = bins.findLastIndex((count) => count > 0) + 1
  return bins.slice(0, end).map((count, bin) => {
    if (bin === 0) return { from: 0, to: 0, count }
    const exponent = lowestBin + bin - 1
    const isLast = exponent > highestBin
    return {
      from: bin === 1 ? 0 : 2 ** (exponent - 1),
      to: isLast ? 2 ** ceilLog2(maxUlp) : 2 ** exponent,
      count,
    }
  })
}
