/**
 * Layer norm along rows of `width`, with and without a residual. A unit is a row.
 *
 * Sums, mean and variance are float64, and each element is rounded once: the sum of input and residual
 * is not rounded in between. That costs about a hundredth of a forward.
 */
import { fromDoubles, highAsDoubles, lowAsDoubles, sumOfLanes64 } from './vectors'

/** Elements `at` … `at` + 3 of a row, or of the sum of two; `half` chooses two of the four. */
function pair(x: v128, residual: usize, at: usize, high: bool): v128 {
  const own = high ? highAsDoubles(x) : lowAsDoubles(x)
  if (residual === 0) return own
  const other = v128.load(residual + at)
  return f64x2.add(own, high ? highAsDoubles(other) : lowAsDoubles(other))
}

function element(input: usize, residual: usize, at: usize): f64 {
  const own = <f64>load<f32>(input + at)
  return residual === 0 ? own : own + <f64>load<f32>(residual + at)
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
  const stop = (<usize>width) << 2
  let low = f64x2.splat(0)
  let high = f64x2.splat(0)
  for (let at: usize = 0; at < whole; at += 16) {
    const x = v128.load(input + at)
    low = f64x2.add(low, pair(x, residual, at, false))
    high = f64x2.add(high, pair(x, residual, at, true))
  }
  let sum = sumOfLanes64(f64x2.add(low, high))
  for (let at = whole; at < stop; at += 4) sum += element(input, residual, at)
  const mean = sum / <f64>width
  const center = f64x2.splat(mean)

  low = f64x2.splat(0)
  high = f64x2.splat(0)
  for (let at: usize = 0; at < whole; at += 16) {
    const x = v128.load(input + at)
    const a = f64x2.sub(pair(x, residual, at, false), center)
    const b = f64x2.sub(pair(x, residual, at, true), center)
    low = f64x2.add(low, f64x2.mul(a, a))
    high = f64x2.add(high, f64x2.mul(b, b))
  }
  let squares = sumOfLanes64(f64x2.add(low, high))
  for (let at = whole; at < stop; at += 4) {
    const distance = element(input, residual, at) - mean
    squares += distance * distance
  }
  const factor = 1 / Math.sqrt(squares / <f64>width + eps)
  const factors = f64x2.splat(factor)

  for (let at: usize = 0; at < whole; at += 16) {
    const x = v128.load(input + at)
    const gain = v128.load(weight + at)
    const shift = v128.load(bias + at)
    const a = f64x2.mul(f64x2.sub(pair(x, residual, at, false), center), factors)
    const b = f64x2.mul(f64x2.sub(pair(x, residual, at, true), center), factors)
    v128.store(
      output + at,
      fromDoubles(
        f64x2.add(f64x2.mul(a, lowAsDoubles(gain)), lowAsDoubles(shift)),
        f64x2.add(f64x2.mul(b, highAsDoubles(gain)), highAsDoubles(shift)),
      ),
    )
  }
  for (let at = whole; at < stop; at += 4) {
    const normal = (element(input, residual, at) - mean) * factor
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
