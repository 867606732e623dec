/** Kernels that pick, place or convert elements. All but cast keep every bit. */
import { type DType, isFloatDType } from '../../tensor/dtype.ts'
import { IndexOutOfRangeError } from '../../tensor/errors.ts'
import { oddNumber } from '../../tensor/float-bits.ts'
import { numel } from '../../tensor/shape.ts'
import { asBits, type Elements, type HostTensor, read, readStored, write } from './elements.ts'
import type { Kernel } from './kernel.ts'

/** Copies `count` elements, bit by bit. */
function copy(from: Elements, start: number, to: Elements, at: number, count: number): void {
  const [source, target] = [asBits(from), asBits(to)]
  for (let i = 0; i < count; i++) target[at + i] = source[start + i]!
}

export const contiguous: Kernel<'contiguous'> = ([input], _attributes, output) => {
  copy(readStored(input!), 0, output.data, output.offset, numel(output.shape))
}

/** Slices of a dense array along one axis, in the order of `indices`. */
function gather(
  operator: 'embedding' | 'index_select',
  input: HostTensor,
  axis: number,
  indices: HostTensor,
  output: HostTensor,
): void {
  const stored = readStored(input)
  const picks = read(indices)
  const size = input.shape[axis]!
  const inner = numel(input.shape.slice(axis + 1))
  const outer = numel(input.shape.slice(0, axis))
  let at = output.offset
  for (let lead = 0; lead < outer; lead++) {
    for (const index of picks) {
      if (!(index >= 0 && index < size)) throw new IndexOutOfRangeError(operator, index, size)
      copy(stored, (lead * size + index) * inner, output.data, at, inner)
      at += inner
    }
  }
}

export const embedding: Kernel<'embedding'> = ([indices, weight], _attributes, output) => {
  gather('embedding', weight!, 0, indices!, output)
}

export const indexSelect: Kernel<'index_select'> = ([input, indices], { axis }, output) => {
  const { shape } = input!
  gather('index_select', input!, axis < 0 ? axis + shape.length : axis, indices!, output)
}

export const concat: Kernel<'concat'> = (tensors, { axis }, output) => {
  const at = axis < 0 ? axis + output.shape.length : axis
  const inner = numel(output.shape.slice(at + 1))
  const outer = numel(output.shape.slice(0, at))
  const outerStride = output.shape[at]! * inner
  let begin = output.offset
  for (const tensor of tensors) {
    const stored = readStored(tensor!)
    const run = tensor!.shape[at]! * inner
    for (let lead = 0; lead < outer; lead++) {
      copy(stored, lead * run, output.data, begin + lead * outerStride, run)
    }
    begin += run
  }
}

export const cast: Kernel<'cast'> = ([input], attributes, output) => {
  const to: DType = attributes.dtype
  const from = input!.dtype
  if (from === to)
    return copy(readStored(input!), 0, output.data, output.offset, numel(output.shape))
  if (from !== 'int64') return write(output, read(input!))
  // float64 does not hold every int64.
  const integers = readStored(input!) as BigInt64Array
  if (isFloatDType(to)) return write(output, Float64Array.from(integers, oddNumber))
  if (to === 'bool')
    return write(
      output,
      Float64Array.from(integers, (x) => (x === 0n ? 0 : 1)),
    )
  write(
    output,
    Float64Array.from(integers, (x) => Number(BigInt.asIntN(32, x))),
  )
}
