/** What a tensor's storage is on this device: a block of memory, or a weight in packed form. */
import { type DType, dtypes } from '../../tensor/dtype.ts'
import { isContiguous, numel } from '../../tensor/shape.ts'
import type { TensorView } from '../../tensor/storage.ts'
import type { Block } from '../memory-pool.ts'

export interface Packed {
  readonly columns: number
  readonly inner: number
  /** Whether it has been packed; asked for by other streams. */
  readonly isThere: () => boolean
}

export interface Slot {
  readonly dtype: DType
  readonly length: number
  /** Undefined where there are no elements. */
  block: Block<number> | undefined
  /**
   * Set while `block` holds the elements as packColumns leaves them, for a matrix `[columns, inner]` that is
   * all of the storage: what `linear` wants of its weight. They are float32, or bfloat16 where a
   * library multiplies those (`Launch.staysNarrow`).
   */
  packed: Packed | undefined
  /** While another stream has borrowed it: blocks that it had before, which that may still use. */
  lent: Block<number>[] | undefined
  /** Where it is borrowed, the slot of the lender, who alone gives blocks back. */
  readonly origin: Slot | undefined
}

export function newSlot(dtype: DType, length: number, block: Block<number> | undefined): Slot {
  return { dtype, length, block, packed: undefined, lent: undefined, origin: undefined }
}

export function slotOf(view: TensorView): Slot {
  return view.storage.slot as Slot
}

/** What its lender has packed meanwhile is borrowed in that form from then on. */
export function borrowPacked(slot: Slot): void {
  const { packed, block } = slot.origin ?? slot
  if (slot.packed !== undefined || packed?.isThere() !== true) return
  slot.packed = packed
  slot.block = block
}

/** The address of a view's first element. Its slot must not be packed. */
export function addressOf(view: TensorView): number {
  const { block } = slotOf(view)
  return block === undefined ? 0 : block.address + view.offset * dtypes[view.dtype].itemsize
}

export function isDense({ shape, strides }: TensorView): boolean {
  return isContiguous(shape, strides)
}

/** True if the view is the storage from end to end. */
export function isWhole(view: TensorView): boolean {
  return isDense(view) && view.offset === 0 && numel(view.shape) === slotOf(view).length
}
