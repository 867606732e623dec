/** The worker's side of `native-linear.ts`. */
import type { Form, Multiply } from '../native-blas.ts'

/**
 * Parts `begin` … `end` − 1 of A · Wᵀ by a library, in its form. A part is `height` rows and `width` columns
 * of the product, those of columns counting fastest. `weight` is `[columns, inner]`; all are float32
 * and dense.
 *
 * - `rows`: `output` `[rows, columns]` = `left` `[rows, inner]` · Wᵀ + `bias` `[columns]` (0 for none).
 * - `columns`: `output` `[columns, rows]` = W · `left` `[inner, rows]`, without a bias.
 */
export function nativeMultiply(
  { form, multiply }: { readonly form: Form; readonly multiply: Multiply },
  memory: ArrayBufferLike,
  begin: number,
  end: number,
  ...args: readonly number[]
): undefined {
  const [left, weight, bias, output, rows, columns, inner, height, width] = args as [
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
    const w = floats(weight, column * inner, n * inner)
    if (form === 'columns') {
      const a = floats(left, row, (inner - 1) * rows + m)
      const c = floats(output, column * rows + row, (n - 1) * rows + m)
      multiply(m, n, inner, a, w, c, rows)
      continue
    }
    const a = floats(left, row * inner, m * inner)
    const c = floats(output, row * columns + column, (m - 1) * columns + n)
    // What the product is added to.
    const base = bias === 0 ? new Float32Array(n) : floats(bias, column, n)
    for (let i = 0; i < m; i++) c.set(base, i * columns)
    multiply(m, n, inner, a, w, c, columns)
  }
  return undefined
}
