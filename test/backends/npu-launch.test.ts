/** What a launch takes of memory, with a memory that counts. */
import { expect, test } from 'vitest'
import type { Block } from '../../src/backends/memory-pool.ts'
import { type DeviceView, slotOver } from '../../src/backends/npu/device-view.ts'
import { Launch } from '../../src/backends/npu/launch.ts'
import { PreparedWeights } from '../../src/backends/npu/prepared-weights.ts'
import type { Runtime } from '../../src/backends/npu/runtime.ts'

/** Blocks that are taken, by address. */
function countingRuntime() {
  const taken = new Set<bigint>()
  let next = 0n
  const memory = {
    prepared: new PreparedWeights(),
    take: (size: number): Block => {
      next += 4096n
      taken.add(next)
      return { address: next, size, isFresh: true, users: 1, putBackAt: 0 }
    },
    put: ({ address }: Block) => void taken.delete(address),
  }
  return { runtime: memory as unknown as Runtime, taken }
}

test.each([
  ['of its own', 1],
  ['of somebody else', 0],
])('a prepared form keeps its block, %s, and all others go back', (_, kept) => {
  const { runtime, taken } = countingRuntime()
  const launch = new Launch(runtime, undefined, { cubeMathType: 'keep', aclnn: [] })
  const view = (block: Block): DeviceView => {
    const slot = slotOver(block, runtime, 16)
    return { slot, dtype: 'float16', shape: [4, 4], strides: [4, 1], offset: 0 }
  }
  const weight = view(runtime.take(32))
  const form = launch.prepared(weight, (inner) => {
    const own = inner.temporary('float16', [4, 4])
    inner.temporary('float16', [4, 4])
    return kept === 1 ? own : view(runtime.take(32))
  })
  expect([...taken].sort()).toEqual([weight, form!].map(({ slot }) => slot.address).sort())
  launch.dispose()
  expect(taken.size).toBe(2)
})
