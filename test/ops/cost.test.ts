/** Floating-point operations and bytes, counted by hand. */
import { describe, expect, it } from 'vitest'
import type { Attributes, OperatorName, TensorSpec } from '../../src/ops/index.ts'
import { bytesMoved } from '../../src/ops/operator.ts'
import type { DType } from '../../src/tensor/dtype.ts'
import { definitionOf, definitions } from '../support/operator-suite.ts'

function spec(shape: readonly number[], dtype: DType = 'float16'): TensorSpec {
  return { dtype, shape }
}

function flopsOf(
  operator: OperatorName,
  shapes: readonly (readonly number[])[],
  attributes: Attributes = {},
): number {
  const definition = definitionOf(operator)
  const inputs = shapes.map((shape) => spec(shape))
  return definition.flops(inputs, attributes, definition.infer(inputs, attributes))
}

describe('flops', () => {
  it.each([
    // A multiply-add counts as two.
    [
      'matmul',
      [
        [2, 3, 4],
        [4, 5],
      ],
      {},
      2 * (2 * 3 * 5) * 4,
    ],
    [
      'linear',
      [
        [7, 4],
        [5, 4],
      ],
      {},
      2 * 7 * 5 * 4,
    ],
    ['linear', [[7, 4], [5, 4], [5]], {}, 2 * 7 * 5 * 4 + 7 * 5],
    ['add', [[2, 3], [3]], {}, 6],
    ['mul', [[2, 1], [3]], {}, 6],
    ['scale', [[2, 3]], { factor: 2 }, 6],
    ['permute', [[2, 3]], { axes: [1, 0] }, 0],
    ['embedding', [[2], [10, 3]], {}, 0],
    // Two products of 2·l²·hidden for each text, and a softmax of heads · l² elements.
    [
      'attention',
      [
        [5, 8],
        [5, 8],
        [5, 8],
      ],
      { numHeads: 2, lengths: [2, 3] },
      4 * 13 * 8 + 12 * 2 * 13,
    ],
  ] as const)('of %s on %j %j are %i', (operator, shapes, attributes, expected) => {
    expect(flopsOf(operator, shapes, attributes)).toBe(expected)
  })

  it('are none for what only moves elements, and some for the rest', () => {
    for (const { name, errorClass, samples, infer, flops, dtypes } of definitions) {
      const { inputs, attributes } = samples(dtypes[0]!)[0]!
      const counted = flops(inputs, attributes, infer(inputs, attributes))
      expect(counted > 0, name).toBe(errorClass !== 'movement')
    }
  })
})

describe('bytesMoved', () => {
  it('counts every operand once', () => {
    const inputs = [spec([7, 4]), spec([5, 4]), undefined]
    expect(bytesMoved(definitionOf('linear'), inputs, spec([7, 5]))).toBe(2 * (28 + 20 + 35))
    const masked = [spec([2, 3], 'float32'), spec([3], 'bool')]
    expect(bytesMoved(definitionOf('softmax'), masked, spec([2, 3], 'float32'))).toBe(24 + 3 + 24)
  })

  it('is nothing for a view', () => {
    expect(bytesMoved(definitionOf('permute'), [spec([2, 3])], spec([3, 2]))).toBe(0)
  })
})
