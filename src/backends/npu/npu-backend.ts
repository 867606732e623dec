/**
 * The Ascend backend: operators as calls of aclnn on one NPU, or on the emulator, which it cannot
 * tell from one. Only the device string says what it is, and that is in every note and report.
 *
 * A kernel for a new operator goes into a file of `kernels/` and into the table below. Attention has
 * none: it is decomposed.
 */
import { InvalidArgumentError } from '../../errors.ts'
import type { Cann } from '../../ffi/open-cann.ts'
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
import { type DType, dtypes, type HostArray, newHostArray } from '../../tensor/dtype.ts'
import { numel } from '../../tensor/shape.ts'
import type { TensorView } from '../../tensor/storage.ts'
import { divide } from '../memory-pool.ts'
import {
  type Alternative,
  alternatives,
  type CubeMathType,
  copyAlignment,
  cubeMathTypes,
} from './constants.ts'
import { addressOf, type DeviceView, deviceView, isDense, type Slot } from './device-view.ts'
import { add, gelu, mul, scale, sigmoid, tanh } from './kernels/elementwise.ts'
import type { NpuKernel } from './kernels/kernel.ts'
import { linear, matmul } from './kernels/matmul.ts'
import { cast, concat, contiguous, embedding, indexSelect } from './kernels/movement.ts'
import { addLayerNorm, layerNorm } from './kernels/normalization.ts'
import { softmax } from './kernels/softmax.ts'
import { Launch, type LaunchOptions } from './launch.ts'
import { type DeviceInfo, Runtime } from './runtime.ts'

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

export interface NpuBackendOptions {
  /** The device string to carry: `npu:0`, or `emulator`. */
  readonly device: string
  /** Which of the machine's devices; 0 if not given. */
  readonly id?: number
  /** How matrices of float32 are multiplied; `keep` if not given. */
  readonly cubeMathType?: CubeMathType | undefined
  /** Alternatives to the usual functions of aclnn; none if not given. */
  readonly aclnn?: readonly Alternative[] | undefined
}

/** Tensors without elements have no memory. */
const emptySlot: Slot = { block: undefined, address: 0n, length: 0, integers: undefined }

export class NpuBackend implements Backend {
  readonly device: string
  readonly preferredLayout = 'padded'
  readonly settings: Readonly<Record<string, string>>
  readonly #options: LaunchOptions
  readonly #runtime: Runtime

  /**
   * Opens the device. Throws InvalidArgumentError, DeviceUnavailableError, or AscendError where
   * AscendCL fails.
   */
  constructor(
    cann: Cann,
    { device, id = 0, cubeMathType = 'keep', aclnn = [] }: NpuBackendOptions,
  ) {
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
    this.device = device
    this.settings = {
      cubeMathType,
      ...(aclnn.length > 0 ? { aclnn: aclnn.join(' ') } : {}),
      CANN: cann.version ?? 'of unknown version',
      FFI: cann.binding,
    }
    this.#options = { cubeMathType, aclnn }
    this.#runtime = new Runtime(cann, device, id)
  }

  get heldBytes(): number {
    return this.#runtime.heldBytes
  }

  /** What the device is, and what is left of its memory. */
  info(): DeviceInfo {
    return this.#runtime.info()
  }

  supports(
    operator: OperatorName,
    inputs: OperatorInputs<TensorSpec>,
    { axis }: Attributes,
  ): true | string {
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
    const block = this.#runtime.take(length * dtypes[dtype].itemsize)
    return { block, address: block.address, length, integers: undefined }
  }

  upload(arrays: readonly HostElements[]): Slot[] {
    this.#runtime.bind()
    const present = arrays.map(({ data }) => data).filter((data) => data.length > 0)
    if (present.length === 0) return arrays.map(() => emptySlot)
    const { starts, length } = divide(present.map((data) => data.byteLength))
    const block = this.#runtime.take(length, present.length)
    const slots = present.map((data, piece): Slot => {
      const address = block.address + BigInt(starts[piece]!)
      const areIntegers = data instanceof Int32Array || data instanceof BigInt64Array
      return { block, address, length: data.length, integers: areIntegers ? data : undefined }
    })
    try {
      this.#runtime.upload(block, joined(present, starts, length))
    } catch (error) {
      for (const slot of slots) this.free(slot)
      throw error
    }
    return arrays.map(({ data }) => (data.length === 0 ? emptySlot : slots.shift()!))
  }

  async uploadFrom(dtype: DType, length: number, write: ElementWriter): Promise<Slot> {
    const data = newHostArray(dtype, length)
    await write(data)
    return this.upload([{ dtype, data }])[0]!
  }

  execute({ operator, inputs, attributes, output }: OperatorCall): void {
    this.#runtime.bind()
    const launch = new Launch(this.#runtime, operator, this.#options, inputs)
    try {
      const kernel = kernels[operator] as AnyKernel
      const views = inputs.map((input) => input && deviceView(input))
      kernel(launch, views, attributes, deviceView(output))
    } finally {
      launch.dispose()
    }
  }

  async download(tensor: TensorView): Promise<HostArray> {
    const view = deviceView(tensor)
    const data = newHostArray(view.dtype, numel(view.shape))
    if (data.length === 0) return data
    this.#runtime.bind()
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
    const { block } = slot as Slot
    if (block !== undefined) this.#runtime.put(block)
  }

  synchronize(): Promise<void> {
    this.#runtime.bind()
    return this.#runtime.synchronize()
  }

  close(): Promise<void> {
    return this.#runtime.close()
  }
}

/** One array as it is, several as the bytes of a block that holds them. */
function joined(
  arrays: readonly HostArray[],
  starts: readonly number[],
  length: number,
): HostArray | Uint8Array {
  const [first] = arrays
  if (arrays.length === 1) return first!
  const bytes = new Uint8Array(length)
  for (const [piece, { buffer, byteOffset, byteLength }] of arrays.entries()) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), starts[piece]!)
  }
  return bytes
}
