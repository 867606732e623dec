/** GELU in its three forms. A unit is a block of elements. */
import { block } from './elementwise'
import { expOfDoubles, gaussian } from './exp'
import { constant, highAsDoubles, lowAsDoubles, multiplyAdd } from './vectors'

/** The coefficients of p, from the highest power down. */
const tail = memory.data<f32>([
  -6.20120336e-5, -0.000225589189, -4.97256678e-7, 0.00126221671, 0.00128441793, -0.00604693079,
  -0.00869989116, 0.0460628048, -0.0377166532, -0.0915874764, 0.494659662,
])
const centerOfQ = memory.data<f32>([2.5])
const one = memory.data<f32>([1])
/** Beyond it the tail is zero in float32. */
const farthest = memory.data<f32>([15])

/**
 * The part of the normal distribution above t ≥ 0 is ½ erfc(t/√2) = exp(−t²/2) · p(q) / (1 + t), where
 * q = (t − 2.5) / (t + 2.5) brings all of 0 ≤ t ≤ 15 between −1 and 1 (fit-coefficients.py). This is it
 * without the first factor, which has to come last: the product is subnormal before the result is.
 */
function tailOverGaussian(t: v128): v128 {
  const center = constant(centerOfQ)
  const q = f32x4.div(f32x4.sub(t, center), f32x4.add(t, center))
  let sum = constant(tail)
  sum = multiplyAdd(sum, q, constant(tail, 4))
  sum = multiplyAdd(sum, q, constant(tail, 8))
  sum = multiplyAdd(sum, q, constant(tail, 12))
  sum = multiplyAdd(sum, q, constant(tail, 16))
  sum = multiplyAdd(sum, q, constant(tail, 20))
  sum = multiplyAdd(sum, q, constant(tail, 24))
  sum = multiplyAdd(sum, q, constant(tail, 28))
  sum = multiplyAdd(sum, q, constant(tail, 32))
  sum = multiplyAdd(sum, q, constant(tail, 36))
  sum = multiplyAdd(sum, q, constant(tail, 40))
  return f32x4.div(sum, f32x4.add(t, constant(one)))
}

/**
 * x · Φ(x), for x < 0 as the product with a tail, so that nothing cancels, else as x less that product.
 * −∞ · 0 is NaN, as the definition has it.
 */
function geluOf(x: v128): v128 {
  const isNegative = f32x4.lt(x, f32x4.splat(0))
  const t = f32x4.pmin(f32x4.abs(x), constant(farthest))
  const factor = v128.bitselect(x, t, isNegative)
  const product = f32x4.mul(f32x4.mul(factor, tailOverGaussian(t)), gaussian(t))
  return v128.bitselect(product, f32x4.sub(x, product), isNegative)
}

/** −|2u| for two numbers, u = √(2/π) · (x + 0.044715 x³). */
function exponent(x: v128): v128 {
  const cubic = f64x2.mul(f64x2.mul(f64x2.mul(x, x), x), f64x2.splat(0.044715))
  return f64x2.neg(f64x2.abs(f64x2.mul(f64x2.add(x, cubic), f64x2.splat(1.5957691216057308))))
}

/** x / (1 + e^−s) for an s of the sign of x, given e = e^−|s|, which does not overflow. */
function timesLogistic(x: v128, e: v128): v128 {
  const whole = constant(one)
  const numerator = v128.bitselect(e, whole, f32x4.lt(x, f32x4.splat(0)))
  return f32x4.mul(x, f32x4.div(numerator, f32x4.add(whole, e)))
}

/** x/2 · (1 + tanh u) = x / (1 + e^−2u). */
function geluTanhOf(x: v128): v128 {
  const e = expOfDoubles(exponent(lowAsDoubles(x)), exponent(highAsDoubles(x)))
  return timesLogistic(x, e)
}

/** −|1.702 x| for two numbers. */
function coarseExponent(x: v128): v128 {
  return f64x2.neg(f64x2.abs(f64x2.mul(x, f64x2.splat(1.702))))
}

/** x / (1 + e^−1.702x). */
function geluSigmoidOf(x: v128): v128 {
  const e = expOfDoubles(coarseExponent(lowAsDoubles(x)), coarseExponent(highAsDoubles(x)))
  return timesLogistic(x, e)
}

export function gelu(begin: i32, end: i32, input: usize, output: usize, count: i32): void {
  const stop = min(end * block, count)
  for (let i = begin * block; i < stop; i += 4) {
    const at = (<usize>i) << 2
    v128.store(output + at, geluOf(v128.load(input + at)))
  }
}

export function geluTanh(begin: i32, end: i32, input: usize, output: usize, count: i32): void {
  const stop = min(end * block, count)
  for (let i = begin * block; i < stop; i += 4) {
    const at = (<usize>i) << 2
    v128.store(output + at, geluTanhOf(v128.load(input + at)))
  }
}

export function geluSigmoid(begin: i32, end: i32, input: usize, output: usize, count: i32): void {
  const stop = min(end * block, count)
  for (let i = begin * block; i < stop; i += 4) {
    const at = (<usize>i) << 2
    v128.store(output + at, geluSigmoidOf(v128.load(input + at)))
  }
}
