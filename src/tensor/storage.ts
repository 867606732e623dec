/**
 * Memory that one device owns and that tensors share by reference count.
 *
 * Memory is given back at the moment the last tensor over it is disposed. The finalizer is only a
 * safety net for tensors that were dropped without that; it counts what it had to free, and tests
 * expect the count to stay zero.
 */
import type { DType, HostArray } from './dtype.ts'
import { DisposedTensorError } from './errors.ts'
import type { Shape, Strides } from './shape.ts'

/** A strided view of storage: what a kernel needs to know of a tensor. */
export interface TensorView {
  readonly storage: Storage
  readonly dtype: DType
  readonly shape: Shape
  /** In elements. */
  readonly strides: Strides
  /** In elements, from the beginning of the storage. */
  readonly offset: number
}

/** The part of a backend that tensors need: whose memory it is, and how to read and free it. */
export interface StorageOwner {
  /** The device string, for example `reference` or `npu:0`. */
  readonly device: string
  /** Copies a view's elements to the host in row-major order, after all work enqueued before. */
  download(view: TensorView): Promise<HostArray>
  /** Gives memory back; work enqueued before may still use it. */
  free(slot: unknown): void
}

let leaked = 0
const safetyNet = new FinalizationRegistry<{ owner: StorageOwner; slot: unknown }>(
  ({ owner, slot }) => {
    leaked += 1
    owner.free(slot)
  },
)

/** How many storages the garbage collector had to free because nobody disposed of them. */
export function leakedStorageCount(): number {
  return leaked
}

export class Storage {
  #references = 0

  constructor(
    readonly owner: StorageOwner,
    /** Opaque to everybody but the owner. */
    readonly slot: unknown,
    readonly byteLength: number,
  ) {
    safetyNet.register(this, { owner, slot }, this)
  }

  retain(): void {
    if (this.#references < 0) throw new DisposedTensorError('this storage')
    this.#references += 1
  }

  release(): void {
    this.#references -= 1
    if (this.#references > 0) return
    this.#references = -1
    safetyNet.unregister(this)
    this.owner.free(this.slot)
  }
}
