/** Tensors from host arrays, and fresh ones for kernels to write. */
import { type DType, dtypes, type HostArray, type HostArrays } from '../tensor/dtype.ts'
import { ShapeError } from '../tensor/errors.ts'
import { contiguousStrides, formatShape, numel, type Shape } from '../tensor/shape.ts'
import { Storage } from '../tensor/storage.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { Backend, TensorSpec } from './backend.ts'

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
  if (data.length !== numel(shape)) {
    throw new ShapeError('tensor', `${data.length} elements do not fill ${formatShape(shape)}`)
  }
  return tensorOver(backend, { dtype, shape }, backend.upload(dtype, data as HostArray))
}

/** A dense tensor whose elements are not set yet. */
export function emptyTensor(backend: Backend, spec: TensorSpec): Tensor {
  return tensorOver(backend, spec, backend.allocate(spec.dtype, numel(spec.shape)))
}

function tensorOver(backend: Backend, { dtype, shape }: TensorSpec, slot: unknown): Tensor {
  const storage = new Storage(backend, slot, numel(shape) * dtypes[dtype].itemsize)
  return new Tensor(storage, dtype, shape, contiguousStrides(shape))
}
