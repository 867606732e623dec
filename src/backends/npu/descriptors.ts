/** Descriptors of tensors, scalars and arrays: made for an aclnn call, and destroyed together. */
import { AscendError, type StatusSignature } from '../../ffi/ascend-error.ts'
import type { NativeFunction } from '../../ffi/binding.ts'
import type { Cann } from '../../ffi/open-cann.ts'
import { contiguousStrides, type Shape } from '../../tensor/shape.ts'
import { blockSize, dataTypes, formatND, formatNZ } from './constants.ts'
import { type DeviceView, isDense } from './device-view.ts'

/** NULL. */
export const noHandle = 0n

/** ACL_ERROR_BAD_ALLOC: the only reason why making a descriptor of valid arguments gives NULL. */
const outOfHostMemory = 200000

const longs = (values: readonly number[]) => BigInt64Array.from(values, BigInt)

/** Makes descriptors, and destroys what it made. */
export class Descriptors {
  readonly #cann: Cann
  readonly #destroy: (() => void)[] = []

  constructor(cann: Cann) {
    this.#cann = cann
  }

  /** An optional tensor that is not there is NULL. */
  tensor(view: DeviceView | undefined): bigint {
    if (view === undefined) return noHandle
    return this.#tensor(view, formatND, [view.slot.length])
  }

  /** A dense matrix whose memory is in the NZ format. */
  nz(view: DeviceView): bigint {
    const [rows, columns] = view.shape.map((size) => Math.ceil(size / blockSize)) as [
      number,
      number,
    ]
    return this.#tensor(view, formatNZ, [columns, rows, blockSize, blockSize])
  }

  #tensor(view: DeviceView, format: number, storageShape: Shape): bigint {
    const { slot, dtype, shape, offset } = view
    // Axes of size 1 may have any stride, which aclnn does not see through.
    const strides = isDense(view) ? contiguousStrides(shape) : view.strides
    const { aclCreateTensor, aclDestroyTensor } = this.#cann.functions
    const handle = aclCreateTensor(
      longs(shape),
      BigInt(shape.length),
      dataTypes[dtype],
      longs(strides),
      BigInt(offset),
      format,
      longs(storageShape),
      BigInt(storageShape.length),
      slot.address,
    )
    return this.#owned(aclCreateTensor, handle, aclDestroyTensor)
  }

  /** A list of tensors. */
  tensors(views: readonly DeviceView[]): bigint {
    const { aclCreateTensorList, aclDestroyTensorList } = this.#cann.functions
    const first = this.#destroy.length
    const members = BigUint64Array.from(views, (view) => this.tensor(view))
    const handle = aclCreateTensorList(members, BigInt(members.length))
    const list = this.#owned(aclCreateTensorList, handle, aclDestroyTensorList)
    // A list destroys its members.
    this.#destroy.splice(first, members.length)
    return list
  }

  /** A number in float32, which is what operators on floats take. */
  scalar(value: number): bigint {
    const { aclCreateScalar, aclDestroyScalar } = this.#cann.functions
    const handle = aclCreateScalar(Float32Array.of(value), dataTypes.float32)
    return this.#owned(aclCreateScalar, handle, aclDestroyScalar)
  }

  integers(values: readonly number[]): bigint {
    const { aclCreateIntArray, aclDestroyIntArray } = this.#cann.functions
    const handle = aclCreateIntArray(longs(values), BigInt(values.length))
    return this.#owned(aclCreateIntArray, handle, aclDestroyIntArray)
  }

  /** Destroys everything, whatever happens on the way, and returns what went wrong. */
  dispose(): readonly unknown[] {
    return this.#destroy.splice(0).flatMap((destroy) => {
      try {
        destroy()
        return []
      } catch (error) {
        return [error]
      }
    })
  }

  /** NULL would be taken for an optional argument that is not there. */
  #owned(create: NativeFunction, handle: bigint, destroy: NativeFunction): bigint {
    const { call, functions } = this.#cann
    if (handle === noHandle) {
      const message = functions.aclGetRecentErrMsg()
      throw new AscendError(create.symbol, outOfHostMemory, undefined, message)
    }
    this.#destroy.push(() => call(destroy as NativeFunction<StatusSignature>, [handle] as never))
    return handle
  }
}
