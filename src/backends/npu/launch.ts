/**
 * One operator call of this package: what a kernel may use meanwhile, and where its steps go.
 *
 * A step takes effect in stream order, so that workspace and temporaries go back at once: later work
 * comes later. Where a forward is recorded, its plan keeps the steps and is the memory.
 */
import type { CallOptions } from '../../ffi/ascend-error.ts'
import type { OperatorName as AclnnName } from '../../ffi/functions.ts'
import type { OperatorInputs, TensorSpec } from '../../ops/backend.ts'
import type { OperatorName } from '../../ops/catalogue.ts'
import { type DType, dtypes } from '../../tensor/dtype.ts'
import { contiguousStrides, formatShape, numel, type Shape } from '../../tensor/shape.ts'
import type { Block } from '../memory-pool.ts'
import { type AclnnArguments, AclnnCall } from './aclnn-call.ts'
import { type Alternative, type CubeMathType, cubeMathTypes, dataTypes } from './constants.ts'
import { Descriptors, noHandle } from './descriptors.ts'
import { addressOf, type DeviceView, reshaped, slotOver } from './device-view.ts'
import type { Plan } from './plan.ts'
import type { DeviceMemory, Runtime } from './runtime.ts'

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
  readonly #recording: Plan | undefined
  readonly #memory: DeviceMemory
  readonly #temporaries = new Set<Block>()
  /** What an error says of the operator, beside the function of aclnn. */
  readonly #context: CallOptions
  readonly #operator: OperatorName | undefined
  readonly #inputs: OperatorInputs<TensorSpec>

  constructor(
    runtime: Runtime,
    operator: OperatorName | undefined,
    options: LaunchOptions,
    inputs: OperatorInputs<TensorSpec> = [],
    recording?: Plan,
  ) {
    this.#runtime = runtime
    this.#options = options
    this.#recording = recording
    this.#memory = recording ?? runtime
    this.#operator = operator
    this.#inputs = inputs
    this.#context = operator === undefined ? {} : { operator, inputs: () => describeInputs(inputs) }
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
    const aclnn = new AclnnCall(this.#runtime, name, describe, this.#context)
    let workspace: Block | undefined
    try {
      const size = aclnn.plan()
      if (this.#recording !== undefined) aclnn.makeRepeatable()
      if (size > 0n) workspace = this.#memory.take(Number(size))
      const at = workspace?.address ?? noHandle
      aclnn.enqueue(at, size, this.#runtime.stream)
      this.#recording?.keep(aclnn, at, size)
    } catch (error) {
      // What stopped the call matters more than a failure to clean up after it.
      aclnn.dispose()
      throw error
    } finally {
      if (workspace !== undefined) this.#memory.put(workspace)
    }
    if (this.#recording !== undefined) return
    const [failure] = aclnn.dispose()
    if (failure !== undefined) throw failure
  }

  /** Checks what only the host can, now and before each time that the launch is repeated. */
  check(holds: () => void): void {
    holds()
    this.#recording?.check(holds)
  }

  /** A dense tensor that lives until the kernel returns. */
  temporary(dtype: DType, shape: Shape): DeviceView {
    const length = numel(shape)
    const block = this.#memory.take(length * dtypes[dtype].itemsize)
    this.#temporaries.add(block)
    const slot = slotOver(block, this.#memory, length)
    return { slot, dtype, shape, strides: contiguousStrides(shape), offset: 0 }
  }

  /**
   * Another form of a weight, which `make` returns as a temporary; it is made once and kept as long as the
   * weight. It is made beside what is recorded, so that no replay makes it again. Undefined where the
   * memory of `weight` may have other elements some day: that of a plan.
   */
  prepared(weight: DeviceView, make: (launch: Launch) => DeviceView): DeviceView | undefined {
    const { prepared } = this.#runtime
    if (weight.slot.memory !== this.#runtime) return undefined
    const known = prepared.of(weight.slot)
    if (known !== undefined) return known
    const launch = new Launch(this.#runtime, this.#operator, this.#options, this.#inputs)
    try {
      const form = make(launch)
      launch.#temporaries.delete(form.slot.block!)
      prepared.keep(weight.slot, form)
      return form
    } finally {
      launch.dispose()
    }
  }

  /** How many elements a matrix takes in the NZ format. */
  nzLength(dtype: DType, shape: Shape): number {
    const { cann } = this.#runtime
    const size = new BigUint64Array(1)
    const make = new Descriptors(cann)
    try {
      const ask = cann.functions.aclnnCalculateMatmulWeightSizeV2
      cann.call(ask, [make.integers(shape), dataTypes[dtype], size], this.#context)
    } catch (error) {
      make.dispose()
      throw error
    }
    const [failure] = make.dispose()
    if (failure !== undefined) throw failure
    return Number(size[0]!)
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
    const bytes = numel(view.shape) * dtypes[view.dtype].itemsize
    const step = (stream: bigint) =>
      this.#runtime.zero(addressOf(view), bytes, stream, this.#operator)
    step(this.#runtime.stream)
    this.#recording?.repeat(step)
  }

  dispose(): void {
    for (const block of this.#temporaries) this.#memory.put(block)
  }
}
