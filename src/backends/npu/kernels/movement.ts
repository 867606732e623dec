/** Elements copied, picked or converted. */
import { IndexOutOfRangeError, UnsupportedOperatorError } from '../../../tensor/errors.ts'
import { forEachPosition } from '../../../tensor/shape.ts'
import { type DeviceView, isDense, isEmpty, permuted, sliced } from '../device-view.ts'
import type { NpuKernel } from './kernel.ts'

export const cast: NpuKernel<'cast'> = (launch, [input], { dtype }, output) => {
  launch.cast(input!, dtype, output)
}

export const contiguous: NpuKernel<'contiguous'> = (launch, [input], _attributes, output) => {
  const order = launch.prefers('aclnnPermute') ? memoryOrder(input!) : undefined
  if (order === undefined) return launch.copy(input!, output)
  const dims = order.map((_, axis) => order.indexOf(axis))
  launch.run('aclnnPermute', (make) => [
    make.tensor(permuted(input!, order)),
    make.integers(dims),
    make.tensor(output),
  ])
}

/** The order of axes in which a view is dense; undefined where it is so in none. */
function memoryOrder(view: DeviceView): readonly number[] | undefined {
  const { strides } = view
  const order = [...strides.keys()].sort((a, b) => strides[b]! - strides[a]!)
  return isDense(permuted(view, order)) ? order : undefined
}

/** Each tensor is copied to its place in the output. */
export const concat: NpuKernel<'concat'> = (launch, inputs, attributes, output) => {
  const axis = attributes.axis < 0 ? attributes.axis + output.shape.length : attributes.axis
  let start = 0
  for (const input of inputs) {
    const end = start + input!.shape[axis]!
    if (!isEmpty(input!)) launch.copy(input!, sliced(output, axis, start, end))
    start = end
  }
}

export const embedding: NpuKernel<'embedding'> = (launch, inputs, _attributes, output) => {
  const [indices, weight] = inputs as readonly [DeviceView, DeviceView]
  launch.check(() => checkIndices('embedding', indices, weight.shape[0]!))
  launch.run('aclnnEmbedding', (make) => [
    make.tensor(weight),
    make.tensor(indices),
    make.tensor(output),
  ])
}

export const indexSelect: NpuKernel<'index_select'> = (launch, inputs, attributes, output) => {
  const [input, indices] = inputs as readonly [DeviceView, DeviceView]
  const axis = attributes.axis < 0 ? attributes.axis + input.shape.length : attributes.axis
  launch.check(() => checkIndices('index_select', indices, input.shape[axis]!))
  launch.run('aclnnIndexSelect', (make) => [
    make.tensor(input),
    BigInt(axis),
    make.tensor(indices),
    make.tensor(output),
  ])
}

/**
 * A wrong index reads other memory on the device, or faults long after. So indices are compared with
 * what the host uploaded; those that the device made cannot be known without waiting for it.
 */
function checkIndices(operator: string, indices: DeviceView, size: number): void {
  const { integers } = indices.slot
  if (integers === undefined) {
    throw new UnsupportedOperatorError(
      operator,
      'an NPU',
      'its indices were made on the device, where nobody can check them; upload them instead',
    )
  }
  forEachPosition(indices.shape, indices.strides, indices.offset, (position) => {
    const index = Number(integers[position])
    if (index < 0 || index >= size) throw new IndexOutOfRangeError(operator, index, size)
  })
}
