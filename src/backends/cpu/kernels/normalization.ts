/** Kernels that normalise rows: layer norm and softmax. */
import { contiguousStrides, numel } from '../../../tensor/shape.ts'
import type { TensorView } from '../../../tensor/storage.ts'
import { broadcastTo } from './elementwise.ts'
import type { CpuKernel } from './kernel.ts'

export const layerNorm: CpuKernel<'layer_norm'> = (launch, inputs, { eps }, output) => {
  const width = output.shape.at(-1)!
  const addresses = inputs.map((input) => launch.float32(input!))
  launch.compute(output, (result) =>
    launch.run('layerNorm', numel(output.shape) / width, width, [...addresses, result, width, eps]),
  )
}

export const addLayerNorm: CpuKernel<'add_layer_norm'> = (launch, inputs, { eps }, output) => {
  const width = output.shape.at(-1)!
  const rows = numel(output.shape) / width
  const addresses = inputs.map((input) => launch.float32(input!))
  launch.compute(output, (result) =>
    launch.run('addLayerNorm', rows, 2 * width, [...addresses, result, width, eps]),
  )
}

/** A list with its element at `axis` moved to the end. */
function toEnd<T>(list: readonly T[], axis: number): T[] {
  return [...list.slice(0, axis), ...list.slice(axis + 1), list[axis]!]
}

/** The view with an axis moved to the end. */
function withLast(view: TensorView, axis: number): TensorView {
  const { storage, dtype, shape, strides, offset } = view
  return { storage, dtype, offset, shape: toEnd(shape, axis), strides: toEnd(strides, axis) }
}

export const softmax: CpuKernel<'softmax'> = (launch, [input, mask], { axis, scale }, output) => {
  const at = axis < 0 ? axis + output.shape.length : axis
  const target = withLast(output, at)
  const width = target.shape.at(-1)!
  const rows = numel(output.shape) / width
  const from = launch.float32(withLast(input!, at))
  const hidden = mask === undefined ? 0 : launch.dense(withLast(broadcastTo(mask, output), at))
  const isLast = at === output.shape.length - 1
  launch.compute(output, (result) => {
    const dense = isLast ? result : launch.temporary(4 * numel(output.shape))
    launch.run('softmax', rows, 4 * width, [from, hidden, dense, width, scale])
    if (isLast) return
    const source = { address: dense, strides: contiguousStrides(target.shape) }
    launch.copyElements('float32', target.shape, source, {
      address: result,
      strides: target.strides,
    })
  })
}
