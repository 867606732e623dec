/** Fused attention: scores, softmax and the weighted values of a text and head in one go. */
import type { CpuKernel } from './kernel.ts'
import { queriesOfBlock } from './native-attention.ts'

/** With so many rows or more, products of a native library are worth calling it (docs/performance.md). */
const nativeLength = 32

export const attention: CpuKernel<'attention'> = (
  launch,
  [query, key, value, mask],
  { numHeads, lengths },
  output,
) => {
  const hidden = output.shape[1]!
  const size = hidden / numHeads
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0)
  const units = lengths.length * numHeads
  const work = longest * longest * size
  const starts = new Int32Array(lengths.length + 1)
  lengths.forEach((length, text) => {
    starts[text + 1] = starts[text]! + length
  })
  const inputs = [query!, key!, value!].map((input) => launch.float32(input))
  const sizes = [numHeads, size, 1 / Math.sqrt(size)]
  if (launch.isNative && mask === undefined && longest >= nativeLength && size > 0) {
    const scratch = launch.temporary(4 * launch.threads * queriesOfBlock * longest)
    launch.compute(output, (result) => {
      const operands = [...inputs, launch.integers(starts), result, scratch, longest]
      launch.run('nativeAttention', units, work, [...operands, ...sizes])
    })
    return
  }
  // Keys are taken two at a time.
  const scratchWidth = Math.ceil(longest / 2) * 2
  const hiddenKeys = mask === undefined ? 0 : launch.dense(mask)
  const scratch = launch.temporary(units * 4 * scratchWidth * 4)
  launch.compute(output, (result) => {
    const operands = [...inputs, hiddenKeys, launch.integers(starts), result, scratch, scratchWidth]
    launch.run('attention', units, work, [...operands, ...sizes])
  })
}
