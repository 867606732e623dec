/** Arrays of the host side by side in one block of the device, so that they travel in one copy. */
import type { HostElements } from '../../ops/backend.ts'
import type { HostArray } from '../../tensor/dtype.ts'
import { type Block, divide } from '../memory-pool.ts'
import { emptySlot, type Slot } from './device-view.ts'
import type { DeviceMemory, Runtime } from './runtime.ts'

export class Arrays {
  /** Arrays that have been copied to memory of theirs. */
  static placed(runtime: Runtime, memory: DeviceMemory, arrays: readonly HostElements[]): Arrays {
    const placed = new Arrays(runtime, memory, arrays)
    try {
      placed.upload(arrays)
    } catch (error) {
      for (const { block } of placed.slots) if (block !== undefined) memory.put(block)
      throw error
    }
    return placed
  }

  /** Of each array, in order. */
  readonly slots: readonly Slot[]
  readonly #runtime: Runtime
  readonly #block: Block | undefined

  /** Takes a block; each slot with elements gives back its share of it. */
  constructor(runtime: Runtime, memory: DeviceMemory, arrays: readonly HostElements[]) {
    this.#runtime = runtime
    const present = arrays.filter(({ data }) => data.length > 0)
    if (present.length === 0) {
      this.slots = arrays.map(() => emptySlot)
      return
    }
    const { starts, length } = divide(present.map(({ data }) => data.byteLength))
    const block = memory.take(length, present.length)
    this.#block = block
    this.slots = arrays.map(({ data }): Slot => {
      if (data.length === 0) return emptySlot
      const address = block.address + BigInt(starts.shift()!)
      return { block, memory, address, length: data.length, integers: undefined }
    })
  }

  /** Notes arrays of these lengths, so that indices can be checked before they are uploaded. */
  accept(arrays: readonly HostElements[]): void {
    for (const [at, { data }] of arrays.entries()) {
      const areIntegers = data instanceof Int32Array || data instanceof BigInt64Array
      if (areIntegers && data.length > 0) this.slots[at]!.integers = data
    }
  }

  /** Copies arrays of these lengths to their slots, after all work enqueued before. */
  upload(arrays: readonly HostElements[]): void {
    this.accept(arrays)
    const block = this.#block
    if (block !== undefined) this.#runtime.upload(block, this.#joined(block, arrays))
  }

  /** One array as it is, several as the bytes of a block that holds them. */
  #joined(block: Block, arrays: readonly HostElements[]): HostArray | Uint8Array {
    if (arrays.length === 1) return arrays[0]!.data
    const pieces = arrays.flatMap(({ data }, at) => {
      const start = Number(this.slots[at]!.address - block.address)
      return data.length === 0 ? [] : [{ start, data }]
    })
    const last = pieces.at(-1)!
    const bytes = new Uint8Array(last.start + last.data.byteLength)
    for (const { start, data } of pieces) {
      bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start)
    }
    return bytes
  }
}
