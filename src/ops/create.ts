/** Tensors from host arrays, and fresh ones for kernels to write. */
import { type DType, dtypes, type HostArrays } from '../tensor/dtype.ts'
import { ShapeError } from '../tensor/errors.ts'
import { contiguousStrides, formatShape, numel, type Shape } from '../tensor/shape.ts'
import { Storage } from '../tensor/storage.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { Backend, ElementWriter, HostTensor, TensorSpec } from './backend.ts'

/**
 * A tensor with the elements of `data` in row-major order. The backend may keep `data` itself, so
 * the caller no longer changes it.
 */
export function tensor<T extends DType>(
  backend: Backend,
  dtype: T,
  shape: Shape,
  data: HostArrays[T],
): Tensor {
  return tensors(backend, [{ dtype, shape, data } as HostTensor])[0]!
}

/** As `tensor` for each of `parts`; to a device they go in one transfer. */
export function tensors(backend: Backend, parts: readonly HostTensor[]): Tensor[] {
  checkElements(parts)
  return backend.upload(parts).map((slot, part) => tensorOver(backend, parts[part]!, slot))
}

/** Throws `ShapeError` unless the elements fill the shapes. */
export function checkElements(parts: readonly HostTensor[]): void {
  for (const { shape, data } of parts) {
    if (data.length === numel(shape)) continue
    throw new ShapeError('tensor', `${data.length} elements do not fill ${formatShape(shape)}`)
  }
}

/** A dense tensor whose elements `write` sets, without a second copy of them where the device can do that. */
export async function tensorFrom(
  backend: Backend,
  spec: TensorSpec,
  write: ElementWriter,
): Promise<Tensor> {
  const slot = await backend.uploadFrom(spec.dtype, numel(spec.shape), write)
  return tensorOver(backend, spec, slot)
}

/** A dense tensor whose elements are not set yet. */
export function emptyTensor(backend: Backend, spec: TensorSpec): Tensor {
  return tensorOver(backend, spec, backend.allocate(spec.dtype, numel(spec.shape)))
}

/** A dense tensor over a slot of its own. */
export function tensorOver(backend: Backend, { dtype, shape }: TensorSpec, slot: unknown): Tensor {
  const storage = new Storage(backend, slot, numel(shape) * dtypes[dtype].itemsize)
  return new Tensor(storage, dtype, shape, contiguousStrides(shape))
}
