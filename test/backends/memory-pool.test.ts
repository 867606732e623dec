import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FreeRanges } from '../../src/backends/cpu/free-ranges.ts'
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

it('only what was put back before is given back where the stream is not done', () => {
  let next = 0n
  const released: bigint[] = []
  const pool = new MemoryPool(
    () => (next += 4096n),
    (address) => released.push(address),
  )
  const [first, second] = [pool.take(100), pool.take(100)]
  pool.put(first, 3)
  pool.put(second, 5)
  pool.empty(4)
  expect(released).toEqual([first.address])
  expect(pool.take(100)).toBe(second)
})

it('free ranges that touch become one, and what is taken is free', () => {
  const whole = 64
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 9 }))), (steps) => {
      const ranges = new FreeRanges()
      ranges.put(0, whole)
      const taken: { address: number; size: number }[] = []
      for (const [which, size] of steps) {
        const [own] = which % 2 === 0 ? taken.splice(which % taken.length, 1) : []
        if (own !== undefined) {
          ranges.put(own.address, own.size)
          continue
        }
        const address = ranges.take(size)
        if (address === undefined) continue
        const overlaps = taken.some(
          (other) => address < other.address + other.size && other.address < address + size,
        )
        if (overlaps || address < 0 || address + size > whole) return false
        taken.push({ address, size })
      }
      const held = taken.reduce((sum, { size }) => sum + size, 0)
      if (ranges.bytes !== whole - held) return false
      for (const { address, size } of taken) ranges.put(address, size)
      return ranges.takeBefore(whole) === 0 && ranges.bytes === 0
    }),
  )
})
