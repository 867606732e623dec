/** `linear` by a native library (`native-blas.ts`), the one that is faster for the number of rows. */
import { numel } from '../../../tensor/shape.ts'
import type { TensorView } from '../../../tensor/storage.ts'
import type { Launch } from '../launch.ts'
import type { Blas } from '../native-blas.ts'
import { addressOf } from '../slot.ts'

/** Rows of the source that a unit of `transpose` takes; also in kernels/wasm/transpose.ts. */
const band = 16

/** From so many rows on `rows` is the faster form, where there is a choice (docs/performance.md). */
const manyRows = 64

/** A part of the product is at least so many columns (a multiple of 16) or rows: less is not worth a call. */
const fewest = 64

/** Parts for each thread: two, so that a thread which is slowed down by others has less to do. */
const partsPerThread = 2

/** Parts of a product, shares of the columns and then of the rows. */
function partsOf(rows: number, columns: number, threads: number) {
  const parts = partsPerThread * threads
  const width = Math.max(Math.ceil(columns / parts / 16) * 16, fewest)
  const across = Math.ceil(columns / width)
  const down = Math.max(1, Math.min(Math.floor(parts / across), Math.floor(rows / fewest)))
  const height = Math.ceil(rows / down)
  return { height, width, count: across * Math.ceil(rows / height) }
}

function fasterBlas(libraries: readonly Blas[], rows: number): Blas | undefined {
  const form = rows < manyRows ? 'columns' : 'rows'
  return libraries.find((blas) => blas.form === form) ?? libraries[0]
}

/**
 * Does the work and returns true, or false where no library can. A weight stays as it is; those of
 * 16 bits are left to the kernels that convert a weight once, when they pack it.
 */
export function nativeLinear(
  launch: Launch,
  input: TensorView,
  weight: TensorView,
  bias: TensorView | undefined,
  output: TensorView,
): boolean {
  const [columns, inner] = weight.shape as readonly [number, number]
  const rows = numel(output.shape) / columns
  const blas = fasterBlas(launch.libraries, rows)
  if (blas === undefined || weight.dtype !== 'float32' || rows === 0 || inner === 0) return false
  const left = launch.float32(input)
  const shift = bias === undefined ? 0 : launch.float32(bias)
  const { height, width, count } = partsOf(rows, columns, launch.threads)
  const multiply = (a: number, base: number, c: number): void => {
    const operands = [a, launch.float32(weight), base, c]
    const library = launch.libraries.indexOf(blas)
    launch.run('nativeMultiply', count, height * inner * width, [
      library,
      ...operands,
      ...[rows, columns, inner, height, width],
    ])
  }
  const result = addressOf(output)
  if (blas.form === 'rows') {
    multiply(left, shift, result)
    return true
  }
  const turned = launch.temporary(4 * rows * inner)
  transpose(launch, left, rows, inner, 0, turned)
  const product = launch.temporary(4 * rows * columns)
  multiply(turned, 0, product)
  transpose(launch, product, columns, rows, shift, result)
  return true
}

function transpose(
  launch: Launch,
  source: number,
  rows: number,
  columns: number,
  shift: number,
  target: number,
): void {
  const args = [source, rows, columns, shift, target]
  launch.run('transpose', Math.ceil(rows / band), band * columns, args)
}
