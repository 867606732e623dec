/** Comparing tensors and arrays, and whether wrong operators are told from right ones. */
import { describe, expect, test } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import type { Attributes, OperatorName } from '../../src/ops/index.ts'
import { tensor } from '../../src/ops/index.ts'
import { sampleData, tensorSample } from '../../src/ops/samples.ts'
import { compareElements, compareTensors } from '../../src/precision/compare-tensors.ts'
import { exactResult } from '../../src/precision/exact.ts'
import { standardNames } from '../../src/precision/standards/index.ts'
import { type DType, decodeAll, encodeAll, floatDTypes } from '../../src/tensor/dtype.ts'

const backend = new ReferenceBackend()

test('two tensors of different dtypes', async () => {
  using actual = tensor(backend, 'float16', [2, 1], Uint16Array.of(0x3c00, 0x4001)) // 1, 2.001953125
  using expected = tensor(backend, 'float32', [2, 1], Float32Array.of(1, 2))
  const found = await compareTensors(actual, expected, { standard: 'allclose' })
  expect(found).toMatchObject({ shape: [2, 1], dtype: 'float16' })
  expect(found.metrics.ulp.max).toBe(1)
  expect(found.worst).toEqual({ index: [1, 0], actual: 2.001953125, expected: 2 })
  expect(found.verdict.status).toBe('pass')
})

test('arrays are float32 with one axis unless said otherwise', async () => {
  const found = await compareTensors([1, 2, 3, 4], [1, 2, 3, 4])
  expect(found).toMatchObject({ shape: [4], dtype: 'float32', verdict: { status: 'pass' } })
  const options = { dtype: 'float16', shape: [2, 2] } as const
  expect(await compareTensors([1, 2, 3, 4], [1, 2, 3, 5], options)).toMatchObject({
    worst: { index: [1, 1] },
    verdict: { status: 'error' },
  })
})

test('integers that float64 cannot tell apart are not equal', async () => {
  using actual = tensor(backend, 'int64', [1], BigInt64Array.of(2n ** 62n + 1n))
  using expected = tensor(backend, 'int64', [1], BigInt64Array.of(2n ** 62n))
  const { verdict } = await compareTensors(actual, expected, { operator: 'contiguous' })
  expect(verdict.status).toBe('error')
  expect((await compareTensors(actual, actual, { operator: 'contiguous' })).verdict.status).toBe(
    'pass',
  )
})

test('shapes that differ are an error, also with as many elements', async () => {
  using actual = tensor(backend, 'float32', [2, 1], Float32Array.of(1, 2))
  await expect(compareTensors(actual, [1, 2])).rejects.toThrow(
    'compareTensors: actual is [2, 1], expected is [2]',
  )
  await expect(compareTensors([1], [1], { truth: Float64Array.of(1, 1) })).rejects.toThrow('truth')
  await expect(compareTensors([1], [1], { standard: 'none' })).rejects.toThrow("standard 'none'")
})

describe('wrong operators', () => {
  const host = (dtype: DType, shape: number[], deviation = 1, seed = 1) => ({
    dtype,
    shape,
    data: sampleData(tensorSample(dtype, shape, { kind: 'normal', deviation }), seed),
  })

  /** The verdicts on the right result and on that with other inputs or attributes. */
  function verdicts(
    standard: string,
    operator: OperatorName,
    inputs: ReturnType<typeof host>[],
    attributes: Attributes,
    wrong: { inputs?: ReturnType<typeof host>[]; attributes?: Attributes },
  ) {
    const right = exactResult(operator, inputs, attributes)
    const other = exactResult(operator, wrong.inputs ?? inputs, wrong.attributes ?? attributes)
    const of = (actual: Float64Array) =>
      compareElements(actual, right.sameDType, { ...right, operator, standard }).verdict.status
    return [of(right.sameDType), of(other.sameDType)]
  }

  test.each(floatDTypes)('the tanh form for the erf form of GELU in %s', (dtype) => {
    const inputs = [host(dtype, [64, 128])]
    const wrong = { attributes: { approximate: 'tanh' } }
    expect(verdicts('three-way', 'gelu', inputs, {}, wrong)).toEqual(['pass', 'error'])
    // The forms differ by 4.7e-4 at most: in 16 bits, less than what a tolerance has to allow.
    const strict = dtype === 'float32' ? 'error' : 'pass'
    expect(verdicts('strict', 'gelu', inputs, {}, wrong)).toEqual(['pass', strict])
  })

  test.each(standardNames)('%s: an eps of 1e-12 for 1e-5 in float32', (standard) => {
    const inputs = [
      host('float32', [16, 768], 0.1),
      ...[2, 3].map((s) => host('float32', [768], 1, s)),
    ]
    const wrong = { attributes: { eps: 1e-12 } }
    expect(verdicts(standard, 'layer_norm', inputs, { eps: 1e-5 }, wrong)).toEqual([
      'pass',
      'error',
    ])
  })

  test.each(standardNames)(
    '%s: inputs of a product rounded to 11 bits, as HF32 does',
    (standard) => {
      const inputs = [host('float32', [8, 768]), host('float32', [64, 768], 0.05, 2)]
      const rounded = inputs.map(({ dtype, shape, data }) => ({
        dtype,
        shape,
        // float16 has the 11 bits; ordinary numbers are within its range.
        data: Float32Array.from(decodeAll('float16', encodeAll('float16', decodeAll(dtype, data)))),
      }))
      expect(verdicts(standard, 'linear', inputs, {}, { inputs: rounded })).toEqual([
        'pass',
        'error',
      ])
    },
  )
})
