/**
 * The reference backend is held to more than the tolerances: every result is the nearest number of
 * its dtype. Attention is made of several operators, each of which rounds; so does its expectation.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { DeviceUnavailableError } from '../../src/errors.ts'
import { emptyTensor } from '../../src/ops/create.ts'
import { floatDTypes, isFloatDType } from '../../src/tensor/dtype.ts'
import { assertCorrectlyRounded } from '../support/compare.ts'
import { roundTo } from '../support/float-format.ts'
import {
  definitions,
  numbersOf,
  runSample,
  sampleInputs,
  sampleLabel,
} from '../support/operator-suite.ts'
import { attention, compute, isArithmetic } from '../support/oracle.ts'

describe('reference results are correctly rounded', () => {
  const backend = new ReferenceBackend()
  afterAll(() => {
    expect(backend.heldBytes).toBe(0)
  })

  for (const definition of definitions) {
    const { name } = definition
    if (!isArithmetic(name)) continue
    for (const dtype of definition.dtypes.filter(isFloatDType)) {
      for (const sample of definition.samples(dtype)) {
        const label = sampleLabel(name, dtype, sample)
        it(label, async () => {
          const result = await runSample(backend, definition, sample.inputs, sample.attributes)
          const inputs = sampleInputs(sample.inputs, numbersOf)
          const exact =
            name === 'attention'
              ? attention(inputs, sample.attributes, dtype, (part) => roundTo(dtype, part))
              : compute(name, inputs, sample.attributes, dtype)
          const actual = numbersOf(dtype, result.data)
          assertCorrectlyRounded(actual, exact.data, dtype, { label, shape: result.shape })
        })
      }
    }
  }
})

it('fresh memory of floats is NaN, so that an element which a kernel forgets shows', async () => {
  const backend = new ReferenceBackend()
  for (const dtype of floatDTypes) {
    using fresh = emptyTensor(backend, { dtype, shape: [3] })
    expect(await fresh.numbers()).toEqual(Float64Array.of(NaN, NaN, NaN))
  }
})

it('what does not fit into memory is refused by name', () => {
  const backend = new ReferenceBackend()
  const allocate = () => emptyTensor(backend, { dtype: 'float32', shape: [2 ** 40] })
  expect(allocate).toThrow(DeviceUnavailableError)
  expect(allocate).toThrow('no memory for 1099511627776 elements of float32')
  expect(backend.heldBytes).toBe(0)
})
