/**
 * Layer norm along rows of `width`, with and without a residual. A unit is a row.
 *
 * Elements are float32. What is subtracted first is the mean as float32 sums give it; the differences,
 * exact or nearly so, tell how far off it is, which corrects mean and variance. Rows for which that
 * is not enough are computed in float64: almost constant ones, and sums outside the range of float32.
 */
import {
  firstLanes,
  highAsDoubles,
  lowAsDoubles,
  multiplyAdd,
  storeFirst,
  sumOfLanes64,
} from './vectors'

/** Four elements of a row, or of the sum of two. */
function elements(input: usize, residual: usize, at: usize): v128 {
  const x = v128.load(input + at)
  return residual === 0 ? x : f32x4.add(x, v128.load(residual + at))
}

/** What the correction may take from the mean square: a thousandth of it costs its rounding nothing. */
const mostCorrected: f64 = 0.001

/** Squares of float32 lose digits below 1e-31. */
const leastSquare: f64 = 1e-30

function sum(x: v128): f64 {
  return sumOfLanes64(f64x2.add(lowAsDoubles(x), highAsDoubles(x)))
}

function normalizeRow(
  input: usize,
  residual: usize,
  weight: usize,
  bias: usize,
  output: usize,
  width: i32,
  eps: f64,
): void {
  const whole = (<usize>(width & ~3)) << 2
  const rest = width & 3
  const lanes = firstLanes(rest)
  const zero = f32x4.splat(0)

  let total = zero
  for (let at: usize = 0; at < whole; at += 16) {
    const x = elements(input, residual, at)
    v128.store(output + at, x)
    total = f32x4.add(total, x)
  }
  if (rest > 0) {
    const x = elements(input, residual, whole)
    storeFirst(output + whole, x, rest)
    total = f32x4.add(total, v128.and(x, lanes))
  }
  const center = f32x4.splat(<f32>(sum(total) / <f64>width))

  total = zero
  let squares = zero
  for (let at: usize = 0; at < whole; at += 16) {
    const d = f32x4.sub(v128.load(output + at), center)
    v128.store(output + at, d)
    total = f32x4.add(total, d)
    squares = multiplyAdd(d, d, squares)
  }
  if (rest > 0) {
    const d = f32x4.sub(v128.load(output + whole), center)
    storeFirst(output + whole, d, rest)
    const own = v128.and(d, lanes)
    total = f32x4.add(total, own)
    squares = multiplyAdd(own, own, squares)
  }
  const shift = sum(total) / <f64>width
  const square = sum(squares) / <f64>width
  const isOutside = !(square < Infinity) || square + eps < leastSquare
  if (isOutside || shift * shift > mostCorrected * square) {
    normalizeRowOfDoubles(input, residual, weight, bias, output, width, eps)
    return
  }
  const variance = square - shift * shift
  const factor = f32x4.splat(<f32>(1 / Math.sqrt(variance + eps)))
  const offset = f32x4.splat(<f32>shift)

  for (let at: usize = 0; at < whole; at += 16) {
    const normal = f32x4.mul(f32x4.sub(v128.load(output + at), offset), factor)
    v128.store(output + at, multiplyAdd(normal, v128.load(weight + at), v128.load(bias + at)))
  }
  if (rest > 0) {
    const normal = f32x4.mul(f32x4.sub(v128.load(output + whole), offset), factor)
    const y = multiplyAdd(normal, v128.load(weight + whole), v128.load(bias + whole))
    storeFirst(output + whole, y, rest)
  }
}

function elementOf(input: usize, residual: usize, at: usize): f64 {
  const own = <f64>load<f32>(input + at)
  return residual === 0 ? own : own + <f64>load<f32>(residual + at)
}

function normalizeRowOfDoubles(
  input: usize,
  residual: usize,
  weight: usize,
  bias: usize,
  output: usize,
  width: i32,
  eps: f64,
): void {
  const stop = (<usize>width) << 2
  let total: f64 = 0
  for (let at: usize = 0; at < stop; at += 4) total += elementOf(input, residual, at)
  const mean = total / <f64>width
  let squares: f64 = 0
  for (let at: usize = 0; at < stop; at += 4) {
    const distance = elementOf(input, residual, at) - mean
    squares += distance * distance
  }
  const factor = 1 / Math.sqrt(squares / <f64>width + eps)
  for (let at: usize = 0; at < stop; at += 4) {
    const normal = (elementOf(input, residual, at) - mean) * factor
    store<f32>(output + at, <f32>(normal * <f64>load<f32>(weight + at) + <f64>load<f32>(bias + at)))
  }
}

export function layerNorm(
  begin: i32,
  end: i32,
  input: usize,
  weight: usize,
  bias: usize,
  output: usize,
  width: i32,
  eps: f64,
): void {
  for (let row = begin; row < end; row++) {
    const at = (<usize>row * width) << 2
    normalizeRow(input + at, 0, weight, bias, output + at, width, eps)
  }
}

export function addLayerNorm(
  begin: i32,
  end: i32,
  input: usize,
  residual: usize,
  weight: usize,
  bias: usize,
  output: usize,
  width: i32,
  eps: f64,
): void {
  for (let row = begin; row < end; row++) {
    const at = (<usize>row * width) << 2
    normalizeRow(input + at, residual + at, weight, bias, output + at, width, eps)
  }
}
