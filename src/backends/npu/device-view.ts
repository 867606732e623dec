/** Tensors as kernels of this backend see them, and views of views. */
import { type DType, dtypes } from '../../tensor/dtype.ts'
import {
  isContiguous,
  numel,
  reshapeStrides,
  type Shape,
  type Strides,
} from '../../tensor/shape.ts'
import type { TensorView } from '../../tensor/storage.ts'
import type { Block } from '../memory-pool.ts'
import type { DeviceMemory } from './runtime.ts'

/** The memory of a tensor. */
export interface Slot {
  /** Missing where nothing is to be given back: no elements, or memory that another stream has lent. */
  readonly block: Block | undefined
  /** Where the block goes back to. */
  readonly memory: DeviceMemory | undefined
  /** Of the first element; a multiple of 64, in a block that may hold other slots too. */
  readonly address: bigint
  /** In elements. */
  readonly length: number
  /** The elements of integers that came from the host, so that indices can be checked. */
  integers: Int32Array | BigInt64Array | undefined
}

/** Of tensors without elements, which never reach the device. */
export const emptySlot: Slot = {
  block: undefined,
  memory: undefined,
  address: 0n,
  length: 0,
  integers: undefined,
}

/** A whole block. */
export function slotOver(block: Block, memory: DeviceMemory, length: number): Slot {
  return { block, memory, address: block.address, length, integers: undefined }
}

/** A strided view of a slot. */
export interface DeviceView {
  readonly slot: Slot
  readonly dtype: DType
  readonly shape: Shape
  /** In elements. */
  readonly strides: Strides
  /** In elements, from the beginning of the slot. */
  readonly offset: number
}

export function deviceView({ storage, dtype, shape, strides, offset }: TensorView): DeviceView {
  return { slot: storage.slot as Slot, dtype, shape, strides, offset }
}

/** Where the first element of a dense view lies. */
export function addressOf({ slot, dtype, offset }: DeviceView): bigint {
  return slot.address + BigInt(offset * dtypes[dtype].itemsize)
}

export function isDense({ shape, strides }: DeviceView): boolean {
  return isContiguous(shape, strides)
}

export function isEmpty({ shape }: DeviceView): boolean {
  return numel(shape) === 0
}

export function permuted(view: DeviceView, axes: readonly number[]): DeviceView {
  return {
    ...view,
    shape: axes.map((axis) => view.shape[axis]!),
    strides: axes.map((axis) => view.strides[axis]!),
  }
}

/** `view` under another shape of as many elements, or undefined where that takes a copy. */
export function reshaped(view: DeviceView, shape: Shape): DeviceView | undefined {
  const strides = reshapeStrides(view.shape, view.strides, shape)
  return strides && { ...view, shape, strides }
}

/** Elements `start` up to `end` of an axis. */
export function sliced(view: DeviceView, axis: number, start: number, end: number): DeviceView {
  return {
    ...view,
    shape: view.shape.with(axis, end - start),
    offset: view.offset + start * view.strides[axis]!,
  }
}
