/**
 * The reference backend: the specification of every operator. Kernels are short and obvious, compute
 * in float64 and round once, when they write their output. float16 and bfloat16 are emulated that way.
 *
 * It is not meant to be fast. A kernel for a new operator goes into one of the files beside this one
 * and into `kernels`.
 */
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
import type { TensorView } from '../../tensor/storage.ts'
import { hostTensor, readStored } from './elements.ts'
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
  #heldBytes = 0

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
  allocate(dtype: DType, length: number): HostArray {
    const data = newHostArray(dtype, length)
    if (dtypes[dtype].kind === 'float') new Uint8Array(data.buffer).fill(0xff)
    this.#heldBytes += data.byteLength
    return data
  }

  upload(arrays: readonly HostElements[]): HostArray[] {
    return arrays.map(({ data }) => {
      this.#heldBytes += data.byteLength
      return data
    })
  }

  async uploadFrom(dtype: DType, length: number, write: ElementWriter): Promise<HostArray> {
    const data = newHostArray(dtype, length)
    await write(data)
    return this.upload([{ dtype, data }])[0]!
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
    return readStored(hostTensor(view))
  }

  free(slot: unknown): void {
    this.#heldBytes -= (slot as HostArray).byteLength
  }

  async synchronize(): Promise<void> {}

  async close(): Promise<void> {}
}
