/**
 * Numbers in the JSON of a report. NaN and infinities, which JSON has not, go by their names. Others
 * are kept to nine significant digits, as many as tell float32 values apart; cosines in full, since
 * what counts is how far they are from 1.
 */

/** What stands for a number that JSON does not have. */
interface Named {
  readonly $number: string
}

/** For `JSON.stringify`. */
export function replacer(key: string, value: unknown): unknown {
  if (typeof value !== 'number') return value
  if (!Number.isFinite(value)) return { $number: String(value) } satisfies Named
  return /cosine$/i.test(key) ? value : Number(value.toPrecision(9))
}

/** For `JSON.parse`. */
export function reviver(_: string, value: unknown): unknown {
  return isNamed(value) ? Number(value.$number) : value
}

function isNamed(value: unknown): value is Named {
  return typeof value === 'object' && value !== null && '$number' in value
}
