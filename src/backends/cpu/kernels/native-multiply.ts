/** The worker's side of `native-product.ts`. */
import { type Multiply, panelWidth } from '../native-blas.ts'
import type { MultiplyBfloat16 } from '../onednn-matmul.ts'

/** `addBias` of the kernels. */
export type AddBias = (
  begin: number,
  end: number,
  target: number,
  rowStride: number,
  bias: number,
  width: number,
) => void

/** A part of a product, where the elements of its operands begin, counted from where the operands do. */
interface Part {
  readonly m: number
  readonly n: number
  readonly a: number
  readonly b: number
  readonly ldb: number
  readonly bias: number
  readonly c: number
}

/** Addresses of `left`, `packed`, `bias` (0 for none) and `output`; rows, columns, inner; height, width of a part. */
type Arguments = [
  ...[number, number, number, number],
  ...[number, number, number],
  ...[number, number],
]

/**
 * Parts `begin` … `end` − 1 of `output` `[rows, columns]` = `left` `[rows, inner]` · Wᵀ + `bias` `[columns]`,
 * with W `[columns, inner]` packed into panels. A part is `height` rows and `width` columns, of one
 * panel; those of columns count fastest.
 */
function* partsOf(begin: number, end: number, args: Arguments): Generator<Part> {
  const [, , , , rows, columns, inner, height, width] = args
  const across = Math.ceil(columns / width)
  for (let part = begin; part < end; part++) {
    const row = Math.floor(part / across) * height
    const column = (part % across) * width
    const panel = column - (column % panelWidth)
    yield {
      m: Math.min(height, rows - row),
      n: Math.min(width, columns - column),
      a: row * inner,
      b: panel * inner + column - panel,
      ldb: Math.min(panelWidth, Math.ceil((columns - panel) / 8) * 8),
      bias: column,
      c: row * columns + column,
    }
  }
}

/** All operands are float32. */
export function nativeMultiply(
  multiply: Multiply,
  addBias: AddBias,
  memory: ArrayBufferLike,
  begin: number,
  end: number,
  ...args: readonly number[]
): undefined {
  const [left, packed, bias, output, , columns, k] = args as Arguments
  const floats = (address: number, first: number, length: number): Float32Array =>
    new Float32Array(memory, address + 4 * first, length)
  for (const { m, n, ldb, ...at } of partsOf(begin, end, args as Arguments)) {
    const a = floats(left, at.a, m * k)
    const b = floats(packed, at.b, (k - 1) * ldb + n)
    const c = floats(output, at.c, (m - 1) * columns + n)
    multiply({ m, n, k, a, lda: k, b, ldb, c, ldc: columns })
    if (bias !== 0) addBias(0, m, c.byteOffset, columns, bias + 4 * at.bias, n)
  }
  return undefined
}

/** All operands are bfloat16. */
export function nativeMultiplyBfloat16(
  multiply: MultiplyBfloat16,
  memory: ArrayBufferLike,
  begin: number,
  end: number,
  ...args: readonly number[]
): undefined {
  const [left, packed, bias, output, , columns, k] = args as Arguments
  const bits = (address: number, first: number, length: number): Uint16Array =>
    new Uint16Array(memory, address + 2 * first, length)
  for (const { m, n, ldb, ...at } of partsOf(begin, end, args as Arguments)) {
    multiply({
      ...{ m, n, k, ldb, ldc: columns },
      a: bits(left, at.a, m * k),
      b: bits(packed, at.b, (k - 1) * ldb + n),
      bias: bias === 0 ? undefined : bits(bias, at.bias, n),
      c: bits(output, at.c, (m - 1) * columns + n),
    })
  }
  return undefined
}
