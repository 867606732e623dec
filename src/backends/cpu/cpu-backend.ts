/**
 * The CPU backend: WebAssembly SIMD kernels (kernels/wasm) on worker threads that share one memory.
 *
 * An operator call becomes commands that the threads work off in order; docs/cpu.md says how. A kernel
 * for a new operator goes into a file of `kernels/` and into the table below, and what it runs into
 * kernels/wasm and `kernel-names.ts`.
 */
import { InvalidArgumentError } from '../../errors.ts'
import type {
  Attributes,
  Backend,
  ElementWriter,
  HostElements,
  OperatorCall,
  OperatorInputs,
  TensorSpec,
} from '../../ops/backend.ts'
import type { OperatorName } from '../../ops/catalogue.ts'
import {
  type DType,
  dtypes,
  type HostArray,
  hostArrayOver,
  newHostArray,
} from '../../tensor/dtype.ts'
import { contiguousStrides, numel } from '../../tensor/shape.ts'
import { Storage, type TensorView } from '../../tensor/storage.ts'
import { availableThreads } from './available-threads.ts'
import { compileKernels } from './built.ts'
import { CommandQueue } from './command-queue.ts'
import { attention } from './kernels/attention.ts'
import { add, gelu, mul, scale, sigmoid, tanh } from './kernels/elementwise.ts'
import type { CpuKernel } from './kernels/kernel.ts'
import { linear, matmul } from './kernels/matmul.ts'
import { cast, concat, contiguous, embedding, indexSelect } from './kernels/movement.ts'
import { addLayerNorm, layerNorm, softmax } from './kernels/normalization.ts'
import { Launch } from './launch.ts'
import { SharedMemory, StreamMemory } from './memory.ts'
import { type BlasChoice, chosenBlas, describeBlas } from './native-blas.ts'
import { newSlot, type Slot } from './slot.ts'
import { Workers } from './workers.ts'

const kernels: { readonly [N in OperatorName]?: CpuKernel<N> } = {
  add,
  mul,
  scale,
  gelu,
  tanh,
  sigmoid,
  matmul,
  linear,
  layer_norm: layerNorm,
  add_layer_norm: addLayerNorm,
  softmax,
  attention,
  cast,
  contiguous,
  embedding,
  index_select: indexSelect,
  concat,
}

/** A kernel whose operator is known only at run time; dispatch has checked its attributes. */
type AnyKernel = (
  launch: Launch,
  inputs: readonly (TensorView | undefined)[],
  attributes: Attributes,
  output: TensorView,
) => void

/** More threads than any machine has cores are a mistake. */
const mostThreads = 1024

export interface CpuBackendOptions {
  /** How many threads compute; all cores that this process may use if missing. */
  readonly threads?: number | undefined
  /** False for kernels without relaxed SIMD, also where the engine has it; for tests and measurements. */
  readonly relaxedSimd?: boolean | undefined
  /** The native library for products of matrices; what ROBERTA_ASCEND_BLAS says if missing. */
  readonly blas?: BlasChoice | undefined
  /** Whether a second batch may run in a stream of its own beside the first; true if not given. */
  readonly overlap?: boolean | undefined
}

/** What the streams of a device share. */
interface Machine {
  readonly memory: SharedMemory
  readonly workers: Workers
  /** Whether the kernels have fused multiply-add, which needs relaxed SIMD. */
  readonly isRelaxed: boolean
}

/** Throws InvalidArgumentError for a senseless number of threads, and as `chosenBlas` does. */
function start({ threads = availableThreads(), relaxedSimd, blas }: CpuBackendOptions): Machine {
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= mostThreads)) {
    throw new InvalidArgumentError('threads', `${threads} is not a number from 1 to ${mostThreads}`)
  }
  const { module, isRelaxed } = compileKernels(relaxedSimd)
  const memory = new SharedMemory()
  const workers = new Workers(module, memory.wasm, threads, chosenBlas(blas))
  return { memory, workers, isRelaxed }
}

export class CpuBackend implements Backend {
  readonly device = 'cpu'
  readonly preferredLayout = 'packed'
  /** Missing where overlap is switched off, and beside another one. */
  readonly beside?: NonNullable<Backend['beside']>
  readonly #machine: Machine
  readonly #memory: StreamMemory
  readonly #queue: CommandQueue
  readonly #lender: CpuBackend | undefined
  /** Those of the lender's slots that it has. */
  readonly #borrowed: Slot[] = []

  /** A device. Only `beside` gives a `lender`, for a stream beside that. Throws as `start` does. */
  constructor(options: CpuBackendOptions = {}, lender?: CpuBackend) {
    this.#lender = lender
    this.#machine = lender === undefined ? start(options) : lender.#machine
    this.#memory = new StreamMemory(this.#machine.memory, () => this.#queue.done)
    this.#queue = new CommandQueue(this.#machine.workers)
    if (lender !== undefined) this.#queue.holdFor(lender.#queue)
    else if (options.overlap !== false) this.beside = (views) => this.#openBeside(options, views)
  }

  /** Whether the kernels have fused multiply-add, which needs relaxed SIMD. */
  get isRelaxed(): boolean {
    return this.#machine.isRelaxed
  }

  get settings(): Readonly<Record<string, string>> {
    const products = describeBlas(this.#queue.blas)
    const { beside } = this.#lender ?? this
    const overlap = beside === undefined ? 'off' : 'on'
    return { threads: `${this.threads}`, 'products by': products, overlap }
  }

  get threads(): number {
    return this.#queue.threads
  }

  /** Bytes of memory held, in use or kept for reuse. */
  get heldBytes(): number {
    return this.#memory.heldBytes + (this.#lender ? 0 : this.#machine.memory.freeBytes)
  }

  supports(
    operator: OperatorName,
    _inputs: OperatorInputs<TensorSpec>,
    _attributes: Attributes,
  ): true | string {
    return kernels[operator] !== undefined || 'it has no kernel of its own'
  }

  allocate(dtype: DType, length: number): Slot {
    const bytes = length * dtypes[dtype].itemsize
    const block = bytes === 0 ? undefined : this.#memory.take(bytes)
    return newSlot(dtype, length, block)
  }

  upload(arrays: readonly HostElements[]): Slot[] {
    const slots: Slot[] = []
    try {
      for (const { dtype, data } of arrays) slots.push(this.#uploadOne(dtype, data))
    } catch (error) {
      for (const slot of slots) this.free(slot)
      throw error
    }
    return slots
  }

  #uploadOne(dtype: DType, data: HostArray): Slot {
    const { length, byteLength } = data
    if (length === 0) return this.allocate(dtype, length)
    const block = this.#memory.takeIdle(byteLength)
    const bytes = new Uint8Array(data.buffer, data.byteOffset, byteLength)
    this.#memory.bytes(block.address, byteLength).set(bytes)
    return newSlot(dtype, length, block)
  }

  async uploadFrom(dtype: DType, length: number, write: ElementWriter): Promise<Slot> {
    if (length === 0) return this.allocate(dtype, length)
    const block = this.#memory.takeIdle(length * dtypes[dtype].itemsize)
    try {
      await write(hostArrayOver(dtype, this.#machine.memory.wasm.buffer, block.address, length))
    } catch (error) {
      this.#memory.put(block, this.#queue.issued)
      throw error
    }
    return newSlot(dtype, length, block)
  }

  execute({ operator, inputs, attributes, output }: OperatorCall): void {
    using launch = new Launch(this.#memory, this.#queue, operator)
    const kernel = kernels[operator] as AnyKernel
    kernel(launch, inputs, attributes, output)
  }

  /** Through a copy, so that the tensor may be freed, and its memory used again, while this waits. */
  async download(view: TensorView): Promise<HostArray> {
    const { dtype, shape } = view
    const length = numel(shape)
    if (length === 0) {
      await this.synchronize()
      return newHostArray(dtype, 0)
    }
    const block = this.#memory.take(length * dtypes[dtype].itemsize)
    try {
      using launch = new Launch(this.#memory, this.#queue)
      launch.copy(view, { address: block.address, strides: contiguousStrides(shape) })
      await this.#queue.wait()
      return hostArrayOver(dtype, this.#machine.memory.wasm.buffer, block.address, length).slice()
    } finally {
      this.#memory.put(block, this.#queue.issued)
    }
  }

  free(slot: unknown): void {
    const { block, origin } = slot as Slot
    if (block !== undefined && origin === undefined) this.#memory.put(block, this.#queue.issued)
  }

  synchronize(): Promise<void> {
    return this.#queue.wait()
  }

  async close(): Promise<void> {
    const lender = this.#lender
    if (lender === undefined) return this.#machine.workers.close()
    await this.#queue.close(() => {
      this.#memory.giveBackAll()
      for (const slot of this.#borrowed.splice(0)) {
        for (const block of slot.lent ?? []) lender.#memory.put(block, lender.#queue.issued)
        slot.lent = undefined
      }
    })
  }

  #openBeside(options: CpuBackendOptions, views: readonly TensorView[]) {
    const backend = new CpuBackend(options, this)
    const borrowed = views.map(({ storage, ...view }) => {
      const slot = storage.slot as Slot
      slot.lent ??= []
      backend.#borrowed.push(slot)
      const copy: Slot = { ...slot, lent: undefined, origin: slot }
      return { ...view, storage: new Storage(backend, copy, storage.byteLength) }
    })
    return { backend, views: borrowed }
  }
}
