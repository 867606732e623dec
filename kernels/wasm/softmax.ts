/** Softmax along rows of `width`, of scaled and masked numbers. A unit is a row. */
import { exp } from './exp'
import { firstLanes, largestLane, storeFirst, sumOfLanes } from './vectors'

/** Four scaled numbers of a row from element `i` on, or the lowest finite number where one is hidden. */
function scaled(input: usize, mask: usize, i: i32, factor: v128): v128 {
  const x = f32x4.mul(v128.load(input + ((<usize>i) << 2)), factor)
  if (mask === 0) return x
  const hidden = i32x4.ne(
    i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(mask + i))),
    i32x4.splat(0),
  )
  return v128.bitselect(f32x4.splat(-f32.MAX_VALUE), x, hidden)
}

/**
 * One row; `output` may be `input`. `mask` holds a byte for each element, not 0 where it is hidden; 0
 * for no mask. A hidden element becomes the lowest finite number.
 */
export function softmaxRow(input: usize, mask: usize, output: usize, width: i32, scale: f32): void {
  const factor = f32x4.splat(scale)
  const whole = width & ~3
  const rest = width - whole
  const last = output + ((<usize>whole) << 2)
  const lanes = firstLanes(rest)
  const lowest = f32x4.splat(-Infinity)
  // Passes over NaN, which comes back with the sum.
  let largest = lowest
  for (let i = 0; i < whole; i += 4) {
    const x = scaled(input, mask, i, factor)
    v128.store(output + ((<usize>i) << 2), x)
    largest = f32x4.pmax(largest, x)
  }
  if (rest > 0) {
    const x = scaled(input, mask, whole, factor)
    storeFirst(last, x, rest)
    largest = f32x4.pmax(largest, v128.bitselect(x, lowest, lanes))
  }
  const shift = f32x4.splat(largestLane(largest))
  let sum = f32x4.splat(0)
  for (let at = output; at < last; at += 16) {
    const e = exp(f32x4.sub(v128.load(at), shift))
    v128.store(at, e)
    sum = f32x4.add(sum, e)
  }
  if (rest > 0) {
    const e = exp(f32x4.sub(v128.load(last), shift))
    storeFirst(last, e, rest)
    sum = f32x4.add(sum, v128.and(e, lanes))
  }
  const total = f32x4.splat(sumOfLanes(sum))
  for (let at = output; at < last; at += 16) v128.store(at, f32x4.div(v128.load(at), total))
  if (rest > 0) storeFirst(last, f32x4.div(v128.load(last), total), rest)
}

export function softmax(
  begin: i32,
  end: i32,
  input: usize,
  mask: usize,
  output: usize,
  width: i32,
  scale: f32,
): void {
  for (let row = begin; row < end; row++) {
    const first = <usize>row * width
    const hidden = mask === 0 ? <usize>0 : mask + first
    softmaxRow(input + (first << 2), hidden, output + (first << 2), width, scale)
  }
}
