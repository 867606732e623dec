/** How errors are ordered, and where they are drawn. */

/** For sorting: NaN and infinities are beyond every number. */
export function rankOf(error: number): number {
  return Number.isNaN(error) ? Number.MAX_VALUE : Math.min(error, Number.MAX_VALUE)
}

/**
 * A logarithmic scale for errors, which has a place for zero: below the smallest error that there is.
 * What is not finite is at the top.
 */
export interface ErrorScale {
  /** Powers of ten: the place of zero, and the end of the scale. */
  readonly zero: number
  readonly end: number
  place(error: number): number
  /** The label of a place that is a whole number. */
  label(place: number): string
}

export function errorScale(errors: Iterable<number>): ErrorScale {
  const exponents = [...errors]
    .filter((error) => error > 0 && Number.isFinite(error))
    .map(Math.log10)
  const smallest = exponents.length === 0 ? 0 : Math.floor(Math.min(...exponents))
  const end = exponents.length === 0 ? 1 : Math.max(Math.ceil(Math.max(...exponents)), smallest + 1)
  const zero = smallest - 1
  return {
    zero,
    end,
    place: (error) =>
      error === 0 ? zero : Number.isFinite(error) ? Math.max(Math.log10(error), zero) : end,
    label: (place) => (place === zero ? '0' : `1e${place}`),
  }
}
