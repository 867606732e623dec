/**
 * One operator call on its way to becoming commands: operands in the form that kernels take, which is
 * dense and float32, and temporaries that go back to the pool at its end.
 */
import type { OperatorName } from '../../ops/catalogue.ts'
import { type DType, dtypes } from '../../tensor/dtype.ts'
import { contiguousStrides, numel, type Shape, type Strides } from '../../tensor/shape.ts'
import type { TensorView } from '../../tensor/storage.ts'
import type { Block } from '../memory-pool.ts'
import type { CommandQueue } from './command-queue.ts'
import { block, type KernelName } from './kernel-names.ts'
import { copyAxes } from './kernels/copy-axes.ts'
import type { StreamMemory } from './memory.ts'
import { panelWidth as nativePanelWidth } from './native-blas.ts'
import {
  addressOf,
  borrowPacked,
  isDense,
  isWhole,
  type Packed,
  type Slot,
  slotOf,
} from './slot.ts'

/** Where elements lie, without a storage. */
export interface Place {
  readonly address: number
  /** In elements. */
  readonly strides: Strides
}

/** Columns of a panel that kernels in WebAssembly multiply with; also in kernels/wasm/matmul.ts. */
export const panelWidth = 8

const toFloat32 = { float16: 'float16ToFloat32', bfloat16: 'bfloat16ToFloat32' } as const
const fromFloat32 = { float16: 'float32ToFloat16', bfloat16: 'float32ToBfloat16' } as const
const copies: Readonly<Record<number, KernelName>> = {
  1: 'copy1',
  2: 'copy2',
  4: 'copy4',
  8: 'copy8',
}

export class Launch implements Disposable {
  readonly #memory: StreamMemory
  readonly #queue: CommandQueue
  readonly #operator: OperatorName | undefined
  readonly #temporaries: Block<number>[] = []

  constructor(memory: StreamMemory, queue: CommandQueue, operator?: OperatorName) {
    this.#memory = memory
    this.#queue = queue
    this.#operator = operator
  }

  [Symbol.dispose](): void {
    for (const temporary of this.#temporaries) this.#memory.put(temporary, this.#queue.issued)
  }

  /** Whether a native library multiplies with weights. */
  get isNative(): boolean {
    return this.#queue.blas !== undefined
  }

  /** Whether weights of this dtype are packed and multiplied as they are, and not as float32. */
  staysNarrow(dtype: DType): boolean {
    return dtype === 'bfloat16' && this.#queue.blas?.hasBfloat16 === true
  }

  /** How many threads compute. */
  get threads(): number {
    return this.#queue.threads
  }

  /** Appends a command; `work` is about how many elements a unit touches. */
  run(kernel: KernelName, units: number, work: number, args: readonly number[]): void {
    if (units > 0) this.#queue.submit(kernel, units, work, args, this.#operator)
  }

  /** Appends a command of a kernel that goes element by element: addresses, their count, attributes. */
  runOnElements(
    kernel: KernelName,
    count: number,
    addresses: readonly number[],
    ...attributes: number[]
  ): void {
    this.run(kernel, Math.ceil(count / block), block, [...addresses, count, ...attributes])
  }

  /** The address of room for so many bytes until the end of this call. */
  temporary(bytes: number): number {
    return this.#keep(this.#memory.take(bytes))
  }

  /** The address of a list of integers. */
  integers(list: Int32Array): number {
    const address = this.#keep(this.#memory.takeIdle(list.byteLength))
    this.#memory.bytes(address, list.byteLength).set(new Uint8Array(list.buffer))
    return address
  }

  /** The address of a view's elements one after the other, in its dtype. */
  dense(view: TensorView): number {
    if (isDense(view)) return this.#addressOf(view)
    const address = this.temporary(numel(view.shape) * dtypes[view.dtype].itemsize)
    this.copy(view, { address, strides: contiguousStrides(view.shape) })
    return address
  }

  /** The address of a view's elements one after the other, as float32. */
  float32(view: TensorView): number {
    const { dtype } = view
    const address = this.dense(view)
    if (dtype !== 'float16' && dtype !== 'bfloat16') return address
    const count = numel(view.shape)
    const result = this.temporary(4 * count)
    this.runOnElements(toFloat32[dtype], count, [address, result])
    return result
  }

  /** Lets `body` compute float32 elements of a dense output, and rounds them to its dtype. */
  compute(output: TensorView, body: (address: number) => void): void {
    const { dtype } = output
    if (dtype !== 'float16' && dtype !== 'bfloat16') {
      body(addressOf(output))
      return
    }
    const count = numel(output.shape)
    const address = this.temporary(4 * count)
    body(address)
    this.runOnElements(fromFloat32[dtype], count, [address, addressOf(output)])
  }

  /** Copies a view's elements, bit by bit, to where `target` says. */
  copy(view: TensorView, target: Place): void {
    const { dtype, shape, strides } = view
    this.copyElements(dtype, shape, { address: this.#addressOf(view), strides }, target)
  }

  copyElements(dtype: DType, shape: Shape, source: Place, target: Place): void {
    const { itemsize } = dtypes[dtype]
    for (const { sizes, from, to, fromOffset, toOffset } of copyAxes(
      shape,
      source.strides,
      target.strides,
    )) {
      this.run(copies[itemsize]!, sizes[0] * sizes[1] * sizes[2], sizes[3], [
        source.address + fromOffset * itemsize,
        target.address + toOffset * itemsize,
        ...[sizes[1], sizes[2], sizes[3]],
        ...from,
        ...to,
      ])
    }
  }

  /**
   * The address of a matrix `[columns, inner]` as packColumns leaves it, for the kernels in WebAssembly;
   * strides in elements.
   */
  packColumns(address: number, columns: number, inner: number, strides: Strides): number {
    const packed = this.temporary(4 * packedCount(columns, inner))
    this.#pack(address, columns, inner, strides, panelWidth, packed)
    return packed
  }

  /**
   * The same for a weight and whatever multiplies with it. From then on the weight is kept in that form
   * alone: memory holds every weight once. Views of a part of a storage are packed for this call only.
   */
  packedWeight(weight: TensorView): number {
    const [columns, inner] = weight.shape as readonly [number, number]
    const slot = slotOf(weight)
    borrowPacked(slot)
    const { packed } = slot
    if (packed?.columns === columns && packed.inner === inner && isWhole(weight)) {
      return slot.block?.address ?? 0
    }
    const address = this.float32(weight)
    const count = packedCount(columns, inner)
    const isNarrow = this.staysNarrow(weight.dtype)
    const temporary = isNarrow ? this.temporary(4 * count) : undefined
    const room = this.#memory.take((isNarrow ? 2 : 4) * count)
    const wide = temporary ?? room.address
    this.#pack(address, columns, inner, [inner, 1], this.#widthOfWeights, wide)
    if (isNarrow) this.runOnElements('float32ToBfloat16', count, [wide, room.address])
    const { block } = slot
    if (!isWhole(weight) || block === undefined || slot.origin !== undefined) {
      return this.#keep(room)
    }
    if (slot.lent === undefined) this.#keep(block)
    else slot.lent.push(block)
    const queue = this.#queue
    const { issued } = queue
    slot.block = room
    slot.packed = { columns, inner, isThere: () => queue.done >= issued }
    return room.address
  }

  #pack(
    address: number,
    columns: number,
    inner: number,
    [columnStride, innerStride]: Strides,
    width: number,
    packed: number,
  ): void {
    const sizes = [columnStride!, innerStride!, columns, inner, width]
    this.run('packColumns', Math.ceil(columns / 8), 8 * inner, [address, ...sizes, packed])
  }

  /** Columns of a panel of a weight. */
  get #widthOfWeights(): number {
    return this.isNative ? nativePanelWidth : panelWidth
  }

  /** The address of a view's first element, with those of its storage in their order. */
  #addressOf(view: TensorView): number {
    const slot = slotOf(view)
    borrowPacked(slot)
    if (slot.packed === undefined) return addressOf(view)
    return this.#unpacked(slot, slot.packed) + view.offset * dtypes[view.dtype].itemsize
  }

  /** The address of a packed storage's elements in their order, until the end of this call. */
  #unpacked({ block, dtype, length }: Slot, { columns, inner }: Packed): number {
    const isNarrow = this.staysNarrow(dtype)
    const count = packedCount(columns, inner)
    const source = isNarrow ? this.temporary(4 * count) : block!.address
    if (isNarrow) this.runOnElements('bfloat16ToFloat32', count, [block!.address, source])
    const wide = this.temporary(4 * length)
    const args = [source, columns, inner, this.#widthOfWeights, wide]
    this.run('unpackColumns', Math.ceil(columns / 8), 8 * inner, args)
    if (dtype !== 'float16' && dtype !== 'bfloat16') return wide
    const narrow = this.temporary(dtypes[dtype].itemsize * length)
    this.runOnElements(fromFloat32[dtype], length, [wide, narrow])
    return narrow
  }

  #keep(temporary: Block<number>): number {
    this.#temporaries.push(temporary)
    return temporary.address
  }
}

/** Elements of a packed matrix. */
function packedCount(columns: number, inner: number): number {
  return Math.ceil(columns / 8) * 8 * inner
}
