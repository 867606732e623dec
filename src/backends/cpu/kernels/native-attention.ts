/** The worker's side of `attention.ts` where a native library multiplies. */
import type { Multiply } from '../native-blas.ts'

/** `softmax` of the kernels. */
export type Softmax = (
  begin: number,
  end: number,
  input: number,
  mask: number,
  output: number,
  width: number,
  scale: number,
) => void

/** Queries whose scores are computed together: with 514 keys they stay in a second-level cache. */
export const queriesOfBlock = 128

/**
 * Heads `begin` … `end` − 1, those of a text counting fastest: softmax(query · keyᵀ · scale) · value.
 * `query`, `key`, `value` and `output` are `[rows, heads · size]` of float32. Text t has rows starts[t] to
 * starts[t + 1] (int32). `scratch` has room for `queriesOfBlock` rows of `longest` scores for each thread, of
 * which this is number `thread`.
 */
export function nativeAttention(
  multiply: Multiply,
  softmax: Softmax,
  memory: ArrayBufferLike,
  thread: number,
  begin: number,
  end: number,
  ...args: readonly number[]
): undefined {
  const [query, key, value, starts, output, scratch, longest, heads, size, scale] = args as [
    ...[number, number, number, number, number],
    ...[number, number, number, number, number],
  ]
  const hidden = heads * size
  const scores = scratch + 4 * thread * queriesOfBlock * longest
  /** A head's part of `rows` rows. */
  const part = (address: number, first: number, rows: number): Float32Array =>
    new Float32Array(memory, address + 4 * first, (rows - 1) * hidden + size)
  for (let unit = begin; unit < end; unit++) {
    const [start, stop] = new Int32Array(memory, starts + 4 * Math.floor(unit / heads), 2)
    const keys = stop! - start!
    const at = start! * hidden + (unit % heads) * size
    for (let row = 0; row < keys; row += queriesOfBlock) {
      const queries = Math.min(queriesOfBlock, keys - row)
      const first = at + row * hidden
      const c = new Float32Array(memory, scores, queries * keys)
      multiply({
        ...{ m: queries, n: keys, k: size },
        ...{ a: part(query, first, queries), lda: hidden },
        ...{ b: part(key, at, keys), ldb: hidden, isTransposed: true },
        ...{ c, ldc: keys },
      })
      softmax(0, queries, scores, 0, scores, keys, scale)
      multiply({
        ...{ m: queries, n: size, k: keys },
        ...{ a: c, lda: keys },
        ...{ b: part(value, at, keys), ldb: hidden },
        ...{ c: part(output, first, queries), ldc: hidden },
      })
    }
  }
  return undefined
}
