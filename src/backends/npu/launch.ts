/**
 * The two-phase call of aclnn, in one place, and what a kernel may use meanwhile.
 *
 * Phase 1 plans on the host and says how much workspace it needs; phase 2 enqueues and consumes the
 * executor, whether it succeeds or not. A plan that never gets to phase 2 is destroyed here.
 * Descriptors are destroyed after phase 2: one-shot executors have copied what they need. Workspace
 * and temporaries go back to the pool at once, since later work on the stream comes later.
 */
import { AscendError, type CallOptions, type StatusSignature } from '../../ffi/ascend-error.ts'
import type { NativeFunction } from '../../ffi/binding.ts'
import type { OperatorName as AclnnName, operators } from '../../ffi/functions.ts'
import type { Cann } from '../../ffi/open-cann.ts'
import type { Arguments } from '../../ffi/signature.ts'
import type { OperatorInputs, TensorSpec } from '../../ops/backend.ts'
import type { OperatorName } from '../../ops/catalogue.ts'
import { type DType, dtypes } from '../../tensor/dtype.ts'
import { contiguousStrides, formatShape, numel, type Shape } from '../../tensor/shape.ts'
import type { Block } from '../memory-pool.ts'
import {
  type Alternative,
  type CubeMathType,
  cubeMathTypes,
  dataTypes,
  formatND,
} from './constants.ts'
import { addressOf, type DeviceView, isDense, reshaped } from './device-view.ts'
import type { Runtime } from './runtime.ts'

/** The arguments of an aclnn operator, without those that the two-phase call adds. */
export type AclnnArguments<K extends AclnnName> = Arguments<`int32 (${(typeof operators)[K]})`>

const noHandle = 0n

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
      formatND,
      longs([slot.length]),
      1n,
      slot.address,
    )
    return this.#owned(aclCreateTensor, handle, aclDestroyTensor)
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
    return this.#destroy.flatMap((destroy) => {
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

/** What a user may choose of how operators are launched. */
export interface LaunchOptions {
  readonly cubeMathType: CubeMathType
  readonly aclnn: readonly Alternative[]
}

function describeInputs(inputs: OperatorInputs<TensorSpec>): string {
  return inputs
    .filter((input) => input !== undefined)
    .map(({ dtype, shape }) => `${dtype}${formatShape(shape)}`)
    .join(', ')
}

/** One operator call of this package, made of one aclnn call or several. */
export class Launch {
  readonly #runtime: Runtime
  readonly #options: LaunchOptions
  readonly #temporaries: Block[] = []
  /** What an error says of the operator, beside the function of aclnn. */
  readonly #call: CallOptions = {}

  constructor(
    runtime: Runtime,
    operator: OperatorName | undefined,
    options: LaunchOptions,
    inputs: OperatorInputs<TensorSpec> = [],
  ) {
    this.#runtime = runtime
    this.#options = options
    if (operator !== undefined) this.#call = { operator, inputs: () => describeInputs(inputs) }
  }

  /** The value of `cubeMathType` for products of matrices. */
  get cubeMathType(): number {
    return cubeMathTypes[this.#options.cubeMathType]
  }

  /** True where an alternative to the usual function of aclnn was asked for. */
  prefers(alternative: Alternative): boolean {
    return this.#options.aclnn.includes(alternative)
  }

  /** Enqueues an aclnn operator with the arguments that `describe` makes. */
  run<K extends AclnnName>(name: K, describe: (make: Descriptors) => AclnnArguments<K>): void {
    const { call, functions } = this.#runtime.cann
    const plan = functions[`${name}GetWorkspaceSize`] as unknown as NativeFunction<StatusSignature>
    const run = functions[name] as unknown as NativeFunction<StatusSignature>
    const descriptors = new Descriptors(this.#runtime.cann)
    let workspace: Block | undefined
    try {
      const size = new BigUint64Array(1)
      const executor = new BigUint64Array(1)
      call(plan, [...describe(descriptors), size, executor] as never, this.#call)
      try {
        if (size[0]! > 0n) workspace = this.#runtime.take(Number(size[0]))
      } catch (error) {
        functions.aclDestroyAclOpExecutor(executor[0]!)
        throw error
      }
      const at = workspace?.address ?? noHandle
      call(run, [at, size[0], executor[0], this.#runtime.stream] as never, this.#call)
    } catch (error) {
      // What stopped the call matters more than a failure to clean up after it.
      descriptors.dispose()
      throw error
    } finally {
      if (workspace !== undefined) this.#runtime.put(workspace)
    }
    const [failure] = descriptors.dispose()
    if (failure !== undefined) throw failure
  }

  /** A dense tensor that lives until the kernel returns. */
  temporary(dtype: DType, shape: Shape): DeviceView {
    const length = numel(shape)
    const block = this.#runtime.take(length * dtypes[dtype].itemsize)
    this.#temporaries.push(block)
    const slot = { block, address: block.address, length, integers: undefined }
    return { slot, dtype, shape, strides: contiguousStrides(shape), offset: 0 }
  }

  /** Copies elements into another layout, dtype or (by repetition) shape. */
  copy(from: DeviceView, to: DeviceView): void {
    this.run('aclnnInplaceCopy', (make) => [make.tensor(to), make.tensor(from)])
  }

  /** `view` in another dtype. */
  cast(view: DeviceView, dtype: DType, to = this.temporary(dtype, view.shape)): DeviceView {
    this.run('aclnnCast', (make) => [make.tensor(view), dataTypes[dtype], make.tensor(to)])
    return to
  }

  /** `view` under another shape: a view where its strides allow one, else a copy. */
  reshape(view: DeviceView, shape: Shape): DeviceView {
    const same = reshaped(view, shape)
    if (same !== undefined) return same
    const dense = this.temporary(view.dtype, view.shape)
    this.copy(view, dense)
    return { ...dense, shape, strides: contiguousStrides(shape) }
  }

  /** Sets a dense view to 0. */
  zero(view: DeviceView): void {
    this.#runtime.zero(addressOf(view), numel(view.shape) * dtypes[view.dtype].itemsize)
  }

  dispose(): void {
    for (const block of this.#temporaries) this.#runtime.put(block)
  }
}
