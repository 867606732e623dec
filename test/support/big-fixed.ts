/**
 * A few functions in fixed-point arithmetic on integers of any length, so that their float64 results
 * are right to the last bit or nearly so. For expectations only: simple and slow.
 */

/** 53 bits of the result, and a hundred to spare for the rounding of the terms. */
const guardBits = 160

function bigSqrt(value: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2))
  for (;;) {
    const next = (root + value / root) / 2n
    if (next >= root) return root
    root = next
  }
}

/** arctan(1/n) · unit by Gregory's series. */
function arctanOfInverse(n: bigint, unit: bigint): bigint {
  let power = unit / n
  let sum = power
  for (let k = 1n; power !== 0n; k++) {
    power /= -n * n
    sum += power / (2n * k + 1n)
  }
  return sum
}

/** π · unit by Machin's formula (1706). */
function bigPi(unit: bigint): bigint {
  return 4n * (4n * arctanOfInverse(5n, unit) - arctanOfInverse(239n, unit))
}

/** A float64 times 2^bits, truncated. */
function toFixed(value: number, bits: number): bigint {
  let scaled = value
  let left = bits
  while (left > 0 && !Number.isInteger(scaled)) {
    scaled *= 2
    left -= 1
  }
  return BigInt(Math.trunc(scaled)) << BigInt(left)
}

/** value / 2^bits as a float64, of which the upper 64 bits of `value` are enough. */
function fromFixed(value: bigint, bits: number): number {
  const excess = Math.max(value.toString(2).length - 64, 0)
  return Number(value >> BigInt(excess)) * 2 ** (excess - bits)
}

/**
 * The distribution function Φ(x) = ½ (1 + erf(x/√2)) of the standard normal distribution, by the
 * series ½ + 1/√(2π) Σ (−1)ⁿ x²ⁿ⁺¹ / (2ⁿ n! (2n+1)) (Abramowitz and Stegun 26.2.10).
 *
 * The terms grow to exp(x²/2) and cancel to exp(−x²/2), so the arithmetic has that many more bits.
 */
export function normalDistribution(x: number): number {
  if (Number.isNaN(x)) return NaN
  // Φ(−20) < 10⁻⁸⁸ is nothing next to 1 in float64, and next to any number in our formats.
  if (x > 20) return 1
  if (x < -20) return 0
  const bits = guardBits + Math.ceil(x * x * Math.LOG2E)
  const unit = 1n << BigInt(bits)
  const fixed = toFixed(x, bits)
  const square = (fixed * fixed) / unit
  let power = fixed
  let sum = fixed
  for (let n = 1n; power !== 0n; n++) {
    power = (-power * square) / (unit * 2n * n)
    sum += power / (2n * n + 1n)
  }
  const root = bigSqrt(2n * bigPi(unit) * unit)
  return fromFixed(unit / 2n + (sum * unit) / root, bits)
}
