/** The worker's side of `native-linear.ts`. */
import type { Blas } from '../native-blas.ts'

/**
 * Columns `begin` · width … `end` · width − 1 of A · Wᵀ, by a library, in its form; `weight` is
 * `[columns, inner]`, and all are float32 and dense.
 *
 * - `rows`: `output` `[rows, columns]` = `left` `[rows, inner]` · Wᵀ + `bias` `[columns]` (0 for none).
 * - `columns`: `output` `[columns, rows]` = W · `left` `[inner, rows]`, without a bias.
 */
export function nativeMultiply(
  { form, multiply }: Blas,
  memory: ArrayBufferLike,
  begin: number,
  end: number,
  ...args: readonly number[]
): undefined {
  const [left, weight, bias, output, rows, columns, inner, width] = args as [
    ...[number, number, number, number],
    ...[number, number, number, number],
  ]
  const first = begin * width
  const count = Math.min(end * width, columns) - first
  const a = new Float32Array(memory, left, rows * inner)
  const part = new Float32Array(memory, weight + 4 * first * inner, count * inner)
  if (form === 'columns') {
    const c = new Float32Array(memory, output + 4 * first * rows, count * rows)
    multiply(rows, count, inner, a, part, c, rows)
    return undefined
  }
  const c = new Float32Array(memory, output + 4 * first, (rows - 1) * columns + count)
  // What the product is added to.
  const shift =
    bias === 0 ? new Float32Array(count) : new Float32Array(memory, bias + 4 * first, count)
  for (let row = 0; row < rows; row++) c.set(shift, row * columns)
  multiply(rows, count, inner, a, part, c, columns)
  return undefined
}
