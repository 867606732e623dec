/**
 * Attention within each text and head: softmax(query · keyᵀ · scale, mask) · value. A unit is a head of
 * a text. Four queries at a time, one in each lane, from their scores to their probabilities.
 */
import { exp } from './exp'
import { firstLanes, multiplyAdd, storeFirst } from './vectors'

/** The sums of the lanes of four vectors. */
function sumsOfLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7))
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7))
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7))
}

/** The products of four queries with two keys, a vector for each key. */
function scoreKeys(
  q0: usize,
  q1: usize,
  q2: usize,
  q3: usize,
  key: usize,
  nextKey: usize,
  size: i32,
  scores: usize,
): void {
  const zero = f32x4.splat(0)
  let a0 = zero
  let a1 = zero
  let a2 = zero
  let a3 = zero
  let b0 = zero
  let b1 = zero
  let b2 = zero
  let b3 = zero
  const whole = (<usize>(size & ~3)) << 2
  for (let at: usize = 0; at < whole; at += 16) {
    const a = v128.load(key + at)
    const b = v128.load(nextKey + at)
    const x0 = v128.load(q0 + at)
    a0 = multiplyAdd(x0, a, a0)
    b0 = multiplyAdd(x0, b, b0)
    const x1 = v128.load(q1 + at)
    a1 = multiplyAdd(x1, a, a1)
    b1 = multiplyAdd(x1, b, b1)
    const x2 = v128.load(q2 + at)
    a2 = multiplyAdd(x2, a, a2)
    b2 = multiplyAdd(x2, b, b2)
    const x3 = v128.load(q3 + at)
    a3 = multiplyAdd(x3, a, a3)
    b3 = multiplyAdd(x3, b, b3)
  }
  if (size & 3) {
    // The lanes beyond belong to another head, or to nobody; zero times what is there may be NaN.
    const lanes = firstLanes(size & 3)
    const a = v128.and(v128.load(key + whole), lanes)
    const b = v128.and(v128.load(nextKey + whole), lanes)
    const x0 = v128.and(v128.load(q0 + whole), lanes)
    a0 = multiplyAdd(x0, a, a0)
    b0 = multiplyAdd(x0, b, b0)
    const x1 = v128.and(v128.load(q1 + whole), lanes)
    a1 = multiplyAdd(x1, a, a1)
    b1 = multiplyAdd(x1, b, b1)
    const x2 = v128.and(v128.load(q2 + whole), lanes)
    a2 = multiplyAdd(x2, a, a2)
    b2 = multiplyAdd(x2, b, b2)
    const x3 = v128.and(v128.load(q3 + whole), lanes)
    a3 = multiplyAdd(x3, a, a3)
    b3 = multiplyAdd(x3, b, b3)
  }
  v128.store(scores, sumsOfLanes(a0, a1, a2, a3))
  v128.store(scores, sumsOfLanes(b0, b1, b2, b3), 16)
}

/**
 * Scores of `length` keys to probabilities, for each lane. `mask` holds a byte for each key, not 0 where it is
 * hidden, and 0 stands for no mask; a hidden key's score becomes the lowest finite number.
 */
function softmaxOfLanes(scores: usize, mask: usize, length: i32, scale: f32): void {
  const stop = scores + ((<usize>length) << 4)
  const factor = f32x4.splat(scale)
  // Passes over NaN, which comes back with the sum.
  let largest = f32x4.splat(-Infinity)
  for (let at = scores; at < stop; at += 16) {
    let x = f32x4.mul(v128.load(at), factor)
    if (mask !== 0 && load<u8>(mask + ((at - scores) >> 4))) x = f32x4.splat(-f32.MAX_VALUE)
    v128.store(at, x)
    largest = f32x4.pmax(largest, x)
  }
  let sum = f32x4.splat(0)
  for (let at = scores; at < stop; at += 16) {
    const e = exp(f32x4.sub(v128.load(at), largest))
    v128.store(at, e)
    sum = f32x4.add(sum, e)
  }
  for (let at = scores; at < stop; at += 16) v128.store(at, f32x4.div(v128.load(at), sum))
}

/** Up to eight columns of probabilities · values for four queries, of which `rows` are stored. */
function weighValues(
  probabilities: usize,
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
  let from = value
  const stop = probabilities + ((<usize>length) << 4)
  for (let at = probabilities; at < stop; at += 16) {
    const v0 = v128.load(from)
    const v1 = v128.load(from, 16)
    const x0 = v128.load32_splat(at)
    c00 = multiplyAdd(x0, v0, c00)
    c01 = multiplyAdd(x0, v1, c01)
    const x1 = v128.load32_splat(at, 4)
    c10 = multiplyAdd(x1, v0, c10)
    c11 = multiplyAdd(x1, v1, c11)
    const x2 = v128.load32_splat(at, 8)
    c20 = multiplyAdd(x2, v0, c20)
    c21 = multiplyAdd(x2, v1, c21)
    const x3 = v128.load32_splat(at, 12)
    c30 = multiplyAdd(x3, v0, c30)
    c31 = multiplyAdd(x3, v1, c31)
    from += rowBytes
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
 * room for the four scores of `scratchWidth` keys, an even number, for each unit.
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
  for (let unit = begin; unit < end; unit++) {
    const text = unit / heads
    const start = load<i32>(starts + ((<usize>text) << 2))
    const length = load<i32>(starts + ((<usize>text) << 2), 4) - start
    const head = (<usize>(unit % heads) * size) << 2
    const first = <usize>start * rowBytes + head
    const hidden = mask === 0 ? <usize>0 : mask + <usize>start
    const scores = scratch + ((<usize>unit * scratchWidth) << 4)
    for (let row = 0; row < length; row += 4) {
      const rows = min(4, length - row)
      const q0 = query + first + <usize>row * rowBytes
      const q1 = rows > 1 ? q0 + rowBytes : q0
      const q2 = rows > 2 ? q0 + 2 * rowBytes : q0
      const q3 = rows > 3 ? q0 + 3 * rowBytes : q0
      for (let j = 0; j < length; j += 2) {
        const k = key + first + <usize>j * rowBytes
        const next = j + 1 < length ? k + rowBytes : k
        scoreKeys(q0, q1, q2, q3, k, next, size, scores + ((<usize>j) << 4))
      }
      softmaxOfLanes(scores, hidden, length, scale)
      const to = output + first + <usize>row * rowBytes
      for (let column = 0; column < size; column += 8) {
        const at = (<usize>column) << 2
        const width = min(8, size - column)
        weighValues(scores, value + first + at, rowBytes, length, to + at, rows, width)
      }
    }
  }
}
