/** How far logits are from a float64 computation, next to how far PyTorch's are. */
import { expect } from 'vitest'

type Rows = readonly ArrayLike<number>[]

/** The largest distance of any logit; NaN if one is NaN. */
export function distance(a: Rows, b: Rows): number {
  expect(a.map((row) => row.length)).toEqual(b.map((row) => row.length))
  return Math.max(
    ...a.map((row, i) => Math.max(...Array.from(row, (x, j) => Math.abs(x - b[i]![j]!)))),
  )
}

/**
 * Prints both distances and expects ours to be at most twice PyTorch's. Where PyTorch computes a
 * dtype in two ways (test/golden/sixteen_bits.py), the closer one counts.
 */
export function expectAsCloseAsPyTorch(
  what: string,
  logits: Rows,
  truth: Rows,
  pytorch: readonly Rows[],
): void {
  const ours = distance(logits, truth)
  const torch = Math.min(...pytorch.map((rows) => distance(rows, truth)))
  console.log(`${what}: ${ours.toExponential(2)} from float64, PyTorch ${torch.toExponential(2)}`)
  expect(ours).toBeLessThanOrEqual(2 * torch)
}
