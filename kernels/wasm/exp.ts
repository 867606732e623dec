/**
 * exp, and the functions made of it, of four float32 numbers, to about one unit in the last place.
 *
 * eˣ = 2ⁿ · eʳ with n = round(x / ln 2) and r = x − n · ln 2, and eʳ by a polynomial
 * (fit-coefficients.py). NaN stays NaN; results reach down to the last subnormal number.
 */
import { constant, fromDoubles, multiplyAdd } from './vectors'

const log2e: f64 = Math.LOG2E
const ln2: f64 = Math.LN2

/** Beyond these eˣ is zero or infinite. */
const lowest: f32 = -104
const highest: f32 = 89

const coefficients = memory.data<f32>([
  0.00138144661, 0.00836878084, 0.0416683927, 0.166665196, 0.49999994, 1,
])

/** eʳ for |r| ≤ ½ ln 2. */
function polynomial(r: v128): v128 {
  const one = constant(coefficients, 20)
  let sum = constant(coefficients)
  sum = multiplyAdd(sum, r, constant(coefficients, 4))
  sum = multiplyAdd(sum, r, constant(coefficients, 8))
  sum = multiplyAdd(sum, r, constant(coefficients, 12))
  sum = multiplyAdd(sum, r, constant(coefficients, 16))
  sum = multiplyAdd(sum, r, one)
  return multiplyAdd(sum, r, one)
}

/** Added to a small number and taken away again, 1.5 · 2²³ rounds to an integer, and leaves that in the bits. */
const rounderNumber: f32 = 12582912
const rounder = memory.data<f32>([rounderNumber])
const exponentBias = memory.data<i32>([127])

/** x · 2ⁿ, n as rounder + n, in two steps, since 2ⁿ alone can be out of range. */
function scaleByPowerOf2(x: v128, shifted: v128): v128 {
  const whole = i32x4.sub(shifted, constant(rounder))
  const half = i32x4.shr_s(whole, 1)
  const rest = i32x4.sub(whole, half)
  const bias = constant(exponentBias)
  const once = f32x4.mul(x, i32x4.shl(i32x4.add(half, bias), 23))
  return f32x4.mul(once, i32x4.shl(i32x4.add(rest, bias), 23))
}

/**
 * 1 / ln 2; and −ln 2 in two parts, of which the first has so few bits that its product with n is exact.
 */
const logarithms = memory.data<f32>([<f32>log2e, -0.693359375, 2.1219444e-4])

const least = memory.data<f32>([lowest])
const most = memory.data<f32>([highest])

export function exp(x: v128): v128 {
  // pmin and pmax are one instruction, min and max several; in this order NaN stays NaN.
  const within = f32x4.pmax(f32x4.pmin(x, constant(most)), constant(least))
  const shifted = multiplyAdd(within, constant(logarithms), constant(rounder))
  const n = f32x4.sub(shifted, constant(rounder))
  const coarse = multiplyAdd(n, constant(logarithms, 4), within)
  return scaleByPowerOf2(polynomial(multiplyAdd(n, constant(logarithms, 8), coarse)), shifted)
}

const upperBits = memory.data<u32>([0xfffff000])
const minusHalf = memory.data<f32>([-0.5])

/**
 * exp(−t²/2) for 0 ≤ t ≤ 15. The square rounded to float32 would cost up to 40 units in the last place,
 * so t is split into its upper half, whose square is exact, and a rest.
 */
export function gaussian(t: v128): v128 {
  const upper = v128.and(t, constant(upperBits))
  const half = constant(minusHalf)
  const square = f32x4.mul(f32x4.mul(upper, upper), half)
  const rest = f32x4.mul(f32x4.mul(f32x4.sub(t, upper), f32x4.add(t, upper)), half)
  const sum = f32x4.add(square, rest)
  const shifted = multiplyAdd(sum, constant(logarithms), constant(rounder))
  const n = f32x4.sub(shifted, constant(rounder))
  const coarse = multiplyAdd(n, constant(logarithms, 4), square)
  const fine = multiplyAdd(n, constant(logarithms, 8), rest)
  return scaleByPowerOf2(polynomial(f32x4.add(coarse, fine)), shifted)
}

/**
 * exp of float64 arguments, two in `low` and two in `high`. A large argument rounded to float32 would
 * cost as many units in the last place of the result.
 */
export function expOfDoubles(low: v128, high: v128): v128 {
  const least = f64x2.splat(lowest)
  const most = f64x2.splat(highest)
  const a = f64x2.pmax(f64x2.pmin(low, most), least)
  const b = f64x2.pmax(f64x2.pmin(high, most), least)
  const nOfA = f64x2.nearest(f64x2.mul(a, f64x2.splat(log2e)))
  const nOfB = f64x2.nearest(f64x2.mul(b, f64x2.splat(log2e)))
  const rOfA = f64x2.sub(a, f64x2.mul(nOfA, f64x2.splat(ln2)))
  const rOfB = f64x2.sub(b, f64x2.mul(nOfB, f64x2.splat(ln2)))
  const shifted = f32x4.add(fromDoubles(nOfA, nOfB), constant(rounder))
  return scaleByPowerOf2(polynomial(fromDoubles(rOfA, rOfB)), shifted)
}

/** 1 / (1 + e⁻ˣ), by e^−|x|, which does not overflow. */
export function logistic(x: v128): v128 {
  const e = exp(f32x4.neg(f32x4.abs(x)))
  const one = f32x4.splat(1)
  const numerator = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)))
  return f32x4.div(numerator, f32x4.add(one, e))
}

/** A polynomial where (1 − e⁻²ˣ) / (1 + e⁻²ˣ) would cancel. */
export function hyperbolicTangent(x: v128): v128 {
  const size = f32x4.abs(x)
  const square = f32x4.mul(x, x)
  let sum = f32x4.splat(-0.00564831309)
  sum = multiplyAdd(sum, square, f32x4.splat(0.0205898229))
  sum = multiplyAdd(sum, square, f32x4.splat(-0.0537251271))
  sum = multiplyAdd(sum, square, f32x4.splat(0.133312747))
  sum = multiplyAdd(sum, square, f32x4.splat(-0.333332747))
  const small = multiplyAdd(f32x4.mul(sum, square), x, x)
  const e = exp(f32x4.mul(size, f32x4.splat(-2)))
  const one = f32x4.splat(1)
  const large = f32x4.div(f32x4.sub(one, e), f32x4.add(one, e))
  const signed = v128.or(large, v128.and(x, i32x4.splat(0x80000000)))
  return v128.bitselect(small, signed, f32x4.lt(size, f32x4.splat(0.625)))
}
