/** erf, erfc and the tails of GELU against 60-digit values (test/golden/erf.py). */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { erf, erfc } from '../../src/backends/reference/erf.ts'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { gelu, tensor } from '../../src/ops/index.ts'
import { codecs, floatDTypes, newHostArray } from '../../src/tensor/dtype.ts'
import { normalDistribution } from '../support/big-fixed.ts'
import { assertCorrectlyRounded } from '../support/compare.ts'
import { numbersOf } from '../support/operator-suite.ts'

const golden = JSON.parse(readFileSync(new URL('../golden/erf.json', import.meta.url), 'utf8')) as {
  points: readonly { x: number; erf: number; erfc: number }[]
  gelu: readonly { x: number; none: number; tanh: number }[]
}

/** The largest relative error over some points, and where it is. */
function largestError(points: readonly { x: number; actual: number; exact: number }[]) {
  const errors = points.map(({ x, actual, exact }) => ({
    x,
    error: actual === exact ? 0 : Math.abs(actual - exact) / Math.abs(exact),
  }))
  return errors.reduce((a, b) => (b.error > a.error ? b : a))
}

describe('erf and erfc', () => {
  it('erf has a relative error below 1e-15', () => {
    const points = golden.points.map((p) => ({ x: p.x, actual: erf(p.x), exact: p.erf }))
    const { x, error } = largestError(points)
    expect(error, `at ${x}`).toBeLessThanOrEqual(1e-15)
  })

  it('erfc has a relative error below 2e-14 up to 26', () => {
    const points = golden.points
      .filter((p) => p.x <= 26)
      .map((p) => ({ x: p.x, actual: erfc(p.x), exact: p.erfc }))
    const { x, error } = largestError(points)
    expect(error, `at ${x}`).toBeLessThanOrEqual(2e-14)
  })

  it('erfc keeps what subnormal numbers can hold beyond 26', () => {
    for (const { x, erfc: exact } of golden.points.filter((p) => p.x > 26)) {
      const allowed = 2e-14 * exact + 4 * Number.MIN_VALUE
      expect(Math.abs(erfc(x) - exact), `at ${x}`).toBeLessThanOrEqual(allowed)
    }
  })

  it('both have limits at infinity, and NaN for NaN', () => {
    expect([Infinity, -Infinity, 1e300, -1e300, NaN].map(erf)).toEqual([1, -1, 1, -1, NaN])
    expect([Infinity, -Infinity, 1e300, -1e300, NaN].map(erfc)).toEqual([0, 2, 0, 2, NaN])
    expect([erf(0), erf(-0), erfc(0), erfc(-0)]).toEqual([0, -0, 1, 1])
  })
})

describe('GELU in its negative tail', () => {
  const backend = new ReferenceBackend()
  const shape = [golden.gelu.length]

  for (const dtype of floatDTypes) {
    for (const approximate of ['none', 'tanh'] as const) {
      const label = `gelu ${dtype} · ${approximate}, from -1 to -14`
      it(`${label}: every result is the nearest number`, async () => {
        const data = newHostArray(dtype, golden.gelu.length)
        for (const [i, { x }] of golden.gelu.entries()) codecs[dtype].encode(data, i, x)
        using input = tensor(backend, dtype, shape, data)
        expect([...(await input.numbers())]).toEqual(golden.gelu.map(({ x }) => x))
        using output = gelu(input, { approximate })
        const exact = golden.gelu.map((point) => point[approximate])
        const actual = numbersOf(dtype, await output.data())
        assertCorrectlyRounded(actual, exact, dtype, { label, shape })
      })
    }
  }
})

it('the distribution function of the oracle is right to the last digits', () => {
  const points = golden.gelu.map(({ x, none }) => ({
    x,
    actual: x * normalDistribution(x),
    exact: none,
  }))
  const { x, error } = largestError(points)
  expect(error, `at ${x}`).toBeLessThanOrEqual(3e-16)
  expect(normalDistribution(1) + normalDistribution(-1)).toBe(1)
})
