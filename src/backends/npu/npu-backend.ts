/**
 * The Ascend backend: operators as calls of aclnn on one NPU, or on the emulator, which it cannot
 * tell from one. Only the device string says what it is, and that is in every note and report.
 *
 * A kernel for a new operator goes into a file of `kernels/` and into the table below. Attention has
 * none: it is decomposed.
 */
import type { Cann } from '../../ffi/open-cann.ts'
import type {
  Attributes,
  Backend,
  OperatorCall,
  OperatorInputs,
  TensorSpec,
} from '../../ops/backend.ts'
import type { OperatorName } from '../../ops/catalogue.ts'
import { type DType, dtypes, type HostArray, newHostArray } from '../../tensor/dtype.ts'
import { numel } from '../../tensor/shape.ts'
import type { TensorView } from '../../tensor/storage.ts'
import { type CubeMathType, copyAlignment, cubeMathTypes } from './constants.ts'
import { addressOf, type DeviceView, deviceView, isDense, type Slot } from './device-view.ts'
import { add, gelu, mul, scale, sigmoid, tanh } from './kernels/elementwise.ts'
import type { NpuKernel } from './kernels/kernel.ts'
import { linear, matmul } from './kernels/matmul.ts'
import { cast, concat, contiguous, embedding, indexSelect } from './kernels/movement.ts'
import { addLayerNorm, layerNorm } from './kernels/normalization.ts'
import { softmax } from './kernels/softmax.ts'
import { Launch } from './launch.ts'
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

export interface NpuBackendOptions {
  /** The device string to carry: `npu:0`, or `emulator`. */
  readonly device: string
  /** Which of the machine's devices; 0 if not given. */
  readonly id?: number
  /** How matrices of float32 are multiplied; `keep` if not given. */
  readonly cubeMathType?: CubeMathType
}

export class NpuBackend implements Backend {
  readonly device: string
  readonly preferredLayout = 'padded'
  readonly cubeMathType: CubeMathType
  readonly #runtime: Runtime

  /** Opens the device. Throws DeviceUnavailableError, or AscendError where AscendCL fails. */
  constructor(cann: Cann, { device, id = 0, cubeMathType = 'keep' }: NpuBackendOptions) {
    this.device = device
    this.cubeMathType = cubeMathType
    this.#runtime = new Runtime(cann, device, id)
  }

  /** Bytes of device memory held, in use or kept for reuse. */
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
    _attributes: Attributes,
  ): true | string {
    if (kernels[operator] === undefined) return 'it has no kernel of its own'
    const most = operator === 'matmul' ? mostAxesOfMatmul : mostAxes
    const rank = Math.max(...inputs.map((input) => input?.shape.length ?? 0))
    return rank <= most || `aclnn takes ${most} axes at most, not ${rank}`
  }

  allocate(dtype: DType, length: number): Slot {
    this.#runtime.bind()
    const bytes = length * dtypes[dtype].itemsize
    const block = bytes === 0 ? undefined : this.#runtime.take(bytes)
    return { block, length, integers: undefined }
  }

  upload(dtype: DType, data: HostArray): Slot {
    const slot = this.allocate(dtype, data.length)
    try {
      if (slot.block !== undefined) this.#runtime.upload(slot.block, data)
    } catch (error) {
      this.free(slot)
      throw error
    }
    const areIntegers = data instanceof Int32Array || data instanceof BigInt64Array
    return { ...slot, integers: areIntegers ? data : undefined }
  }

  execute({ operator, inputs, attributes, output }: OperatorCall): void {
    this.#runtime.bind()
    const launch = new Launch(this.#runtime, operator, cubeMathTypes[this.cubeMathType])
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
    const launch = new Launch(this.#runtime, undefined, cubeMathTypes[this.cubeMathType])
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
