/** A few of many pairs of values, evenly spaced, for a scatter of one side against the other. */
export interface Pair {
  readonly device: number
  readonly reference: number
}

/** At most `count` pairs that are numbers on both sides. */
export function samplePairs(
  device: Float64Array,
  reference: Float64Array,
  count: number,
): readonly Pair[] {
  const pairs: Pair[] = []
  const step = Math.max(1, device.length / Math.max(count, 1))
  for (let at = 0; at < device.length && pairs.length < count; at += step) {
    const index = Math.floor(at)
    const pair = { device: device[index]!, reference: reference[index]! }
    if (Number.isFinite(pair.device) && Number.isFinite(pair.reference)) pairs.push(pair)
  }
  return pairs
}
