/**
 * Pinned memory of the host, which asynchronous copies need: AscendCL has its address, JavaScript a view
 * of it. Nothing tells whether a copy still uses it, but that a later wait has succeeded.
 */
import type { Cann } from '../../ffi/open-cann.ts'
import { type Block, MemoryPool } from '../memory-pool.ts'

export interface Pinned {
  readonly address: bigint
  readonly bytes: Uint8Array
}

export class PinnedMemory {
  readonly #pool: MemoryPool<Pinned>
  /** What copies may still use, and no wait that has begun is for. */
  #lent: Block<Pinned>[] = []

  constructor({ call, functions, view }: Cann) {
    this.#pool = new MemoryPool(
      (size) => {
        const handle = new BigUint64Array(1)
        call(functions.aclrtMallocHost, [handle, BigInt(size)])
        const address = handle[0]!
        return { address, bytes: view(address, size) }
      },
      ({ address }) => call(functions.aclrtFreeHost, [address]),
    )
  }

  take(length: number): Block<Pinned> {
    return this.#pool.take(length)
  }

  /** Takes back what no copy uses. */
  put(block: Block<Pinned>): void {
    this.#pool.put(block)
  }

  /** Takes back what a copy uses that has been enqueued; somebody else gets it when a later wait has succeeded. */
  putAfterWait(block: Block<Pinned>): void {
    this.#lent.push(block)
  }

  /** The outcome of a wait that has just begun; what copies have used until then is nobody's after it. */
  async during(wait: Promise<void>): Promise<void> {
    const lent = this.#lent
    this.#lent = []
    try {
      await wait
    } catch (error) {
      // It says nothing of what is done.
      this.#lent.push(...lent)
      throw error
    }
    for (const block of lent) this.#pool.put(block)
  }

  /** Gives all back to the host, when nothing is enqueued any more. */
  empty(): void {
    for (const block of this.#lent.splice(0)) this.#pool.put(block)
    this.#pool.empty()
  }
}
