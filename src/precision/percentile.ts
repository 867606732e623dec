/** Percentiles of many numbers, found without sorting them all. */

/**
 * The value that `percent` per cent of `values` do not exceed, between two values in proportion to
 * their distance: numpy.percentile's default, "linear". Reorders `values`. NaN for no values.
 */
export function percentileOf(values: Float64Array, percent: number): number {
  if (values.length === 0) return Number.NaN
  const rank = ((values.length - 1) * percent) / 100
  const low = Math.floor(rank)
  const below = select(values, low)
  if (rank === low) return below
  // What lies behind the selected one is not smaller.
  let above = Infinity
  for (let i = low + 1; i < values.length; i++) if (values[i]! < above) above = values[i]!
  return below + (above - below) * (rank - low)
}

/** Moves the value that belongs at `position` in sorted order there: Hoare's quickselect. */
function select(values: Float64Array, position: number): number {
  let left = 0
  let right = values.length - 1
  while (left < right) {
    const pivot = values[(left + right) >> 1]!
    let i = left
    let j = right
    while (i <= j) {
      while (values[i]! < pivot) i++
      while (values[j]! > pivot) j--
      if (i > j) break
      const swapped = values[i]!
      values[i++] = values[j]!
      values[j--] = swapped
    }
    if (position <= j) right = j
    else if (position >= i) left = i
    else break
  }
  return values[position]!
}
