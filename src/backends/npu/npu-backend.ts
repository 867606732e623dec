/**
 * The Ascend backend: operators as calls of aclnn on one NPU, or on the emulator, which it cannot
 * tell from one. Only the device string says what it is, and that is in every note and report.
 *
 * A kernel for a new operator goes into a file of `kernels/` and into the table below.
 */
import { InvalidArgumentError } from '../../errors.ts'
import type { Cann } from '../../ffi/open-cann.ts'
import type {
  Attributes,
  Backend,
  ElementWriter,
  HostElements,
  HostTensor,
  OperatorCall,
  OperatorInputs,
  TensorSpec,
} from '../../ops/backend.ts'
import type { AttributesOf, OperatorName } from '../../ops/catalogue.ts'
import type { Stopwatch } from '../../ops/stopwatch.ts'
import { type DType, dtypes, type HostArray, newHostArray } from '../../tensor/dtype.ts'
import { numel } from '../../tensor/shape.ts'
import { Storage, type TensorView } from '../../tensor/storage.ts'
import { Arrays } from './arrays.ts'
import {
  type Alternative,
  alternatives,
  type CubeMathType,
  copyAlignment,
  cubeMathTypes,
} from './constants.ts'
import {
  addressOf,
  type DeviceView,
  deviceView,
  emptySlot,
  isDense,
  type Slot,
  slotOver,
} from './device-view.ts'
import { attention, supportsAttention } from './kernels/attention.ts'
import { add, gelu, mul, scale, sigmoid, tanh } from './kernels/elementwise.ts'
import type { NpuKernel } from './kernels/kernel.ts'
import { linear, matmul } from './kernels/matmul.ts'
import { cast, concat, contiguous, embedding, indexSelect } from './kernels/movement.ts'
import { addLayerNorm, layerNorm } from './kernels/normalization.ts'
import { softmax } from './kernels/softmax.ts'
import { Launch, type LaunchOptions } from './launch.ts'
import { startProfiler } from './profiler.ts'
import { checkRecorderOptions, Recorder, type RecorderOptions } from './recorder.ts'
import { type DeviceInfo, Runtime } from './runtime.ts'
import { Tally } from './tally.ts'

const kernels: { readonly [N in OperatorName]?: NpuKernel<N> } = {
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
  cast,
  contiguous,
  embedding,
  index_select: indexSelect,
  concat,
  attention,
}

/** A kernel whose operator is known only at run time; dispatch has checked its attributes. */
type AnyKernel = (
  launch: Launch,
  inputs: readonly (DeviceView | undefined)[],
  attributes: Attributes,
  output: DeviceView,
) => void

/** As many axes as aclnn takes; its product of matrices takes fewer. */
const mostAxes = 8
const mostAxesOfMatmul = 6

/** The longest row of aclnnScaledMaskedSoftmax, by its documentation. */
const longestMaskedRow = 4096

export interface NpuBackendOptions extends RecorderOptions {
  /** The device string to carry: `npu:0`, or `emulator`. */
  readonly device: string
  /** Which of the machine's devices; 0 if not given. */
  readonly id?: number
  /** How matrices of float32 are multiplied; `keep` if not given. */
  readonly cubeMathType?: CubeMathType | undefined
  /** Alternatives to the usual functions of aclnn; none if not given. */
  readonly aclnn?: readonly Alternative[] | undefined
  /** Whether a second batch may run in a stream of its own beside the first; true if not given. */
  readonly overlap?: boolean | undefined
}

export class NpuBackend implements Backend {
  readonly device: string
  readonly preferredLayout = 'padded'
  readonly lengthMultiple = 16
  /** Missing where overlap is switched off. */
  readonly beside?: NonNullable<Backend['beside']>
  readonly #settings: Readonly<Record<string, string>>
  readonly #options: LaunchOptions
  readonly #runtime: Runtime
  readonly #tally: Tally
  readonly #recorder: Recorder
  readonly #given: NpuBackendOptions

  /**
   * Opens the device. Throws InvalidArgumentError, DeviceUnavailableError, or AscendError where
   * AscendCL fails. The tally is that of the device's other streams.
   */
  constructor(cann: Cann, options: NpuBackendOptions, tally = new Tally()) {
    const { device, id = 0, cubeMathType = 'keep', aclnn = [], overlap = true } = options
    if (!Object.hasOwn(cubeMathTypes, cubeMathType)) {
      throw new InvalidArgumentError('cubeMathType', `there is no '${cubeMathType}'`, {
        hint: `use one of ${Object.keys(cubeMathTypes).join(', ')}`,
      })
    }
    const unknown = aclnn.find((name) => !alternatives.includes(name))
    if (unknown !== undefined) {
      throw new InvalidArgumentError('aclnn', `'${unknown}' replaces no other function`, {
        hint: `these do: ${alternatives.join(', ')}`,
      })
    }
    checkRecorderOptions(options)
    this.device = device
    if (overlap) this.beside = (views) => this.#openBeside(views)
    this.#given = options
    this.#settings = {
      cubeMathType,
      ...(aclnn.length > 0 ? { aclnn: aclnn.join(' ') } : {}),
      CANN: cann.version ?? 'of unknown version',
      FFI: cann.binding,
    }
    this.#options = { cubeMathType, aclnn }
    this.#runtime = new Runtime(cann, device, id, () => this.#recorder.dropAll())
    this.#tally = tally
    this.#recorder = new Recorder(this, this.#runtime, options, tally)
  }

  get settings(): Readonly<Record<string, string>> {
    const overlap = this.beside === undefined ? 'off' : 'on'
    return { ...this.#settings, ...this.#recorder.settings, overlap }
  }

  get heldBytes(): number {
    return this.#runtime.heldBytes + this.#recorder.heldBytes
  }

  /** What the device is, and what is left of its memory. */
  info(): DeviceInfo {
    return this.#runtime.info()
  }

  supports(
    operator: OperatorName,
    inputs: OperatorInputs<TensorSpec>,
    attributes: Attributes,
  ): true | string {
    if (operator === 'attention') {
      return supportsAttention(this.#options.aclnn, inputs, attributes as AttributesOf<'attention'>)
    }
    const { axis } = attributes
    if (kernels[operator] === undefined) return 'it has no kernel of its own'
    const most = operator === 'matmul' ? mostAxesOfMatmul : mostAxes
    const row = inputs[0]?.shape.at(axis as number) ?? 0
    if (operator === 'softmax' && inputs[1] !== undefined && row > longestMaskedRow) {
      return `aclnnScaledMaskedSoftmax takes rows of ${longestMaskedRow} elements at most, not ${row}`
    }
    const rank = Math.max(...inputs.map((input) => input?.shape.length ?? 0))
    return rank <= most || `aclnn takes ${most} axes at most, not ${rank}`
  }

  allocate(dtype: DType, length: number): Slot {
    this.#runtime.bind()
    if (length === 0) return emptySlot
    const memory = this.#recorder.recording ?? this.#runtime
    return slotOver(memory.take(length * dtypes[dtype].itemsize), memory, length)
  }

  upload(arrays: readonly HostElements[]): readonly Slot[] {
    this.#runtime.bind()
    this.#recorder.recording?.spoil()
    return Arrays.placed(this.#runtime, this.#runtime, arrays).slots
  }

  async uploadFrom(dtype: DType, length: number, write: ElementWriter): Promise<Slot> {
    const data = newHostArray(dtype, length)
    await write(data)
    return this.upload([{ dtype, data }])[0]!
  }

  execute({ operator, inputs, attributes, output }: OperatorCall): void {
    this.#runtime.bind()
    const { recording } = this.#recorder
    const launch = new Launch(this.#runtime, operator, this.#options, inputs, recording)
    try {
      const kernel = kernels[operator] as AnyKernel
      const views = inputs.map((input) => input && deviceView(input))
      kernel(launch, views, attributes, deviceView(output))
      if (recording === undefined) return
      for (const view of views) {
        if (view !== undefined && view.slot.memory !== recording) recording.reads.add(view.slot)
      }
    } finally {
      launch.dispose()
    }
  }

  replay(
    program: object,
    inputs: readonly HostTensor[],
    forward: (slots: readonly Slot[]) => TensorView,
  ): TensorView {
    this.#runtime.bind()
    return this.#recorder.replay(program, inputs, forward)
  }

  async download(tensor: TensorView): Promise<HostArray> {
    const view = deviceView(tensor)
    const data = newHostArray(view.dtype, numel(view.shape))
    if (data.length === 0) return data
    this.#runtime.bind()
    this.#recorder.recording?.spoil()
    if (isDense(view) && addressOf(view) % copyAlignment === 0n) {
      await this.#runtime.download(addressOf(view), data)
      return data
    }
    const launch = new Launch(this.#runtime, undefined, this.#options)
    try {
      const dense = launch.temporary(view.dtype, view.shape)
      launch.copy(view, dense)
      await this.#runtime.download(addressOf(dense), data)
    } finally {
      launch.dispose()
    }
    return data
  }

  free(slot: unknown): void {
    const { block, memory } = slot as Slot
    this.#recorder.forget(slot as Slot)
    this.#runtime.prepared.forget(slot as Slot)
    if (block !== undefined) memory?.put(block)
  }

  #openBeside(views: readonly TensorView[]): {
    backend: NpuBackend
    views: readonly TensorView[]
  } {
    const backend = new NpuBackend(this.#runtime.cann, this.#given, this.#tally)
    const borrowed = views.map(({ storage, ...view }) => {
      // Without a block: the lender alone gives it back. It lasts like this stream's own.
      const slot: Slot = { ...(storage.slot as Slot), block: undefined, memory: backend.#runtime }
      return { ...view, storage: new Storage(backend, slot, storage.byteLength) }
    })
    return { backend, views: borrowed }
  }

  synchronize(): Promise<void> {
    this.#runtime.bind()
    return this.#runtime.synchronize()
  }

  async startProfiler(directory: string): Promise<AsyncDisposable> {
    await this.synchronize()
    this.#runtime.bind()
    const stop = startProfiler(this.#runtime.cann, this.device, this.#given.id ?? 0, directory)
    return {
      [Symbol.asyncDispose]: async () => {
        const failures: unknown[] = []
        await this.synchronize().catch((error: unknown) => failures.push(error))
        failures.push(...stop())
        if (failures.length > 0) throw failures[0]
      },
    }
  }

  startStopwatch(): Promise<Stopwatch> {
    this.#runtime.bind()
    return this.#runtime.startStopwatch()
  }

  close(): Promise<void> {
    this.#recorder.close()
    return this.#runtime.close()
  }
}
