/**
 * The reference backend: the specification of every operator. Kernels are short and obvious, compute
 * in float64 and round once, when they write their output. float16 and bfloat16 are emulated that way.
 *
 * It is not meant to be fast. A kernel for a new operator goes into one of the files beside this one
 * and into `kernels`.
 */
import { DeviceUnavailableError } from '../../errors.ts'
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
  decodeAll,
  type HostArray,
  isFloatDType,
  newHostArray,
} from '../../tensor/dtype.ts'
import type { TensorView } from '../../tensor/storage.ts'
import { type Elements, hostTensor, readStored } from './elements.ts'
import { add, gelu, mul, scale, sigmoid, tanh } from './elementwise.ts'
import type { Kernel } from './kernel.ts'
import { linear, matmul } from './matmul.ts'
import { cast, concat, contiguous, embedding, indexSelect } from './movement.ts'
import { addLayerNorm, layerNorm, softmax } from './normalization.ts'

/** Views need no kernel, and attention is always decomposed: its parts are the specification. */
const kernels: { readonly [N in OperatorName]?: Kernel<N> } = {
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
  inputs: Parameters<Kernel<OperatorName>>[0],
  attributes: Attributes,
  output: Parameters<Kernel<OperatorName>>[2],
) => void

export class ReferenceBackend implements Backend {
  readonly device = 'reference'
  readonly preferredLayout = 'packed'
  readonly settings = {}
  readonly #isRounded: boolean
  #heldBytes = 0

  /**
   * With `rounded: false` float tensors hold float64 whatever their dtype, so that nothing is rounded,
   * also between the parts of a composite operator; `src/precision/exact.ts` reads such tensors.
   */
  constructor({ rounded = true }: { readonly rounded?: boolean } = {}) {
    this.#isRounded = rounded
  }

  /** Nothing is kept for reuse. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  supports(
    operator: OperatorName,
    _inputs: OperatorInputs<TensorSpec>,
    _attributes: Attributes,
  ): true | string {
    return kernels[operator] !== undefined || 'it has no kernel of its own'
  }

  /** Floats come filled with NaN, so that an element which a kernel forgets to write shows. */
  allocate(dtype: DType, length: number): Elements {
    const data = this.#newElements(dtype, length)
    if (isFloatDType(dtype)) new Uint8Array(data.buffer).fill(0xff)
    this.#heldBytes += data.byteLength
    return data
  }

  upload(arrays: readonly HostElements[]): Elements[] {
    return arrays.map(({ dtype, data }) => {
      const elements = this.#isWide(dtype) ? decodeAll(dtype, data) : data
      this.#heldBytes += elements.byteLength
      return elements
    })
  }

  async uploadFrom(dtype: DType, length: number, write: ElementWriter): Promise<Elements> {
    const data = newHostArray(dtype, length)
    await write(data)
    return this.upload([{ dtype, data }])[0]!
  }

  #newElements(dtype: DType, length: number): Elements {
    try {
      return this.#isWide(dtype) ? new Float64Array(length) : newHostArray(dtype, length)
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      throw new DeviceUnavailableError(
        this.device,
        `no memory for ${length} elements of ${dtype}`,
        {
          hint: 'take smaller tensors',
          cause,
        },
      )
    }
  }

  #isWide(dtype: DType): boolean {
    return !this.#isRounded && isFloatDType(dtype)
  }

  execute({ operator, inputs, attributes, output }: OperatorCall): void {
    const kernel = kernels[operator] as AnyKernel
    kernel(
      inputs.map((view) => view && hostTensor(view)),
      attributes,
      hostTensor(output),
    )
  }

  async download(view: TensorView): Promise<HostArray> {
    return readStored(hostTensor(view)) as HostArray
  }

  free(slot: unknown): void {
    this.#heldBytes -= (slot as Elements).byteLength
  }

  async synchronize(): Promise<void> {}

  async close(): Promise<void> {}
}
