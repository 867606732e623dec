/** Kernels that pick, place or convert elements. All but cast keep every bit. */
import { dtypeNames, dtypes, isFloatDType } from '../../../tensor/dtype.ts'
import { contiguousStrides, numel } from '../../../tensor/shape.ts'
import type { TensorView } from '../../../tensor/storage.ts'
import type { Launch } from '../launch.ts'
import { addressOf } from '../slot.ts'
import type { CpuKernel } from './kernel.ts'

export const contiguous: CpuKernel<'contiguous'> = (launch, [input], _attributes, output) => {
  launch.copy(input!, { address: addressOf(output), strides: output.strides })
}

/** Slices along one axis, in the order of `indices`, which the workers check. */
function gather(
  launch: Launch,
  input: TensorView,
  axis: number,
  indices: TensorView,
  output: TensorView,
): void {
  const size = input.shape[axis]!
  const inner = numel(input.shape.slice(axis + 1))
  const outer = numel(input.shape.slice(0, axis))
  const count = numel(indices.shape)
  const bytes = inner * dtypes[input.dtype].itemsize
  const [source, picks] = [launch.dense(input), launch.dense(indices)]
  const wide = indices.dtype === 'int64' ? 1 : 0
  const args = [source, picks, wide, size, count, bytes, addressOf(output)]
  launch.run('gather', outer * count, inner, args)
}

export const embedding: CpuKernel<'embedding'> = (
  launch,
  [indices, weight],
  _attributes,
  output,
) => {
  gather(launch, weight!, 0, indices!, output)
}

export const indexSelect: CpuKernel<'index_select'> = (
  launch,
  [input, indices],
  { axis },
  output,
) => {
  gather(launch, input!, axis < 0 ? axis + input!.shape.length : axis, indices!, output)
}

export const concat: CpuKernel<'concat'> = (launch, tensors, { axis }, output) => {
  const at = axis < 0 ? axis + output.shape.length : axis
  const { strides } = output
  let begin = addressOf(output)
  for (const tensor of tensors) {
    launch.copy(tensor!, { address: begin, strides })
    begin += tensor!.shape[at]! * strides[at]! * dtypes[output.dtype].itemsize
  }
}

export const cast: CpuKernel<'cast'> = (launch, [input], _attributes, output) => {
  const from = input!.dtype
  const to = output.dtype
  if (from === to) {
    launch.copy(input!, { address: addressOf(output), strides: contiguousStrides(output.shape) })
  } else if (isFloatDType(from) && isFloatDType(to)) {
    const source = launch.float32(input!)
    const shape = output.shape
    launch.compute(output, (address) => {
      const strides = contiguousStrides(shape)
      launch.copyElements('float32', shape, { address: source, strides }, { address, strides })
    })
  } else {
    const [source, count] = [launch.dense(input!), numel(output.shape)]
    const [fromIndex, toIndex] = [dtypeNames.indexOf(from), dtypeNames.indexOf(to)]
    launch.runOnElements('cast', count, [source, fromIndex, addressOf(output), toIndex])
  }
}
