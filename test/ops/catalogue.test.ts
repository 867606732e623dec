/** The operator catalogue on every backend, and the completeness of the catalogue itself. */
import { describe, expect, it } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { catalogue, type OperatorName } from '../../src/ops/index.ts'
import type { SampleCategory } from '../../src/ops/samples.ts'
import { type DType, isFloatDType } from '../../src/tensor/dtype.ts'
import { definitions, operatorSuite } from '../support/operator-suite.ts'

operatorSuite('reference', () => new ReferenceBackend())

const categories: readonly SampleCategory[] = [
  'ordinary',
  'extreme',
  'empty',
  'odd-sized',
  'non-contiguous',
  'special values',
]

/** These only move elements: all of their samples hold NaN, infinities, ±0 and subnormals. */
const blindToValues: readonly OperatorName[] = [
  'contiguous',
  'permute',
  'reshape',
  'slice',
  'concat',
  'index_select',
]

function canHave(operator: OperatorName, dtype: DType, category: SampleCategory): boolean {
  if (category === 'extreme' || category === 'special values') {
    if (blindToValues.includes(operator)) return false
    // Integers and bool have no special values, and bool has no ends of a range.
    if (operator === 'cast') {
      return isFloatDType(dtype) || (category === 'extreme' && dtype !== 'bool')
    }
  }
  return true
}

describe('the catalogue', () => {
  it('has each entry under its own name', () => {
    for (const [key, { name }] of Object.entries(catalogue)) expect(name).toBe(key)
  })

  it.each(definitions)('has samples of $name in every category it can have', (definition) => {
    expect(definition.dtypes.length).toBeGreaterThan(0)
    for (const dtype of definition.dtypes) {
      const samples = definition.samples(dtype)
      const present = categories.filter((c) => samples.some(({ category }) => category === c))
      expect(present, dtype).toEqual(categories.filter((c) => canHave(definition.name, dtype, c)))
    }
  })

  it.each(definitions)('asks $name for samples that differ in name or attributes', (definition) => {
    for (const dtype of definition.dtypes) {
      const labels = definition
        .samples(dtype)
        .map(({ category, name, attributes }) => JSON.stringify([category, name, attributes]))
      expect(new Set(labels).size).toBe(labels.length)
    }
  })

  it.each(definitions)('gives each input of $name in every dtype it takes', (definition) => {
    const samples = definition.dtypes.flatMap((dtype) => definition.samples(dtype))
    definition.inputs.forEach(({ name, dtypes }, position) => {
      const given = new Set(samples.map(({ inputs }) => inputs[position]?.dtype))
      expect(given, name).toEqual(new Set([...given, ...dtypes]))
    })
  })

  it.each(definitions)('leaves out each optional input of $name once', (definition) => {
    const samples = definition.samples(definition.dtypes[0]!)
    definition.inputs.forEach(({ name, optional }, position) => {
      const missing = samples.some(({ inputs }) => inputs[position] === undefined)
      expect(missing, name).toBe(optional === true)
    })
  })

  it.each(definitions)('holds inputs that $name must refuse', ({ name, invalid }) => {
    // Whatever is a tensor can be made contiguous; only a disposed one is refused.
    expect(invalid.length > 0).toBe(name !== 'contiguous')
  })
})
