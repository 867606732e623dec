/** Matrix products, summed in float64. */
import { broadcastStrides, forEachPosition, numel } from '../../tensor/shape.ts'
import { type HostTensor, read, write } from './elements.ts'
import type { Kernel } from './kernel.ts'

/**
 * `result[i, j] = Σₖ a[i, k] · b[j, k]` for `a` `[rows, inner]` and `b` `[columns, inner]`, with the
 * matrices beginning at the given positions. Four columns at a time, so that four sums run at once.
 */
function products(
  a: Float64Array,
  aStart: number,
  b: Float64Array,
  bStart: number,
  result: Float64Array,
  resultStart: number,
  rows: number,
  columns: number,
  inner: number,
): void {
  for (let j = 0; j < columns; j += 4) {
    const b0 = bStart + j * inner
    const b1 = bStart + Math.min(j + 1, columns - 1) * inner
    const b2 = bStart + Math.min(j + 2, columns - 1) * inner
    const b3 = bStart + Math.min(j + 3, columns - 1) * inner
    for (let i = 0; i < rows; i++) {
      const row = aStart + i * inner
      let [s0, s1, s2, s3] = [0, 0, 0, 0]
      for (let k = 0; k < inner; k++) {
        const x = a[row + k]!
        s0 += x * b[b0 + k]!
        s1 += x * b[b1 + k]!
        s2 += x * b[b2 + k]!
        s3 += x * b[b3 + k]!
      }
      const at = resultStart + i * columns + j
      result[at] = s0
      if (j + 1 < columns) result[at + 1] = s1
      if (j + 2 < columns) result[at + 2] = s2
      if (j + 3 < columns) result[at + 3] = s3
    }
  }
}

/** `[…, m, k]` and `[…, k, n]`; leading axes broadcast. */
export const matmul: Kernel<'matmul'> = ([a, b], _attributes, output) => {
  const [rows, columns] = output.shape.slice(-2) as [number, number]
  const inner = a!.shape.at(-1)!
  const batch = output.shape.slice(0, -2)
  const left = read(a!)
  const right = read(swapLastAxes(b!))
  const result = new Float64Array(numel(output.shape))
  const rightStarts = matrixStarts(b!, batch)
  let index = 0
  for (const leftStart of matrixStarts(a!, batch)) {
    const resultStart = index * rows * columns
    const rightStart = rightStarts[index++]!
    products(left, leftStart, right, rightStart, result, resultStart, rows, columns, inner)
  }
  write(output, result)
}

function swapLastAxes(tensor: HostTensor): HostTensor {
  const swap = (list: readonly number[]): number[] => [
    ...list.slice(0, -2),
    list.at(-1)!,
    list.at(-2)!,
  ]
  return { ...tensor, shape: swap(tensor.shape), strides: swap(tensor.strides) }
}

/** Where the matrices of a dense copy of `tensor` begin, one for each element of `batch`. */
function matrixStarts({ shape }: HostTensor, batch: readonly number[]): number[] {
  const lead = shape.slice(0, -2)
  const size = shape.at(-1)! * shape.at(-2)!
  const strides = lead.map((_, axis) => size * numel(lead.slice(axis + 1)))
  const starts: number[] = []
  forEachPosition(batch, broadcastStrides(lead, strides, batch), 0, (position) => {
    starts.push(position)
  })
  return starts
}

/** `input` `[…, in]`, `weight` `[out, in]`, `bias` `[out]`. */
export const linear: Kernel<'linear'> = ([input, weight, bias], _attributes, output) => {
  const [columns, inner] = weight!.shape as readonly [number, number]
  const result = new Float64Array(numel(output.shape))
  const rows = result.length / columns
  products(read(input!), 0, read(weight!), 0, result, 0, rows, columns, inner)
  if (bias !== undefined) {
    const offsets = read(bias)
    for (let index = 0; index < result.length; index++) result[index]! += offsets[index % columns]!
  }
  write(output, result)
}
