/** Softmax along rows of `width`, of scaled and masked numbers. A unit is a row. */
import { exp } from './exp'
import { firstLanes, largestLane, storeFirst, sumOfLanes } from './vectors'

/**
 * One row; `output` may be `input`. `mask` holds a byte for each element, not 0 where it is hidden; 0
 * for no mask. A hidden element becomes the lowest finite number.
 */
export function softmaxRow(input: usize, mask: usize, output: usize, width: i32, scale: f32): void {
  const factor = f32x4.splat(scale)
  // Passes over NaN, which comes back with the sum.
  let largest = f32x4.splat(-Infinity)
  for (let i = 0; i < width; i += 4) {
    const at = (<usize>i) << 2
    let x = f32x4.mul(v128.load(input + at), factor)
    if (mask !== 0) {
      const hidden = i32x4.ne(
        i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(mask + i))),
        i32x4.splat(0),
      )
      x = v128.bitselect(f32x4.splat(-f32.MAX_VALUE), x, hidden)
    }
    storeFirst(output + at, x, width - i)
    const lanes = firstLanes(width - i)
    largest = f32x4.pmax(largest, v128.bitselect(x, f32x4.splat(-Infinity), lanes))
  }
  const shift = f32x4.splat(largestLane(largest))
  let sum = f32x4.splat(0)
  for (let i = 0; i < width; i += 4) {
    const at = (<usize>i) << 2
    const e = exp(f32x4.sub(v128.load(output + at), shift))
    storeFirst(output + at, e, width - i)
    sum = f32x4.add(sum, v128.and(e, firstLanes(width - i)))
  }
  const total = f32x4.splat(sumOfLanes(sum))
  for (let i = 0; i < width; i += 4) {
    const at = (<usize>i) << 2
    storeFirst(output + at, f32x4.div(v128.load(output + at), total), width - i)
  }
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
