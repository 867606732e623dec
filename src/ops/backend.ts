/**
 * The interface between operators and devices.
 *
 * A backend supplies memory and kernels; it knows nothing of models, observers or validation, which
 * are done before it is called. It never moves work to another backend: what it cannot do, it says.
 *
 * Ordering: `upload`, `execute` and `download` take effect in the order of the calls. Only `download`
 * and `synchronize` wait; an operator call returns at once, and a fault of the device may surface at
 * the next of the two.
 *
 * Ownership: a slot from `allocate` or `upload` belongs to the `Storage` made around it and comes
 * back through `free`, which may be called while earlier work still uses the memory.
 */
import type { DType, HostArray } from '../tensor/dtype.ts'
import type { Shape } from '../tensor/shape.ts'
import type { StorageOwner, TensorView } from '../tensor/storage.ts'
import type { OperatorName } from './catalogue.ts'
import type { Stopwatch } from './stopwatch.ts'

/** Shape and dtype of a tensor, without the tensor. */
export interface TensorSpec {
  readonly dtype: DType
  readonly shape: Shape
}

/** Elements on the host, in row-major order. */
export interface HostElements {
  readonly dtype: DType
  readonly data: HostArray
}

/** What a tensor is made of: a shape, and the elements that fill it. */
export interface HostTensor extends HostElements {
  readonly shape: Shape
}

/** Sets every element of an array, and no longer uses it after that. */
export type ElementWriter = (elements: HostArray) => Promise<void>

/** Inputs in the order of the operator's schema; optional ones may be missing. */
export type OperatorInputs<T> = readonly (T | undefined)[]

export type AttributeValue = number | string | readonly number[]
export type Attributes = Readonly<Record<string, AttributeValue>>

/** One validated operator call: `output` is allocated, not initialised. */
export interface OperatorCall {
  readonly operator: OperatorName
  readonly inputs: OperatorInputs<TensorView>
  readonly attributes: Attributes
  readonly output: TensorView
}

/** How a batch of texts is laid out in rows; see `TokenBatch`. */
export type BatchLayout = 'packed' | 'padded'

export interface Backend extends StorageOwner {
  /** The layout that suits this device best. */
  readonly preferredLayout: BatchLayout
  /**
   * The padded length of texts is a multiple of this where nobody observes, so that few shapes occur; 1
   * if missing.
   */
  readonly lengthMultiple?: number
  /** What else decides about results or speed here, by name; every note and report prints it. */
  readonly settings: Readonly<Record<string, string>>
  /** Bytes of memory that this backend holds for tensors, in use or kept for reuse. */
  readonly heldBytes: number
  /** True, or the reason why this device has no kernel for such a call. */
  supports(
    operator: OperatorName,
    inputs: OperatorInputs<TensorSpec>,
    attributes: Attributes,
  ): true | string
  /** Memory for `length` elements, not initialised. */
  allocate(dtype: DType, length: number): unknown
  /**
   * A slot for each array, which holds a copy of it, or the array itself, which the caller no longer
   * changes. A device with memory of its own gets all of them in one transfer.
   */
  upload(arrays: readonly HostElements[]): readonly unknown[]
  /**
   * A slot with the `length` elements that `write` sets, where possible in the device's own memory, so
   * that large tensors are not held twice. Rejects as `write` does, and then keeps nothing.
   */
  uploadFrom(dtype: DType, length: number, write: ElementWriter): Promise<unknown>
  /** Enqueues one operator. */
  execute(call: OperatorCall): void
  /**
   * Gives `forward` slots that hold `inputs`, as `upload` does, and returns what it returns. A device
   * that has this may keep what `forward` enqueues meanwhile, and for later inputs of the same `program`,
   * dtypes and shapes enqueue that again without calling `forward`; the storage of what it returns is then
   * the caller's. See `runProgram`.
   */
  replay?(
    program: object,
    inputs: readonly HostTensor[],
    forward: (slots: readonly unknown[]) => TensorView,
  ): TensorView
  /**
   * Opens a backend with a stream of its own on the same device, whose work runs beside that of this one, and gives
   * it views of these tensors without a copy. They have to outlive it, and nobody writes them meanwhile; nothing that is
   * under way may still write them, but for a form of its own that this backend keeps them in, which the other one waits
   * for. For devices where a forward leaves gaps that another one can fill.
   */
  beside?(views: readonly TensorView[]): {
    readonly backend: Backend
    readonly views: readonly TensorView[]
  }
  /**
   * Starts to time what is enqueued from now on, by the device's own clock; missing where a device has
   * none. One stopwatch runs at a time. What is timed is a little slower.
   */
  startStopwatch?(): Promise<Stopwatch>
  /**
   * Has the profiler of the device's maker write what the device does to a directory, which exists, until
   * what it returns is disposed of; missing where there is none. One at a time in a process.
   */
  startProfiler?(directory: string): Promise<AsyncDisposable>
  /** Waits until all enqueued work is done; rejects with the device's fault if there was one. */
  synchronize(): Promise<void>
  /** Gives back what the backend holds. Its tensors have to be disposed of before. */
  close(): Promise<void>
}
