/** The worker's side of `native-product.ts`. */
import { type Multiply, panelWidth } from '../native-blas.ts'

/** `addBias` of the kernels. */
export type AddBias = (
  begin: number,
  end: number,
  target: number,
  rowStride: number,
  bias: number,
  width: number,
) => void

/**
 * Parts `begin` … `end` − 1 of `output` `[rows, columns]` = `left` `[rows, inner]` · Wᵀ + `bias` `[columns]`
 * (0 for none), with W `[columns, inner]` packed into panels. A part is `height` rows and `width` columns, of
 * one panel; those of columns count fastest. All are float32 and dense.
 */
export function nativeMultiply(
  multiply: Multiply,
  addBias: AddBias,
  memory: ArrayBufferLike,
  begin: number,
  end: number,
  ...args: readonly number[]
): undefined {
  const [left, packed, bias, output, rows, columns, inner, height, width] = args as [
    ...[number, number, number, number],
    ...[number, number, number, number, number],
  ]
  const floats = (address: number, first: number, length: number): Float32Array =>
    new Float32Array(memory, address + 4 * first, length)
  const across = Math.ceil(columns / width)
  for (let part = begin; part < end; part++) {
    const row = Math.floor(part / across) * height
    const column = (part % across) * width
    const m = Math.min(height, rows - row)
    const n = Math.min(width, columns - column)
    const panel = column - (column % panelWidth)
    const ldb = Math.min(panelWidth, Math.ceil((columns - panel) / 8) * 8)
    const a = floats(left, row * inner, m * inner)
    const b = floats(packed, panel * inner + column - panel, (inner - 1) * ldb + n)
    const c = floats(output, row * columns + column, (m - 1) * columns + n)
    multiply({ m, n, k: inner, a, lda: inner, b, ldb, c, ldc: columns })
    if (bias !== 0) addBias(0, m, c.byteOffset, columns, bias + 4 * column, n)
  }
  return undefined
}
