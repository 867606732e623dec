/** Rows of padding: nobody reads them, so they are not compared. */
import type { TokenBatch } from '../../model/token-batch.ts'
import type { Shape } from '../../tensor/shape.ts'
import type { Metrics } from '../metrics.ts'

export class Padding {
  readonly #mask: Uint8Array | undefined
  readonly #texts: number
  readonly #length: number

  constructor({ paddingMask, lengths }: TokenBatch) {
    this.#mask = paddingMask
    this.#texts = lengths.length
    this.#length = lengths[0] ?? 0
  }

  /**
   * Whether a row, counted over all axes but the last, is padding: in `[rows, …]`, and within attention
   * in `[texts, heads, length, …]`, where it is the query that counts.
   */
  rowTest(shape: Shape): ((row: number) => boolean) | undefined {
    const mask = this.#mask
    if (mask === undefined) return undefined
    const length = this.#length
    if (shape.length === 2 && shape[0] === mask.length) return (row) => mask[row] === 1
    if (shape.length !== 4 || shape[0] !== this.#texts || shape[2] !== length) return undefined
    const rowsOfText = shape[1]! * length
    return (row) => mask[Math.floor(row / rowsOfText) * length + (row % length)] === 1
  }

  /** Makes the padding rows NaN on both sides, which comparisons pass over; says how many elements. */
  hide(shape: Shape, ...sides: readonly (Float64Array | undefined)[]): number {
    const isPadding = this.rowTest(shape)
    if (isPadding === undefined) return 0
    const width = shape.at(-1)!
    const rows = sides[0]!.length / Math.max(width, 1)
    let hidden = 0
    for (let row = 0; row < rows; row++) {
      if (!isPadding(row)) continue
      hidden += width
      for (const side of sides) side?.fill(Number.NaN, row * width, (row + 1) * width)
    }
    return hidden
  }
}

/** The metrics of what `hide` has left. */
export function withoutHidden(metrics: Metrics, hidden: number): Metrics {
  if (hidden === 0) return metrics
  const { count, nonFinite } = metrics
  return {
    ...metrics,
    count: count - hidden,
    nonFinite: {
      ...nonFinite,
      actualNaN: nonFinite.actualNaN - hidden,
      expectedNaN: nonFinite.expectedNaN - hidden,
    },
  }
}
