/** Kernels that normalise rows: layer norm and softmax. */
import { type FloatDType, finfo } from '../../tensor/dtype.ts'
import { numel } from '../../tensor/shape.ts'
import { type HostTensor, read, write } from './elements.ts'
import { broadcastTo } from './elementwise.ts'
import type { Kernel } from './kernel.ts'

/** Two passes over each row: mean, then the mean of squared distances from it. */
function normalizeRows(
  x: Float64Array,
  weight: HostTensor,
  bias: HostTensor,
  eps: number,
  output: HostTensor,
): void {
  const width = weight.shape[0]!
  const gain = read(weight)
  const shift = read(bias)
  const result = new Float64Array(x.length)
  for (let start = 0; start < x.length; start += width) {
    const row = x.subarray(start, start + width)
    const mean = row.reduce((sum, value) => sum + value, 0) / width
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width
    const factor = 1 / Math.sqrt(variance + eps)
    for (let i = 0; i < width; i++) {
      result[start + i] = (row[i]! - mean) * factor * gain[i]! + shift[i]!
    }
  }
  write(output, result)
}

export const layerNorm: Kernel<'layer_norm'> = ([input, weight, bias], { eps }, output) => {
  normalizeRows(read(input!), weight!, bias!, eps, output)
}

export const addLayerNorm: Kernel<'add_layer_norm'> = (
  [input, residual, weight, bias],
  { eps },
  output,
) => {
  const other = read(residual!)
  const sum = read(input!).map((value, index) => value + other[index]!)
  normalizeRows(sum, weight!, bias!, eps, output)
}

export const softmax: Kernel<'softmax'> = ([input, mask], { axis, scale }, output) => {
  const { shape } = output
  const at = axis < 0 ? axis + shape.length : axis
  const size = shape[at]!
  const step = numel(shape.slice(at + 1))
  const x = read(input!).map((value) => value * scale)
  if (mask !== undefined) {
    const lowest = -finfo[output.dtype as FloatDType].max
    read(broadcastTo(mask, output)).forEach((hidden, index) => {
      if (hidden !== 0) x[index] = lowest
    })
  }
  for (let outer = 0; outer < x.length; outer += size * step) {
    for (let start = outer; start < outer + step; start++) {
      const end = start + size * step
      let largest = -Infinity
      for (let i = start; i < end; i += step) largest = Math.max(largest, x[i]!)
      let sum = 0
      for (let i = start; i < end; i += step) {
        x[i] = Math.exp(x[i]! - largest)
        sum += x[i]!
      }
      for (let i = start; i < end; i += step) x[i]! /= sum
    }
  }
  write(output, x)
}
