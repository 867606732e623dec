/** Sample tensors: the same numbers whatever the layout, and the same ones every time. */
import { afterEach, describe, expect, it } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import {
  extremes,
  normal,
  sampleData,
  sampleTensor,
  specials,
  tensorSample,
  uniformGenerator,
  values,
} from '../../src/ops/samples.ts'
import { floatDTypes } from '../../src/tensor/dtype.ts'
import { isContiguous } from '../../src/tensor/shape.ts'
import { valuesOf } from '../support/elements.ts'
import { decodeBits, floatFormats, largestFinite } from '../support/float-format.ts'

const backend = new ReferenceBackend()

afterEach(() => {
  expect(backend.heldBytes).toBe(0)
})

describe('sample numbers', () => {
  it('come from mulberry32', () => {
    // The first outputs for seed 1 of the published generator (Tommy Ettinger, 2017, public domain).
    const next = uniformGenerator(1)
    expect([next(), next(), next()].map((u) => u * 2 ** 32)).toEqual([
      2693262067, 11749833, 2265367787,
    ])
  })

  it('of a normal fill have mean 0 and the deviation asked for', () => {
    const numbers = valuesOf(
      'float32',
      sampleData(tensorSample('float32', [20000], { kind: 'normal', deviation: 3 }), 7),
    ).map(Number)
    const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length
    const deviation = Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length)
    // The standard error of the mean is 3/√20000 = 0.021.
    expect(Math.abs(mean)).toBeLessThan(0.08)
    expect(Math.abs(deviation - 3)).toBeLessThan(0.08)
  })

  it('of an integer fill lie below the limit and reach both ends', () => {
    const picks = sampleData(tensorSample('int64', [500], { kind: 'integers', below: 10 }), 3)
    const seen = new Set([...picks].map(Number))
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('differ between seeds and are the same for one', () => {
    const sample = tensorSample('float32', [8], normal)
    expect(sampleData(sample, 1)).toEqual(sampleData(sample, 1))
    expect(sampleData(sample, 1)).not.toEqual(sampleData(sample, 2))
  })

  it('repeat listed values', () => {
    expect([...sampleData(tensorSample('int32', [5], values(4, 9)), 1)]).toEqual([4, 9, 4, 9, 4])
    const list = valuesOf('float16', sampleData(tensorSample('float16', [7], specials), 1))
    expect(list).toEqual([NaN, 1, Infinity, -1, -Infinity, 0, 0.5])
  })

  it.each(floatDTypes)('extremes hold the ends of the range of %s', (dtype) => {
    const list = valuesOf(dtype, sampleData(tensorSample(dtype, [16], extremes(dtype)), 1))
    const smallestNormal = decodeBits(dtype, 2 ** floatFormats[dtype].fractionBits)
    const ends = [0, decodeBits(dtype, 1), smallestNormal, largestFinite(dtype)]
    for (const end of ends.flatMap((x) => [x, -x])) expect(list).toContainEqual(end)
  })
})

describe('layouts', () => {
  it.each([
    ['contiguous', [3, 4], [4, 1], 0],
    ['transposed', [3, 4], [1, 3], 0],
    ['offset', [3, 4], [4, 1], 3],
    // In a storage of [7, 9], from its element [1, 1].
    ['sliced', [3, 4], [18, 2], 10],
  ] as const)('%s has the same elements', async (layout, shape, strides, offset) => {
    const sample = tensorSample('float32', shape, normal, layout)
    using laid = sampleTensor(backend, sample, 5)
    expect([laid.shape, laid.strides, laid.offset]).toEqual([shape, strides, offset])
    expect(isContiguous(laid.shape, laid.strides)).toBe(
      layout === 'contiguous' || layout === 'offset',
    )
    expect(await laid.data()).toEqual(sampleData(sample, 5))
  })

  it('sliced lies among NaN', async () => {
    using laid = sampleTensor(backend, tensorSample('float16', [2], values(1), 'sliced'), 1)
    expect(valuesOf('float16', laid.storage.slot as Uint16Array)).toEqual([NaN, 1, NaN, 1, NaN])
  })
})
