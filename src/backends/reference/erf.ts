/**
 * The error function and its complement to float64 accuracy.
 *
 * Relative error: erf below 1e-15 everywhere; erfc below 2e-14 up to x = 26, from where on it is
 * subnormal.
 */

/**
 * Where the series hands over to the continued fraction. Both converge in fewer than 80 steps there,
 * and 1 − erf(1.5) = 0.034 cancels little enough.
 */
const crossover = 1.5
const steps = 80

/**
 * erf(x) = 2/√π · exp(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·5···(2n+1)): DLMF 7.6.2, by Horner's rule. All terms
 * are positive, so that nothing cancels. For |x| ≤ 1.5.
 */
function erfSeries(x: number): number {
  const doubleSquare = 2 * x * x
  let sum = 1
  for (let n = steps; n >= 1; n--) sum = 1 + (sum * doubleSquare) / (2 * n + 1)
  return (2 / Math.sqrt(Math.PI)) * expMinusSquare(x) * sum * x
}

/**
 * erfc(x) = exp(−x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))): DLMF 7.9.2, from the inside.
 * For x ≥ 1.5.
 */
function erfcFraction(x: number): number {
  let tail = x
  for (let n = steps; n >= 1; n--) tail = x + n / 2 / tail
  return expMinusSquare(x) / (Math.sqrt(Math.PI) * tail)
}

/**
 * exp(−x²). Rounding x² would cost up to x² units in the last place, so x is split into a part whose
 * square is exact and a small rest.
 */
function expMinusSquare(x: number): number {
  const head = Math.fround(x)
  return Math.exp(-head * head) * Math.exp(-(x - head) * (x + head))
}

/** 2/√π ∫₀ˣ exp(−t²) dt. NaN for NaN, ±1 for ±∞. */
export function erf(x: number): number {
  if (Math.abs(x) >= crossover) return Math.sign(x) * (1 - erfc(Math.abs(x)))
  return erfSeries(x)
}

/** 1 − erf(x), without the cancellation for large x. */
export function erfc(x: number): number {
  // exp(−27.3²) is below the smallest subnormal number.
  if (x >= crossover) return x > 27.3 ? 0 : erfcFraction(x)
  if (x <= -crossover) return 2 - erfc(-x)
  return 1 - erfSeries(x)
}
