/** A product by a native library (`native-blas.ts`), divided into parts that the threads take. */
import type { Launch } from '../launch.ts'
import { panelWidth } from '../native-blas.ts'
import type { Product } from './product.ts'

/** A part has at least so many rows: for each one, a library reads its columns of the weight. */
const fewestRows = 64
/** A part has at least so many columns: what the AVX-512 kernel of oneDNN takes at once. */
const fewestColumns = 48
/** Parts for each thread: two, so that a thread which is slowed down by others has less to do. */
const partsPerThread = 2

/** How large parts are: panels at most, and smaller where that gives the threads too few. */
export function sizesOfParts(rows: number, columns: number, threads: number) {
  const wanted = partsPerThread * threads
  const panels = Math.ceil(columns / panelWidth)
  const down = Math.max(1, Math.min(Math.ceil(wanted / panels), Math.floor(rows / fewestRows)))
  let width = panelWidth
  while (down * Math.ceil(columns / width) < wanted && width > fewestColumns) width /= 2
  return { height: Math.ceil(rows / down), width }
}

/** Operands are float32 for `nativeMultiply`, bfloat16 for the other. */
export function multiplyNatively(
  launch: Launch,
  { left, packed, bias, output, rows, columns, inner }: Product,
  kernel: 'nativeMultiply' | 'nativeMultiplyBfloat16' = 'nativeMultiply',
): void {
  if (rows === 0) return
  const { height, width } = sizesOfParts(rows, columns, launch.threads)
  const parts = Math.ceil(columns / width) * Math.ceil(rows / height)
  const operands = [left, packed, bias, output]
  const sizes = [rows, columns, inner, height, width]
  launch.run(kernel, parts, height * inner * width, [...operands, ...sizes])
}
