/**
 * Matrix products: C[i, j] = bias[j] + Σₖ A[i, k] · B[j, k], with B packed.
 *
 * B is packed into panels of eight columns (packing.ts), so that the inner loop reads it in order, once for
 * every four rows of A, which it reads in place. Four rows and eight columns are what fits V8's 15 vector
 * registers: it computes as late as it can, so that all six operands of a step are loaded before the
 * first of its eight products (6 × 8 would spill).
 *
 * Every element is summed in the order of k, whatever its row, its unit and the number of rows, so that
 * a text's result does not depend on the batch it is in.
 */
import { multiplyAdd, storeFirst } from './vectors'

/** Columns of a panel; also in src/backends/cpu/launch.ts. */
const panelWidth: i32 = 8

/**
 * Steps of k that are summed by themselves before they are added to C. A panel's part, 8 KiB, stays in
 * the first-level cache, and rounding errors grow with the number of parts and of steps in one, not with
 * their product.
 */
const depth: i32 = 256

/**
 * `rows` (1 to 4) rows and `columns` (1 to 8) columns of the sum over `inner` steps of k. It is added to
 * what `base` has, rows `baseRowBytes` apart, where that is not 0. Rows that are not there are computed as
 * repetitions of the first and not stored.
 */
function tile(
  a: usize,
  rowBytes: usize,
  panel: usize,
  inner: i32,
  base: usize,
  baseRowBytes: usize,
  c: usize,
  outputRowBytes: usize,
  rows: i32,
  columns: i32,
): void {
  let a0 = a
  let a1 = rows > 1 ? a + rowBytes : a
  let a2 = rows > 2 ? a + 2 * rowBytes : a
  let a3 = rows > 3 ? a + 3 * rowBytes : a
  let c00 = f32x4.splat(0)
  let c01 = c00
  let c10 = c00
  let c11 = c00
  let c20 = c00
  let c21 = c00
  let c30 = c00
  let c31 = c00
  const end = panel + ((<usize>inner * panelWidth) << 2)
  for (let b = panel; b < end; b += panelWidth << 2) {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    const x0 = v128.load32_splat(a0)
    c00 = multiplyAdd(x0, b0, c00)
    c01 = multiplyAdd(x0, b1, c01)
    const x1 = v128.load32_splat(a1)
    c10 = multiplyAdd(x1, b0, c10)
    c11 = multiplyAdd(x1, b1, c11)
    const x2 = v128.load32_splat(a2)
    c20 = multiplyAdd(x2, b0, c20)
    c21 = multiplyAdd(x2, b1, c21)
    const x3 = v128.load32_splat(a3)
    c30 = multiplyAdd(x3, b0, c30)
    c31 = multiplyAdd(x3, b1, c31)
    a0 += 4
    a1 += 4
    a2 += 4
    a3 += 4
  }
  storeRow(c, base, c00, c01, columns)
  if (rows > 1) storeRow(c + outputRowBytes, base + baseRowBytes, c10, c11, columns)
  if (rows > 2) storeRow(c + 2 * outputRowBytes, base + 2 * baseRowBytes, c20, c21, columns)
  if (rows > 3) storeRow(c + 3 * outputRowBytes, base + 3 * baseRowBytes, c30, c31, columns)
}

function storeRow(c: usize, base: usize, left: v128, right: v128, columns: i32): void {
  storeFirst(c, base === 0 ? left : f32x4.add(v128.load(base), left), columns)
  storeFirst(c + 16, base === 0 ? right : f32x4.add(v128.load(base, 16), right), columns - 4)
}

/**
 * A unit is a panel of a block of rows; panels count fastest. `a` is `[rows, inner]` with rows
 * `rowStride` elements apart, `packed` as packColumns leaves it, `bias` `[columns]` or 0, `output`
 * `[rows, columns]`.
 */
export function matmul(
  begin: i32,
  end: i32,
  a: usize,
  rowStride: i32,
  packed: usize,
  bias: usize,
  output: usize,
  rows: i32,
  columns: i32,
  inner: i32,
  rowsOfBlock: i32,
): void {
  const panels = (columns + panelWidth - 1) / panelWidth
  const rowBytes = (<usize>rowStride) << 2
  const outputRowBytes = (<usize>columns) << 2
  for (let unit = begin; unit < end; unit++) {
    const column = (unit % panels) * panelWidth
    const width = min(panelWidth, columns - column)
    const firstRow = (unit / panels) * rowsOfBlock
    const lastRow = min(firstRow + rowsOfBlock, rows)
    const panel = packed + ((<usize>column * inner) << 2)
    const panelBias = bias === 0 ? <usize>0 : bias + ((<usize>column) << 2)
    // Once also where there is nothing to sum.
    for (let k = 0; k === 0 || k < inner; k += depth) {
      const part = panel + ((<usize>k * panelWidth) << 2)
      const steps = min(depth, inner - k)
      for (let row = firstRow; row < lastRow; row += 4) {
        const from = a + <usize>row * rowBytes + ((<usize>k) << 2)
        const to = output + <usize>row * outputRowBytes + ((<usize>column) << 2)
        const count = min(4, lastRow - row)
        const base = k > 0 ? to : panelBias
        const baseRowBytes = k > 0 ? outputRowBytes : 0
        tile(from, rowBytes, part, steps, base, baseRowBytes, to, outputRowBytes, count, width)
      }
    }
  }
}

/**
 * Adds `bias` `[width]` to rows of `target` `[…, width]`, which are `rowStride` elements apart: what libraries do
 * not do to their products. Added last, it costs one rounding; as what the sum begins with, it would cost more
 * at each of its steps. A unit is a row.
 */
export function addBias(
  begin: i32,
  end: i32,
  target: usize,
  rowStride: i32,
  bias: usize,
  width: i32,
): void {
  for (let row = begin; row < end; row++) {
    const to = target + ((<usize>row * rowStride) << 2)
    let j = 0
    // A cache line at a time.
    for (; j <= width - 16; j += 16) {
      const at = (<usize>j) << 2
      v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(bias + at)))
      v128.store(to + at, f32x4.add(v128.load(to + at, 16), v128.load(bias + at, 16)), 16)
      v128.store(to + at, f32x4.add(v128.load(to + at, 32), v128.load(bias + at, 32)), 32)
      v128.store(to + at, f32x4.add(v128.load(to + at, 48), v128.load(bias + at, 48)), 48)
    }
    for (; j < width; j += 4) {
      const at = (<usize>j) << 2
      storeFirst(to + at, f32x4.add(v128.load(to + at), v128.load(bias + at)), width - j)
    }
  }
}
