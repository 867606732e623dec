import { expect, test } from 'vitest'
import { tokenBatch } from '../../src/model/token-batch.ts'

// Position ids by hand from fairseq's rule: padding id + running count of tokens that are not padding.
test('packs texts one after the other', () => {
  const batch = tokenBatch(
    [
      [0, 7, 2],
      [0, 2],
    ],
    'packed',
    1,
  )
  expect(batch.lengths).toEqual([3, 2])
  expect([...batch.inputIds]).toEqual([0, 7, 2, 0, 2])
  expect([...batch.positionIds]).toEqual([2, 3, 4, 2, 3])
  expect([...batch.firstRows]).toEqual([0, 3])
  expect(batch.paddingMask).toBeUndefined()
})

test('pads texts to the longest', () => {
  const batch = tokenBatch(
    [
      [0, 2],
      [0, 7, 2],
    ],
    'padded',
    1,
  )
  expect(batch.lengths).toEqual([3, 3])
  expect([...batch.inputIds]).toEqual([0, 2, 1, 0, 7, 2])
  expect([...batch.positionIds]).toEqual([2, 3, 1, 2, 3, 4])
  expect([...batch.firstRows]).toEqual([0, 3])
  expect([...batch.paddingMask!]).toEqual([0, 0, 1, 0, 0, 0])
})

test('a padding token within a text has the padding position but is attended to', () => {
  const batch = tokenBatch([[0, 1, 7, 2]], 'padded', 1)
  expect([...batch.positionIds]).toEqual([2, 1, 3, 4])
  expect([...batch.paddingMask!]).toEqual([0, 0, 0, 0])
})

test('counts from another padding id', () => {
  expect([...tokenBatch([[0, 7, 2]], 'packed', 5).positionIds]).toEqual([6, 7, 8])
})
