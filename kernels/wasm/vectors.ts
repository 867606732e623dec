/** Helpers on four float32 numbers at a time. */

/**
 * The float32 number at `at` plus `offset` bytes in all lanes. V8 needs several instructions for a vector
 * constant, at each use, and one to load it: so those of inner loops lie in memory (`memory.data`).
 */
export function constant(at: usize, offset: usize = 0): v128 {
  return v128.load32_splat(at + offset)
}

/** a · b + c, rounded once where the engine has relaxed SIMD and the CPU a fused instruction. */
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

export function sumOfLanes(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1))
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1)
}

export function sumOfLanes64(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1)
}

/** NaN where one lane is. */
export function largestLane(x: v128): f32 {
  const pairs = f32x4.max(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1))
  return f32x4.extract_lane(f32x4.max(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2)), 0)
}

/** Lanes 0 and 1, and lanes 2 and 3, as float64. */
export function lowAsDoubles(x: v128): v128 {
  return f64x2.promote_low_f32x4(x)
}

export function highAsDoubles(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 0, 1))
}

/** Two pairs of float64, rounded. */
export function fromDoubles(low: v128, high: v128): v128 {
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5)
}

/** All ones in the first `count` lanes (0 to 4), zeros in the others. */
export function firstLanes(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count))
}

/** Stores the first `count` lanes, 4 or more being all. */
export function storeFirst(to: usize, x: v128, count: i32): void {
  if (count >= 4) {
    v128.store(to, x)
    return
  }
  if (count > 0) v128.store_lane<f32>(to, x, 0)
  if (count > 1) v128.store_lane<f32>(to, x, 1, 4)
  if (count > 2) v128.store_lane<f32>(to, x, 2, 8)
}
