/**
 * Blocks of one kind of memory, kept for reuse: device memory is slow to get, and giving it back
 * does not wait for the work that still uses it.
 *
 * A block that is put back may be taken again at once for work on the same stream, since that comes
 * later. Who writes to it from elsewhere says how far the stream has come, and gets a block that was
 * put back before. Memory goes back to the device only when the pool is emptied.
 */

/** Pieces of a block begin at multiples of this many bytes, as the block does. */
const alignment = 64

/** Memory of `size` bytes. */
export interface Block<Address = bigint> {
  readonly address: Address
  readonly size: number
  /** Until it is put back for the first time. */
  isFresh: boolean
  /** How many times it has to be put back before somebody else gets it. */
  users: number
  /** Where the stream was when it was put back. */
  putBackAt: number
}

function paddedLength(length: number): number {
  return Math.ceil(length / 32) * 32 + 32
}

/** Where to put pieces of these many bytes in one block, and how long it has to be. */
export function divide(lengths: readonly number[]): { starts: number[]; length: number } {
  let length = 0
  const starts = lengths.map((piece) => {
    const start = Math.ceil(length / alignment) * alignment
    length = start + paddedLength(piece)
    return start
  })
  return { starts, length }
}

/**
 * What to ask for where `length` bytes are needed. Operators may read past the end, hence 32 bytes
 * more than a multiple of 32, as CANN's documentation of memory asks of those who divide it
 * themselves; then at most an eighth is lost so that blocks of similar lengths serve each other.
 */
export function blockSize(length: number): number {
  const padded = paddedLength(length)
  const step = Math.max(512, 2 ** (Math.floor(Math.log2(padded)) - 3))
  return Math.ceil(padded / step) * step
}

export interface TakeOptions {
  /** How many times the block has to be put back; 1 if not given. */
  readonly users?: number
  /** How far the stream has come; not asked for who works on the stream. */
  readonly done?: number
}

export class MemoryPool<Address = bigint> {
  readonly #free = new Map<number, Block<Address>[]>()
  readonly #obtain: (size: number) => Address
  readonly #release: (address: Address, size: number) => void
  #heldBytes = 0

  constructor(
    obtain: (size: number) => Address,
    release: (address: Address, size: number) => void,
  ) {
    this.#obtain = obtain
    this.#release = release
  }

  /** Bytes obtained and not given back, in use or not. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** A block for at least `length` bytes, put back at `done` or before, or fresh. */
  take(length: number, { users = 1, done = Infinity }: TakeOptions = {}): Block<Address> {
    const size = blockSize(length)
    const kept = this.#free.get(size)
    const at = kept?.findLastIndex(({ putBackAt }) => putBackAt <= done) ?? -1
    if (at >= 0) {
      const [block] = kept!.splice(at, 1)
      block!.users = users
      return block!
    }
    const block = { address: this.#obtain(size), size, isFresh: true, users, putBackAt: 0 }
    this.#heldBytes += size
    return block
  }

  /** `now` is where the stream is; whoever only takes for work on the stream need not say. */
  put(block: Block<Address>, now = 0): void {
    block.users -= 1
    if (block.users > 0) return
    block.isFresh = false
    block.putBackAt = now
    const kept = this.#free.get(block.size)
    if (kept === undefined) this.#free.set(block.size, [block])
    else kept.push(block)
  }

  /**
   * Gives back every block that nobody has, and throws the first failure at the end. One that refuses
   * is lost: nobody knows whether it may still be used. No work may be using them, or `done` says how far the
   * stream has come, and those that were put back later stay.
   */
  empty(done = Infinity): void {
    const blocks: Block<Address>[] = []
    for (const [size, kept] of this.#free) {
      blocks.push(...kept.filter(({ putBackAt }) => putBackAt <= done))
      this.#free.set(
        size,
        kept.filter(({ putBackAt }) => putBackAt > done),
      )
    }
    const failures: unknown[] = []
    for (const { address, size } of blocks) {
      this.#heldBytes -= size
      try {
        this.#release(address, size)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
