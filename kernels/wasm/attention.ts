/**
 * Attention within each text and head: softmax(query · keyᵀ · scale, mask) · value. A unit is a head of
 * a text. Four queries at a time, so that keys and values are read a quarter as often.
 */
import { softmaxRow } from './softmax'
import { multiplyAdd, storeFirst, sumOfLanes } from './vectors'

/** The products of four queries with one key: score r goes to `scores` + r · rowBytes. */
function scoreKey(
  q0: usize,
  q1: usize,
  q2: usize,
  q3: usize,
  key: usize,
  size: i32,
  scores: usize,
  rowBytes: usize,
): void {
  let s0 = f32x4.splat(0)
  let s1 = f32x4.splat(0)
  let s2 = f32x4.splat(0)
  let s3 = f32x4.splat(0)
  const whole = (<usize>(size & ~3)) << 2
  for (let at: usize = 0; at < whole; at += 16) {
    const k = v128.load(key + at)
    s0 = multiplyAdd(v128.load(q0 + at), k, s0)
    s1 = multiplyAdd(v128.load(q1 + at), k, s1)
    s2 = multiplyAdd(v128.load(q2 + at), k, s2)
    s3 = multiplyAdd(v128.load(q3 + at), k, s3)
  }
  let t0 = sumOfLanes(s0)
  let t1 = sumOfLanes(s1)
  let t2 = sumOfLanes(s2)
  let t3 = sumOfLanes(s3)
  for (let at = whole; at < (<usize>size) << 2; at += 4) {
    const k = load<f32>(key + at)
    t0 += load<f32>(q0 + at) * k
    t1 += load<f32>(q1 + at) * k
    t2 += load<f32>(q2 + at) * k
    t3 += load<f32>(q3 + at) * k
  }
  store<f32>(scores, t0)
  store<f32>(scores + rowBytes, t1)
  store<f32>(scores + 2 * rowBytes, t2)
  store<f32>(scores + 3 * rowBytes, t3)
}

/** Up to eight columns of probabilities · values for four queries, of which `rows` are stored. */
function weighValues(
  probabilities: usize,
  probabilityBytes: usize,
  value: usize,
  rowBytes: usize,
  length: i32,
  output: usize,
  rows: i32,
  columns: i32,
): void {
  let c00 = f32x4.splat(0)
  let c01 = c00
  let c10 = c00
  let c11 = c00
  let c20 = c00
  let c21 = c00
  let c30 = c00
  let c31 = c00
  let p0 = probabilities
  let p1 = p0 + probabilityBytes
  let p2 = p1 + probabilityBytes
  let p3 = p2 + probabilityBytes
  let from = value
  for (let j = 0; j < length; j++) {
    const v0 = v128.load(from)
    const v1 = v128.load(from, 16)
    const x0 = v128.load32_splat(p0)
    c00 = multiplyAdd(x0, v0, c00)
    c01 = multiplyAdd(x0, v1, c01)
    const x1 = v128.load32_splat(p1)
    c10 = multiplyAdd(x1, v0, c10)
    c11 = multiplyAdd(x1, v1, c11)
    const x2 = v128.load32_splat(p2)
    c20 = multiplyAdd(x2, v0, c20)
    c21 = multiplyAdd(x2, v1, c21)
    const x3 = v128.load32_splat(p3)
    c30 = multiplyAdd(x3, v0, c30)
    c31 = multiplyAdd(x3, v1, c31)
    from += rowBytes
    p0 += 4
    p1 += 4
    p2 += 4
    p3 += 4
  }
  storeColumns(output, c00, c01, columns)
  if (rows > 1) storeColumns(output + rowBytes, c10, c11, columns)
  if (rows > 2) storeColumns(output + 2 * rowBytes, c20, c21, columns)
  if (rows > 3) storeColumns(output + 3 * rowBytes, c30, c31, columns)
}

function storeColumns(to: usize, left: v128, right: v128, columns: i32): void {
  storeFirst(to, left, columns)
  storeFirst(to + 16, right, columns - 4)
}

/**
 * `query`, `key`, `value` and `output` are `[rows, heads · size]`. Text t has rows starts[t] to
 * starts[t + 1] (int32). `mask` is 0, or `[texts, length]` bytes for texts of one length. `scratch` has
 * room for four rows of `scratchWidth` numbers for each unit.
 */
export function attention(
  begin: i32,
  end: i32,
  query: usize,
  key: usize,
  value: usize,
  mask: usize,
  starts: usize,
  output: usize,
  scratch: usize,
  scratchWidth: i32,
  heads: i32,
  size: i32,
  scale: f32,
): void {
  const rowBytes = (<usize>(heads * size)) << 2
  const scoreBytes = (<usize>scratchWidth) << 2
  for (let unit = begin; unit < end; unit++) {
    const text = unit / heads
    const start = load<i32>(starts + ((<usize>text) << 2))
    const length = load<i32>(starts + ((<usize>text) << 2), 4) - start
    const head = (<usize>(unit % heads) * size) << 2
    const first = <usize>start * rowBytes + head
    const hidden = mask === 0 ? <usize>0 : mask + <usize>start
    const scores = scratch + <usize>unit * 4 * scoreBytes
    for (let row = 0; row < length; row += 4) {
      const rows = min(4, length - row)
      const q0 = query + first + <usize>row * rowBytes
      const q1 = rows > 1 ? q0 + rowBytes : q0
      const q2 = rows > 2 ? q0 + 2 * rowBytes : q0
      const q3 = rows > 3 ? q0 + 3 * rowBytes : q0
      for (let j = 0; j < length; j++) {
        const k = key + first + <usize>j * rowBytes
        scoreKey(q0, q1, q2, q3, k, size, scores + ((<usize>j) << 2), scoreBytes)
      }
      for (let r = 0; r < 4; r++) {
        const at = scores + <usize>r * scoreBytes
        softmaxRow(at, hidden, at, length, scale)
      }
      const to = output + first + <usize>row * rowBytes
      for (let column = 0; column < size; column += 8) {
        const at = (<usize>column) << 2
        const width = min(8, size - column)
        weighValues(scores, scoreBytes, value + first + at, rowBytes, length, to + at, rows, width)
      }
    }
  }
}
