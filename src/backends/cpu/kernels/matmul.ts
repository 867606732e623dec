/**
 * Matrix products: the right side is packed into panels, the left side is read in place. Products with
 * weights are those of a native library where there is one.
 */
import { broadcastStrides, forEachPosition, numel } from '../../../tensor/shape.ts'
import type { TensorView } from '../../../tensor/storage.ts'
import { type Launch, panelWidth } from '../launch.ts'
import { addressOf } from '../slot.ts'
import type { CpuKernel } from './kernel.ts'
import { multiplyNatively } from './native-product.ts'
import type { Product } from './product.ts'

/** Bytes of rows that a panel is multiplied with: they stay in a core's second-level cache. */
const bytesOfBlock = 384 * 1024

/** Blocks of rows of about one size, in multiples of the four that are computed together. */
export function rowsOfBlock(rows: number, inner: number): number {
  const most = Math.min(Math.max(bytesOfBlock / (4 * Math.max(inner, 1)), 16), 256)
  const blocks = Math.ceil(rows / most)
  return Math.ceil(rows / blocks / 4) * 4
}

function multiply(
  launch: Launch,
  { left, packed, bias, output, rows, columns, inner }: Product,
): void {
  const blockRows = rowsOfBlock(rows, inner)
  const units = Math.ceil(columns / panelWidth) * Math.ceil(rows / blockRows)
  const args = [left, inner, packed, bias, output, rows, columns, inner, blockRows]
  launch.run('matmul', units, (blockRows * inner) / 4, args)
}

/** `input` `[…, in]`, `weight` `[out, in]`, `bias` `[out]`. */
export const linear: CpuKernel<'linear'> = (launch, [input, weight, bias], _attributes, output) => {
  const [columns, inner] = weight!.shape as readonly [number, number]
  const rows = numel(output.shape) / columns
  const packed = launch.packedWeight(weight!)
  const sizes = { rows, columns, inner }
  if (launch.isNarrow(weight!.dtype) && inner > 0) {
    const left = launch.dense(input!)
    const shift = bias === undefined ? 0 : launch.dense(bias)
    const product = { left, packed, bias: shift, output: addressOf(output), ...sizes }
    multiplyNatively(launch, product, 'nativeMultiplyBfloat16')
    return
  }
  const left = launch.float32(input!)
  const shift = bias === undefined ? 0 : launch.float32(bias)
  // Libraries refuse sums of nothing.
  const compute = launch.isNative && inner > 0 ? multiplyNatively : multiply
  launch.compute(output, (result) =>
    compute(launch, { left, packed, bias: shift, output: result, ...sizes }),
  )
}

/** `[…, m, k]` and `[…, k, n]`; leading axes broadcast. One command for each matrix of the batch. */
export const matmul: CpuKernel<'matmul'> = (launch, [a, b], _attributes, output) => {
  const [rows, columns] = output.shape.slice(-2) as [number, number]
  const inner = a!.shape.at(-1)!
  const batch = output.shape.slice(0, -2)
  const [left, right] = [launch.float32(a!), launch.float32(b!)]
  const rightStarts = matrixStarts(b!, batch)
  launch.compute(output, (result) => {
    matrixStarts(a!, batch).forEach((start, index) => {
      const packed = launch.packColumns(right + 4 * rightStarts[index]!, columns, inner, [
        1,
        columns,
      ])
      multiply(launch, {
        left: left + 4 * start,
        packed,
        bias: 0,
        output: result + 4 * index * rows * columns,
        rows,
        columns,
        inner,
      })
    })
  })
}

/** Where the matrices of a dense copy of `tensor` begin, one for each element of `batch`. */
function matrixStarts({ shape }: TensorView, batch: readonly number[]): number[] {
  const lead = shape.slice(0, -2)
  const size = shape.at(-1)! * shape.at(-2)!
  const strides = lead.map((_, axis) => size * numel(lead.slice(axis + 1)))
  const starts: number[] = []
  forEachPosition(batch, broadcastStrides(lead, strides, batch), 0, (position) => {
    starts.push(position)
  })
  return starts
}
