/** Transposing a matrix, for libraries that multiply columns faster than rows. */
import { storeFirst } from './vectors'

/** Rows of the source that a unit takes: a cache line of the target. */
const band = 16

/**
 * `target` `[columns, rows]` = the transpose of `source` `[rows, columns]`, plus `shift` `[rows]` in each
 * row of the target; 0 for none. A unit is `band` rows of the source.
 */
export function transpose(
  begin: i32,
  end: i32,
  source: usize,
  rows: i32,
  columns: i32,
  shift: usize,
  target: usize,
): void {
  const last = min(end * band, rows)
  for (let first = begin * band; first < last; first += band) {
    const stop = min(first + band, last)
    for (let column = 0; column < columns; column += 4) {
      for (let row = first; row < stop; row += 4) {
        tile(source, rows, columns, shift, target, row, column)
      }
    }
  }
}

/** Four rows and four columns, or what there is of them. */
function tile(
  source: usize,
  rows: i32,
  columns: i32,
  shift: usize,
  target: usize,
  row: i32,
  column: i32,
): void {
  const height = rows - row
  const width = columns - column
  const rowBytes = (<usize>columns) << 2
  const from = source + <usize>row * rowBytes + ((<usize>column) << 2)
  const x0 = v128.load(from)
  const x1 = height > 1 ? v128.load(from + rowBytes) : x0
  const x2 = height > 2 ? v128.load(from + 2 * rowBytes) : x0
  const x3 = height > 3 ? v128.load(from + 3 * rowBytes) : x0
  const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5)
  const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5)
  const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7)
  const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7)
  const base = shift === 0 ? f32x4.splat(0) : v128.load(shift + ((<usize>row) << 2))
  const stride = (<usize>rows) << 2
  const to = target + <usize>column * stride + ((<usize>row) << 2)
  storeFirst(to, f32x4.add(base, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5)), height)
  if (width > 1) {
    const y = v128.shuffle<f32>(low01, low23, 2, 3, 6, 7)
    storeFirst(to + stride, f32x4.add(base, y), height)
  }
  if (width > 2) {
    const y = v128.shuffle<f32>(high01, high23, 0, 1, 4, 5)
    storeFirst(to + 2 * stride, f32x4.add(base, y), height)
  }
  if (width > 3) {
    const y = v128.shuffle<f32>(high01, high23, 2, 3, 6, 7)
    storeFirst(to + 3 * stride, f32x4.add(base, y), height)
  }
}
