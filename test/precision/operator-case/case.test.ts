/** What settings mean: shapes, fills, attributes, sweeps, and the command that repeats a case. */
import { describe, expect, test } from 'vitest'
import { caseOf } from '../../../src/precision/operator-case/case.ts'
import { commandOf, optionOf, sweep } from '../../../src/precision/operator-case/settings.ts'
import { decodeAll } from '../../../src/tensor/dtype.ts'

const numbers = async (operator: string, settings: Record<string, string | string[]>) => {
  const { inputs } = await caseOf(operator, settings)
  return inputs.map((input) => input && [...decodeAll(input.dtype, input.data)])
}

test('without shapes it is the first sample of the catalogue', async () => {
  const { inputs, attributes, against } = await caseOf('gelu', { dtype: 'float16' })
  expect(inputs).toMatchObject([{ name: 'input', dtype: 'float16', shape: [4, 32] }])
  expect([attributes, against]).toEqual(Array(2).fill({ approximate: 'none' }))
})

test('an input that is left out, and one that has a dtype of its own', async () => {
  const { inputs } = await caseOf('linear', { shape: '2x3,4x3,-', dtype: 'bfloat16' })
  expect(inputs.map((input) => input?.shape)).toEqual([[2, 3], [4, 3], undefined])
  const masked = await caseOf('softmax', { shape: '2x5,5', dtype: 'float16' })
  expect(masked.inputs.map((input) => input?.dtype)).toEqual(['float16', 'bool'])
  const looked = await caseOf('embedding', { shape: '7,20x4', dtype: 'float16' })
  expect(looked.inputs.map((input) => input?.dtype)).toEqual(['int32', 'float16'])
})

test('several tensors of one input', async () => {
  const { inputs, attributes } = await caseOf('concat', { shape: '2x3,2x1', axis: '1' })
  expect(inputs.map((input) => [input?.name, input?.shape])).toEqual([
    ['tensors[0]', [2, 3]],
    ['tensors[1]', [2, 1]],
  ])
  expect(attributes).toEqual({ axis: 1 })
})

describe('fills', () => {
  test('a range is evenly spaced and has both ends', async () => {
    expect(await numbers('gelu', { shape: '5', fill: 'range:-1:1' })).toEqual([
      [-1, -0.5, 0, 0.5, 1],
    ])
  })

  test('one for each input', async () => {
    const fill = 'range:0:1,range:4:4'
    expect(await numbers('add', { shape: '2,2', fill })).toEqual([
      [0, 1],
      [4, 4],
    ])
  })

  test('every finite number of float16 once, zeros of both signs', async () => {
    const [all] = await numbers('gelu', { fill: 'every', dtype: 'float16' })
    // 2 signs · 31 exponents · 1024 fractions
    expect(all).toHaveLength(2 * 31 * 1024)
    expect(new Set(all).size).toBe(2 * 31 * 1024 - 1)
    expect(Math.max(...all!)).toBe(65504)
  })

  test('the seed decides on the numbers, and each input has its own', async () => {
    const of = (seed: string) => numbers('add', { shape: '8,8', seed })
    expect(await of('3')).toEqual(await of('3'))
    expect(await of('3')).not.toEqual(await of('4'))
    expect((await of('3'))[1]).toEqual((await of('4'))[0])
  })
})

test('attributes by their options, and other ones for the reference', async () => {
  const { attributes, against } = await caseOf('softmax', {
    shape: '2x3',
    axis: '-2',
    scale: '0.125',
    against: ['scale=0.25'],
  })
  expect(attributes).toEqual({ axis: -2, scale: 0.125 })
  expect(against).toEqual({ axis: -2, scale: 0.25 })
  const { attributes: lengths } = await caseOf('attention', {
    shape: '5x4,5x4,5x4',
    'num-heads': '2',
    lengths: '2,3',
  })
  expect(lengths).toEqual({ numHeads: 2, lengths: [2, 3] })
  expect(['numHeads', 'dtype', 'shape'].map(optionOf)).toEqual([
    'num-heads',
    'to-dtype',
    'to-shape',
  ])
})

test.each<[string, string, Record<string, string>, string]>([
  ['an attribute of another operator', 'gelu', { axis: '1' }, 'it has --approximate'],
  ['a missing input', 'linear', { shape: '4x4' }, "also needs its input 'weight'"],
  ['an input too many', 'gelu', { shape: '4,4' }, 'takes 1 inputs at most'],
  ['a shape that is none', 'gelu', { shape: '4y4' }, "'4y4' is not a shape"],
  ['a fill that is none', 'gelu', { shape: '4', fill: 'range:1' }, "'range:1' cannot fill"],
  ['every number of float32', 'gelu', { fill: 'every' }, 'too many numbers'],
  ['a dtype it does not take', 'gelu', { dtype: 'int32' }, "gelu does not take 'int32'"],
  ['a layout there is not', 'gelu', { shape: '4', layout: 'x' }, "no layout 'x'"],
  ['a sample there is not', 'gelu', { sample: '99' }, 'has samples 0 to 32'],
  ['a sample with a shape', 'gelu', { sample: '1', shape: '4' }, 'brings its own inputs'],
  ['a seed that is none', 'gelu', { seed: '-1' }, "'-1' is not a whole number"],
  ['an attribute that is no number', 'scale', { factor: 'x' }, "'x' is not a number"],
  ['another attribute that is none', 'gelu', { against: 'form=erf' }, "'form=erf' is not NAME"],
  ['a file there is not', 'gelu', { input: 'input=x.npy' }, 'x.npy: there is no such file'],
  ['a file of another kind', 'gelu', { input: 'input=x.txt' }, 'neither .npy nor .safetensors'],
  ['an input there is not', 'gelu', { input: 'x=y.npy' }, 'gelu has input'],
])('refuses %s', async (_, operator, settings, words) => {
  await expect(caseOf(operator, settings)).rejects.toThrow(
    expect.objectContaining({
      name: expect.stringMatching(/^(InvalidArgument|File)Error$/),
      message: expect.stringContaining(words),
    }),
  )
})

test('a sweep is every combination; the last name changes fastest', () => {
  const entries = ['dtype=float32', 'shape=2x2', 'dtype=float16', 'shape=4x4']
  expect(sweep({ seed: '1' }, entries, ['dtype', 'shape'])).toEqual([
    { seed: '1', dtype: 'float32', shape: '2x2' },
    { seed: '1', dtype: 'float32', shape: '4x4' },
    { seed: '1', dtype: 'float16', shape: '2x2' },
    { seed: '1', dtype: 'float16', shape: '4x4' },
  ])
})

test('a command is what a shell takes as it was', () => {
  const settings = { shape: '2x3,-', input: ["input=it's here.npy", 'other=b.npy'] }
  expect(commandOf('add', settings)).toBe(
    `roberta-ascend op add --shape 2x3,- --input 'input=it'\\''s here.npy' --input other=b.npy`,
  )
})
