/** GELU in its three forms. A unit is a block of elements. */
import { block } from './elementwise'
import { expOfDoubles, gaussian } from './exp'
import { constant, highAsDoubles, lowAsDoubles, multiplyAdd } from './vectors'

const zero = memory.data<f32>([0])
const half = memory.data<f32>([0.5])
const one = memory.data<f32>([1])
const two = memory.data<f32>([2])

/** Between −near and near is nearly every element of a network. */
const near = memory.data<f32>([4.5])

/** The coefficients of r, from the highest power down. */
const root = memory.data<f32>([
  1.07106128e-8, -1.58725612e-7, 1.26982411e-6, -4.62687649e-6, 1.56169408e-5, 6.73965269e-6,
  0.000270359684, 0.00081338943, 0.00869137421, 0.0447588861, 0.0997358263,
])

/**
 * x · Φ(x) where |x| = t < 4.5: erfc(t/√2) = r(t)⁻⁸ with a polynomial r (fit-coefficients.py), and
 * x · Φ(x) = max(x, 0) − ½ t · erfc(t/√2), in which nothing cancels. r(0) = 1, and r⁸ is computed less one,
 * by (1 + z)² − 1 = z · (z + 2): rounding r would cost eight times as much where t is small.
 *
 * Two vectors at a time, x with |x| = s and y with |y| = t, so that a constant is loaded half as often.
 */
function storeGeluOfNear(output: usize, x: v128, y: v128, s: v128, t: v128): void {
  let c = constant(root)
  let a = c
  let b = c
  c = constant(root, 4)
  a = multiplyAdd(a, s, c)
  b = multiplyAdd(b, t, c)
  c = constant(root, 8)
  a = multiplyAdd(a, s, c)
  b = multiplyAdd(b, t, c)
  c = constant(root, 12)
  a = multiplyAdd(a, s, c)
  b = multiplyAdd(b, t, c)
  c = constant(root, 16)
  a = multiplyAdd(a, s, c)
  b = multiplyAdd(b, t, c)
  c = constant(root, 20)
  a = multiplyAdd(a, s, c)
  b = multiplyAdd(b, t, c)
  c = constant(root, 24)
  a = multiplyAdd(a, s, c)
  b = multiplyAdd(b, t, c)
  c = constant(root, 28)
  a = multiplyAdd(a, s, c)
  b = multiplyAdd(b, t, c)
  c = constant(root, 32)
  a = multiplyAdd(a, s, c)
  b = multiplyAdd(b, t, c)
  c = constant(root, 36)
  a = multiplyAdd(a, s, c)
  b = multiplyAdd(b, t, c)
  c = constant(root, 40)
  a = multiplyAdd(a, s, c)
  b = multiplyAdd(b, t, c)
  a = f32x4.mul(a, s)
  b = f32x4.mul(b, t)
  c = constant(two)
  a = f32x4.mul(a, f32x4.add(a, c))
  b = f32x4.mul(b, f32x4.add(b, c))
  a = f32x4.mul(a, f32x4.add(a, c))
  b = f32x4.mul(b, f32x4.add(b, c))
  a = f32x4.mul(a, f32x4.add(a, c))
  b = f32x4.mul(b, f32x4.add(b, c))
  c = constant(one)
  a = f32x4.add(a, c)
  b = f32x4.add(b, c)
  c = constant(half)
  a = f32x4.div(f32x4.mul(s, c), a)
  b = f32x4.div(f32x4.mul(t, c), b)
  c = constant(zero)
  v128.store(output, f32x4.sub(f32x4.pmax(x, c), a))
  v128.store(output, f32x4.sub(f32x4.pmax(y, c), b), 16)
}

/** The coefficients of p, from the highest power down. */
const tail = memory.data<f32>([
  -6.20120336e-5, -0.000225589189, -4.97256678e-7, 0.00126221671, 0.00128441793, -0.00604693079,
  -0.00869989116, 0.0460628048, -0.0377166532, -0.0915874764, 0.494659662,
])
const centerOfQ = memory.data<f32>([2.5])
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
function geluOfFar(x: v128, size: v128): v128 {
  const isNegative = f32x4.lt(x, constant(zero))
  const t = f32x4.pmin(size, constant(farthest))
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
  const limit = constant(near)
  for (let i = begin * block; i < stop; i += 8) {
    const at = (<usize>i) << 2
    const x = v128.load(input + at)
    const y = v128.load(input + at, 16)
    const s = f32x4.abs(x)
    const t = f32x4.abs(y)
    // Not so for NaN.
    const areNear = v128.and(f32x4.lt(s, limit), f32x4.lt(t, limit))
    if (i32x4.all_true(areNear)) {
      storeGeluOfNear(output + at, x, y, s, t)
    } else {
      v128.store(output + at, geluOfFar(x, s))
      v128.store(output + at, geluOfFar(y, t), 16)
    }
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
