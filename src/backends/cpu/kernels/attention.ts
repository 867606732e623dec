/** Fused attention: scores, softmax and the weighted values of a text and head in one go. */
import type { CpuKernel } from './kernel.ts'

export const attention: CpuKernel<'attention'> = (
  launch,
  [query, key, value, mask],
  { numHeads, lengths },
  output,
) => {
  const hidden = output.shape[1]!
  const size = hidden / numHeads
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0)
  // Rows begin on a multiple of four elements, whose last vector is read as a whole.
  const scratchWidth = Math.ceil(longest / 4) * 4
  const units = lengths.length * numHeads
  const starts = new Int32Array(lengths.length + 1)
  lengths.forEach((length, text) => {
    starts[text + 1] = starts[text]! + length
  })
  const inputs = [query!, key!, value!].map((input) => launch.float32(input))
  const hiddenKeys = mask === undefined ? 0 : launch.dense(mask)
  const scratch = launch.temporary(units * 4 * scratchWidth * 4)
  launch.compute(output, (result) =>
    launch.run('attention', units, longest * longest * size, [
      ...inputs,
      hiddenKeys,
      launch.integers(starts),
      result,
      scratch,
      scratchWidth,
      numHeads,
      size,
      1 / Math.sqrt(size),
    ]),
  )
}
