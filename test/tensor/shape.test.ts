/** Shape arithmetic against brute force over all indices of small shapes. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  broadcastShapes,
  broadcastStrides,
  contiguousStrides,
  extent,
  forEachPosition,
  formatShape,
  isContiguous,
  numel,
  reshapeStrides,
  sameShape,
} from '../../src/tensor/shape.ts'

type Numbers = readonly number[]

/** All multi-indices in row-major order. */
function indicesOf(shape: Numbers): number[][] {
  return shape.reduce<number[][]>(
    (indices, size) =>
      indices.flatMap((index) => [...new Array(size).keys()].map((i) => [...index, i])),
    [[]],
  )
}

/** The storage positions of a view's elements in row-major order, by the definition of strides. */
function positionsOf(shape: Numbers, strides: Numbers, offset = 0): number[] {
  return indicesOf(shape).map((index) =>
    index.reduce((position, i, axis) => position + i * strides[axis]!, offset),
  )
}

const size = fc.integer({ min: 0, max: 4 })
const shape = fc.array(size, { maxLength: 4 })
/** A shape with strides as views have them: permuted, stepped, repeated, negative. */
const view = shape.chain((sizes) =>
  fc.record({
    shape: fc.constant(sizes),
    strides: fc.oneof(
      fc.array(fc.integer({ min: -6, max: 12 }), {
        minLength: sizes.length,
        maxLength: sizes.length,
      }),
      fc.constant(contiguousStrides(sizes)),
      fc.constant(contiguousStrides(sizes).map((stride) => 2 * stride)),
      fc.constant(contiguousStrides([...sizes].reverse()).reverse()),
    ),
    offset: fc.integer({ min: 0, max: 9 }),
  }),
)

describe('shapes', () => {
  it('count, print and compare', () => {
    expect([[], [3], [2, 0, 5], [2, 3, 4]].map(numel)).toEqual([1, 3, 0, 24])
    expect([[], [2, 3]].map(formatShape)).toEqual(['[]', '[2, 3]'])
    expect([sameShape([2, 3], [2, 3]), sameShape([2], [2, 1]), sameShape([], [])]).toEqual([
      true,
      false,
      true,
    ])
  })

  it('contiguous strides visit 0, 1, 2, …', () => {
    fc.assert(
      fc.property(shape, (sizes) => {
        const positions = positionsOf(sizes, contiguousStrides(sizes))
        expect(positions).toEqual([...positions.keys()])
      }),
    )
  })

  it('a view is contiguous if its positions follow each other', () => {
    fc.assert(
      fc.property(view, ({ shape: sizes, strides }) => {
        const positions = positionsOf(sizes, strides)
        const follow = positions.every((position, index) => position === index)
        expect(isContiguous(sizes, strides)).toBe(follow)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('broadcasting', () => {
  it.each([
    [[2, 3], [3], [2, 3]],
    [
      [3, 1, 5],
      [4, 1],
      [3, 4, 5],
    ],
    [[], [2, 2], [2, 2]],
    [[1], [0], [0]],
    [
      [2, 0],
      [1, 1],
      [2, 0],
    ],
    [[2], [3], undefined],
    [[0], [2], undefined],
    [[2, 3], [2], undefined],
  ])('of %j and %j gives %j', (a, b, expected) => {
    expect(broadcastShapes(a, b)).toEqual(expected)
    expect(broadcastShapes(b, a)).toEqual(expected)
  })

  it('reads the element whose index is 0 on every repeated axis', () => {
    const pair = fc.tuple(
      fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
      fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    )
    fc.assert(
      fc.property(pair, ([tail, repeated, lead]) => {
        const target = [...lead, ...tail]
        const own = tail.map((n, axis) => (repeated[axis] ? 1 : n))
        const strides = contiguousStrides(own)
        const expected = indicesOf(target).map((index) =>
          index
            .slice(lead.length)
            .reduce(
              (position, i, axis) => position + (own[axis] === 1 ? 0 : i) * strides[axis]!,
              0,
            ),
        )
        expect(broadcastShapes(own, target)).toEqual(target)
        expect(positionsOf(target, broadcastStrides(own, strides, target))).toEqual(expected)
      }),
    )
  })
})

describe('reshapeStrides', () => {
  /** Shapes with the same number of elements. */
  const reshape = view.chain((from) =>
    fc.record({
      from: fc.constant(from),
      to: fc.constantFrom(...shapesOf(numel(from.shape))),
    }),
  )

  it('keeps the elements in order, and says no only where no strides can', () => {
    fc.assert(
      fc.property(reshape, ({ from, to }) => {
        const positions = positionsOf(from.shape, from.strides)
        const strides = reshapeStrides(from.shape, from.strides, to)
        if (strides !== undefined) expect(positionsOf(to, strides)).toEqual(positions)
        expect(strides !== undefined).toBe(isAffine(to, positions))
      }),
      { numRuns: 3000 },
    )
  })

  /** All shapes of up to four axes, none larger than the count, with this many elements. */
  function shapesOf(count: number, axes = 4): number[][] {
    if (count === 0) return [[0], [2, 0], [0, 3, 1]]
    if (axes === 0) return count === 1 ? [[]] : []
    const divisors = [...new Array(count + 1).keys()].filter((n) => n > 0 && count % n === 0)
    return [
      ...(count === 1 ? [[]] : []),
      ...divisors.flatMap((n) => shapesOf(count / n, axes - 1).map((rest) => [n, ...rest])),
    ]
  }

  /** True if some strides give these positions: one step along an axis is always the same. */
  function isAffine(to: Numbers, positions: Numbers): boolean {
    const row = contiguousStrides(to)
    const strides = to.map((n, axis) =>
      n > 1 && positions.length > 0 ? positions[row[axis]!]! - positions[0]! : 0,
    )
    const tried = positionsOf(to, strides, positions[0])
    return tried.every((position, index) => position === positions[index])
  }
})

describe('walking', () => {
  it('forEachPosition visits all positions in row-major order', () => {
    fc.assert(
      fc.property(view, ({ shape: sizes, strides, offset }) => {
        const visited: number[] = []
        const counted: number[] = []
        forEachPosition(sizes, strides, offset, (position, index) => {
          visited.push(position)
          counted.push(index)
        })
        expect(visited).toEqual(positionsOf(sizes, strides, offset))
        expect(counted).toEqual([...visited.keys()])
      }),
      { numRuns: 1000 },
    )
  })

  it('extent is the first and last position visited', () => {
    fc.assert(
      fc.property(view, ({ shape: sizes, strides, offset }) => {
        const positions = positionsOf(sizes, strides, offset)
        const expected =
          positions.length === 0
            ? undefined
            : { first: Math.min(...positions), last: Math.max(...positions) }
        expect(extent(sizes, strides, offset)).toEqual(expected)
      }),
      { numRuns: 1000 },
    )
  })
})
