/**
 * Packing a matrix B `[columns, inner]` for products A · Bᵀ, and the reverse.
 *
 * Packed, B is cut into panels of `width` columns, a multiple of 8, in each of which k runs slowest, so
 * that a product reads a panel in order. The last panel is as wide as it has to be, in multiples of 8; columns
 * that are not there are 0.
 */

/** Columns of a unit. */
const band: i32 = 8

/** Where column `column` of a packed matrix begins. */
function placeOf(packed: usize, column: i32, inner: i32, width: i32): usize {
  const first = (column / width) * width
  return packed + ((<usize>first * inner + <usize>(column - first)) << 2)
}

/** Bytes from one k to the next in the panel of a column. */
function stepOf(column: i32, columns: i32, width: i32): usize {
  const first = (column / width) * width
  const left = (columns - first + band - 1) & -band
  return (<usize>min(width, left)) << 2
}

/**
 * Packs B. Element (column, k) of `source` is `column` · columnStride + k · innerStride elements from its
 * beginning.
 */
export function packColumns(
  begin: i32,
  end: i32,
  source: usize,
  columnStride: i32,
  innerStride: i32,
  columns: i32,
  inner: i32,
  width: i32,
  packed: usize,
): void {
  for (let unit = begin; unit < end; unit++) {
    const column = unit * band
    const from = source + ((<usize>column * columnStride) << 2)
    const step = stepOf(column, columns, width)
    let to = placeOf(packed, column, inner, width)
    const count = min(band, columns - column)
    let k = 0
    if (innerStride === 1 && count === band) {
      const row = (<usize>columnStride) << 2
      for (; k + 4 <= inner; k += 4) {
        const at = from + ((<usize>k) << 2)
        transpose(at, row, to, step)
        transpose(at + 4 * row, row, to + 16, step)
        to += 4 * step
      }
    }
    for (; k < inner; k++) {
      const at = from + ((<usize>k * innerStride) << 2)
      for (let j = 0; j < band; j++) {
        const value = j < count ? load<f32>(at + ((<usize>j * columnStride) << 2)) : 0
        store<f32>(to + ((<usize>j) << 2), value)
      }
      to += step
    }
  }
}

/** The reverse of packColumns, to a dense `[columns, inner]`. */
export function unpackColumns(
  begin: i32,
  end: i32,
  packed: usize,
  columns: i32,
  inner: i32,
  width: i32,
  target: usize,
): void {
  for (let unit = begin; unit < end; unit++) {
    const column = unit * band
    const step = stepOf(column, columns, width)
    const from = placeOf(packed, column, inner, width)
    const count = min(band, columns - column)
    const row = (<usize>inner) << 2
    const to = target + <usize>column * row
    let k = 0
    if (count === band) {
      for (; k + 4 <= inner; k += 4) {
        const at = from + <usize>k * step
        transpose(at, step, to + ((<usize>k) << 2), row)
        transpose(at + 16, step, to + 4 * row + ((<usize>k) << 2), row)
      }
    }
    for (; k < inner; k++) {
      for (let j = 0; j < count; j++) {
        const value = load<f32>(from + <usize>k * step + ((<usize>j) << 2))
        store<f32>(to + <usize>j * row + ((<usize>k) << 2), value)
      }
    }
  }
}

/** Four elements of each of four rows, `row` bytes apart, become four rows `step` bytes apart. */
function transpose(from: usize, row: usize, to: usize, step: usize): void {
  const x0 = v128.load(from)
  const x1 = v128.load(from + row)
  const x2 = v128.load(from + 2 * row)
  const x3 = v128.load(from + 3 * row)
  const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5)
  const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5)
  const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7)
  const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5))
  v128.store(to + step, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7))
  v128.store(to + 2 * step, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5))
  v128.store(to + 3 * step, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7))
}
