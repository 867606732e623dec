/** A device's memory: one shared WebAssembly memory, divided into blocks that each stream keeps for reuse. */
import { DeviceUnavailableError } from '../../errors.ts'
import { type Block, MemoryPool } from '../memory-pool.ts'
import { CpuError } from './error.ts'
import { FreeRanges } from './free-ranges.ts'

/** Of WebAssembly's memory, in bytes. */
export const pageSize = 65536
/** 4 GiB, all that WebAssembly can address with 32 bits. */
const mostPages = 65536
/** Memory grows by 16 MiB or more. Only what is used takes physical memory. */
const growth = 256
/**
 * Address 0, which stands for an operand that is not there, and the kernels' constants; also in
 * kernels/wasm/build.mjs.
 */
const ownedByKernels = 4096
/** A cache line; blocks are multiples of it (memory-pool.ts). */
const alignment = 64

/** The memory that all streams of a device share. */
export class SharedMemory {
  readonly wasm: WebAssembly.Memory
  #end = ownedByKernels
  readonly #free = new FreeRanges()

  constructor() {
    try {
      this.wasm = new WebAssembly.Memory({ initial: growth, maximum: mostPages, shared: true })
    } catch (cause) {
      throw new DeviceUnavailableError('cpu', 'there is no room for 4 GiB of addresses', {
        hint: 'raise the limit of virtual memory (ulimit -v)',
        cause,
      })
    }
  }

  /** Bytes that a stream has given back and none has, between others. */
  get freeBytes(): number {
    return this.#free.bytes
  }

  /** The address of `size` bytes, a multiple of `alignment`. */
  obtain(size: number): number {
    return this.#free.take(size) ?? this.#extend(size)
  }

  /** No command may use them any more. */
  giveBack(address: number, size: number): void {
    this.#free.put(address, size)
    this.#end = this.#free.takeBefore(this.#end)
  }

  #extend(size: number): number {
    const address = this.#end
    const end = address + size
    // Kernels read and write whole vectors, which may reach beyond the last block.
    const missing = Math.ceil((end + alignment - this.wasm.buffer.byteLength) / pageSize)
    if (missing > 0) {
      const left = mostPages - this.wasm.buffer.byteLength / pageSize
      try {
        this.wasm.grow(Math.max(missing, Math.min(growth, left)))
      } catch (cause) {
        throw new CpuError(undefined, `no memory for ${size} bytes beside ${address}`, {
          hint: 'take a smaller batch or model',
          isOutOfMemory: true,
          cause,
        })
      }
    }
    this.#end = end
    return address
  }
}

/** Blocks of the memory for one stream of commands. */
export class StreamMemory {
  readonly #shared: SharedMemory
  readonly #pool: MemoryPool<number>
  readonly #done: () => number

  /** `done` tells how far the stream is; see `takeIdle`. */
  constructor(shared: SharedMemory, done: () => number) {
    this.#shared = shared
    this.#done = done
    this.#pool = new MemoryPool(
      (size) => shared.obtain(size),
      (address, size) => shared.giveBack(address, size),
    )
  }

  /** Bytes in use or kept for reuse. */
  get heldBytes(): number {
    return this.#pool.heldBytes
  }

  /** A block for commands to write. */
  take(bytes: number): Block<number> {
    return this.#orAfterGivingBack(() => this.#pool.take(bytes))
  }

  /** A block that no command uses, for the main thread to write. */
  takeIdle(bytes: number): Block<number> {
    return this.#orAfterGivingBack(() => this.#pool.take(bytes, { done: this.#done() }))
  }

  /** `issued` is the number of the last command that may use the block. */
  put(block: Block<number>, issued: number): void {
    this.#pool.put(block, issued)
  }

  /** The bytes at an address, valid until memory grows. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#shared.wasm.buffer, address, length)
  }

  /** Gives what nobody has to whatever stream wants it. All commands must be complete. */
  giveBackAll(): void {
    this.#pool.empty()
  }

  /** Blocks of other sizes are kept while there is room beside them. */
  #orAfterGivingBack(take: () => Block<number>): Block<number> {
    try {
      return take()
    } catch (error) {
      if (!(error instanceof CpuError && error.isOutOfMemory)) throw error
      this.#pool.empty(this.#done())
      return take()
    }
  }
}
