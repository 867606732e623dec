/** Exact results against the oracle, which computes in float64 in another way and never rounds. */
import { describe, expect, test } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { sampleData } from '../../src/ops/samples.ts'
import { exactResult } from '../../src/precision/exact.ts'
import { isFloatDType } from '../../src/tensor/dtype.ts'
import { overflowed } from '../support/compare.ts'
import {
  definitions,
  numbersOf,
  runSample,
  sampleInputs,
  sampleLabel,
} from '../support/operator-suite.ts'
import { compute, isArithmetic } from '../support/oracle.ts'

describe.each(definitions.map((definition) => [definition.name, definition] as const))(
  '%s',
  (name, definition) => {
    test.each(definition.dtypes)('in %s', async (dtype) => {
      for (const sample of definition.samples(dtype)) {
        const label = sampleLabel(name, dtype, sample)
        const { inputs, attributes } = sample
        const host = inputs.map(
          (input, i) =>
            input && { dtype: input.dtype, shape: input.shape, data: sampleData(input, i + 1) },
        )
        const exact = exactResult(name, host, attributes)
        const reference = await runSample(new ReferenceBackend(), definition, inputs, attributes)
        expect([exact.dtype, exact.shape], label).toEqual([reference.dtype, reference.shape])
        const rounded = numbersOf(reference.dtype, reference.data)
        expect([...exact.sameDType], label).toEqual(rounded)
        if (!isArithmetic(name) || !isFloatDType(dtype)) continue
        const { data } = compute(name, sampleInputs(inputs, numbersOf), attributes, dtype)
        const largest = Math.max(0, ...data.filter(Number.isFinite).map(Math.abs))
        for (const [i, wanted] of overflowed(dtype, data).entries()) {
          const found = exact.truth[i]!
          if (Object.is(found, wanted)) continue
          const distance = Math.abs(found - wanted)
          expect(distance, `${label} [${i}]: ${found}, not ${wanted}`).toBeLessThanOrEqual(
            1e-11 * Math.abs(wanted) + 1e-14 * largest,
          )
        }
      }
    })
  },
)

test('is not rounded: a third in float16', () => {
  const half = {
    dtype: 'float16' as const,
    shape: [3],
    data: Uint16Array.of(0x3c00, 0x3c00, 0x3c00),
  }
  const { truth, sameDType } = exactResult('softmax', [half])
  expect([...truth]).toEqual(Array(3).fill(1 / 3))
  expect([...sameDType]).toEqual(Array(3).fill(0.333251953125))
})

test('refuses what the operator refuses', () => {
  const one = { dtype: 'float32' as const, shape: [1], data: Float32Array.of(1) }
  expect(() => exactResult('gelu', [one], { approximate: 'erf' })).toThrow('approximate')
  expect(() => exactResult('gelu', [])).toThrow('gelu: input: is missing')
})
