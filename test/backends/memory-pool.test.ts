import { describe, expect, it } from 'vitest'
import { blockSize, divide, MemoryPool } from '../../src/backends/memory-pool.ts'

describe('room for those who read past the end', () => {
  // CANN: a piece that begins at a multiple of 64 is as long as the next multiple of 32, and 32 more.
  it.each([
    [1, 64],
    [32, 64],
    [33, 96],
    [512, 544],
    [100_000, 100_032],
  ])('%d bytes take at least %d', (length, least) => {
    expect(blockSize(length)).toBeGreaterThanOrEqual(least)
    const { starts, length: whole } = divide([length, length])
    expect(starts[0]).toBe(0)
    expect(starts[1]! % 64).toBe(0)
    expect(starts[1]).toBeGreaterThanOrEqual(least)
    expect(whole - starts[1]!).toBeGreaterThanOrEqual(least)
  })
})

it('a block that refuses to be given back is lost; the others are given back, and none twice', () => {
  let next = 0n
  const released: bigint[] = []
  const pool = new MemoryPool(
    () => (next += 4096n),
    (address) => {
      released.push(address)
      if (address === 8192n) throw new Error('refused')
    },
  )
  for (const block of [100, 1000, 3000].map((length) => pool.take(length))) pool.put(block)
  expect(() => pool.empty()).toThrow('refused')
  expect(released.sort()).toEqual([12288n, 4096n, 8192n])
  expect(pool.heldBytes).toBe(0)
  expect(pool.take(1000).address).toBe(16384n)
  pool.empty()
  expect(released).toHaveLength(3)
})
