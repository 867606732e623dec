/**
 * Which rows of hidden states are tokens, so that traces of different layouts can be compared: packed,
 * padded `[texts × length, width]`, and PyTorch's padded `[texts, length, width]`. What padding rows hold
 * has no influence on any result, and differs between implementations.
 */
import type { Shape } from '../../tensor/shape.ts'

export interface Elements {
  readonly shape: Shape
  readonly values: Float64Array
}

export class TokenRows {
  readonly #count: number

  constructor(
    readonly texts: number,
    /** Rows of each text in the padded layout. */
    readonly length: number,
    /** `[texts × length]`, true for a token; undefined where rows are tokens only. */
    private readonly isToken: readonly boolean[] | undefined,
    /** True where hidden states are `[texts, length, width]`. */
    private readonly hasTextAxis: boolean,
  ) {
    this.#count = isToken?.filter(Boolean).length ?? 0
  }

  /** The shape that hidden states have without padding; any other shape stays. */
  shapeOf(shape: Shape): Shape {
    const rows = this.#rowsOf(shape)
    if (rows === undefined || this.isToken === undefined) return rows ?? shape
    return rows.with(0, this.#count)
  }

  /** The elements of hidden states without those of padding; any others as they are. */
  of({ shape, values }: Elements): Elements {
    const rows = this.#rowsOf(shape)
    if (rows === undefined || this.isToken === undefined) return { shape: rows ?? shape, values }
    const width = values.length / this.isToken.length
    const kept = new Float64Array(this.#count * width)
    let position = 0
    this.isToken.forEach((isToken, row) => {
      if (!isToken) return
      kept.set(values.subarray(row * width, (row + 1) * width), position)
      position += width
    })
    return { shape: this.shapeOf(shape), values: kept }
  }

  /** `[texts × length, …]` if that is what a tensor of this shape is. */
  #rowsOf(shape: Shape): Shape | undefined {
    const { texts, length, hasTextAxis } = this
    const rows = texts * length
    if (!hasTextAxis) return shape[0] === rows && shape.length <= 2 ? shape : undefined
    // Within attention there are four axes.
    const isHidden = shape.length === 3 && shape[0] === texts && shape[1] === length
    return isHidden ? [rows, shape[2]!] : undefined
  }
}
