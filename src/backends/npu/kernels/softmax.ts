/**
 * softmax: aclnnSoftmax, and aclnnScaledMaskedSoftmax where there is a mask.
 *
 * The masked one wants four axes, the last of them summing to 1, a mask as large as the input in its
 * last two axes, and a dense output. What a mask hides is −10000 after scaling there, and the lowest
 * finite number in the definition: the same result unless scores are beyond ±10000.
 */
import { numel, sameShape } from '../../../tensor/shape.ts'
import { type DeviceView, isDense, permuted } from '../device-view.ts'
import type { Launch } from '../launch.ts'
import type { NpuKernel } from './kernel.ts'

export const softmax: NpuKernel<'softmax'> = (launch, [input, mask], attributes, output) => {
  const { scale } = attributes
  const rank = output.shape.length
  const axis = attributes.axis < 0 ? attributes.axis + rank : attributes.axis
  if (mask !== undefined) return maskedSoftmax(launch, input!, mask, axis, scale, output)
  const scaled = scale === 1 ? input! : timesScale(launch, input!, scale)
  launch.run('aclnnSoftmax', (make) => [make.tensor(scaled), BigInt(axis), make.tensor(output)])
}

/** Scaled without a rounding that the definition does not have: a 16-bit input becomes float32. */
function timesScale(launch: Launch, input: DeviceView, scale: number): DeviceView {
  const isExact = input.dtype === 'float32' || Number.isInteger(Math.log2(Math.abs(scale)))
  const x = isExact ? input : launch.cast(input, 'float32')
  const scaled = launch.temporary(x.dtype, x.shape)
  launch.run('aclnnMuls', (make) => [make.tensor(x), make.scalar(scale), make.tensor(scaled)])
  return scaled
}

function maskedSoftmax(
  launch: Launch,
  input: DeviceView,
  mask: DeviceView,
  axis: number,
  scale: number,
  output: DeviceView,
): void {
  const rank = input.shape.length
  const last = [...Array(rank).keys()].filter((other) => other !== axis).concat(axis)
  const ones = new Array<number>(rank - mask.shape.length).fill(1)
  const wholeMask = {
    ...mask,
    shape: [...ones, ...mask.shape],
    strides: [...ones, ...mask.strides],
  }
  const x = permuted(input, last)
  const hidden = withFourAxes(launch, grownMask(launch, permuted(wholeMask, last), x))
  const y = permuted(output, last)
  const target = isDense(y) ? y : launch.temporary(y.dtype, y.shape)
  const [x4, y4] = [withFourAxes(launch, x), withFourAxes(launch, target)]
  launch.run('aclnnScaledMaskedSoftmax', (make) => [
    make.tensor(x4),
    make.tensor(hidden),
    scale,
    false,
    make.tensor(y4),
  ])
  if (target !== y) launch.copy(target, y)
}

/** The mask, repeated along the last two axes, and along all where there are more than four. */
function grownMask(launch: Launch, mask: DeviceView, x: DeviceView): DeviceView {
  const rank = x.shape.length
  const keeps = (axis: number) => rank <= 4 && axis < rank - 2
  const shape = x.shape.map((size, axis) => (keeps(axis) ? mask.shape[axis]! : size))
  if (sameShape(shape, mask.shape)) return mask
  const grown = launch.temporary('bool', shape)
  launch.copy(mask, grown)
  return grown
}

/** With axes of size 1 in front where there are fewer than four, the first ones joined where more. */
function withFourAxes(launch: Launch, view: DeviceView): DeviceView {
  const { shape } = view
  const ones = new Array<number>(Math.max(0, 4 - shape.length)).fill(1)
  const joined = shape.length > 4 ? [numel(shape.slice(0, -3)), ...shape.slice(-3)] : shape
  return launch.reshape(view, [...ones, ...joined])
}
