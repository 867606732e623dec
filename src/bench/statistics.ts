/** Numbers that stand for many measurements. */

/**
 * The value that `percent` per cent of `values` do not exceed, between two values in proportion to
 * their distance: numpy.percentile's default, "linear" (definition 7 of Hyndman and Fan, "Sample
 * quantiles in statistical packages", The American Statistician 50, 1996). NaN for no values.
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const rank = ((sorted.length - 1) * percent) / 100
  const below = sorted[Math.floor(rank)] ?? Number.NaN
  const above = sorted[Math.ceil(rank)] ?? Number.NaN
  return below + (above - below) * (rank - Math.floor(rank))
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}
