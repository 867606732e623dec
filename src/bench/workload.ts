/** What is measured: texts, and the batches they run in. */
import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from '../errors.ts'
import { checkBatchSize } from '../model/logits-in-order.ts'

/** Texts that go together, and their number. */
export type Batch = readonly string[]

/** 23 everyday texts, written for this project. Beside the peer comparison, which runs them too. */
export function builtInTexts(): readonly string[] {
  const file = new URL('../../bench/texts-23.json', import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as string[]
}

/** One text at a time, 16, and all. */
export function defaultBatchSizes(textCount: number): readonly number[] {
  return [1, 16, textCount]
}

/**
 * The batch sizes to measure, smallest first, each once: more than all texts are all texts. Throws
 * `InvalidArgumentError` where there is no text or a size is not a positive integer.
 */
export function checkedBatchSizes(sizes: readonly number[], textCount: number): readonly number[] {
  if (textCount === 0) throw new InvalidArgumentError('texts', 'there are none')
  if (sizes.length === 0) throw new InvalidArgumentError('batch-size', 'there is none')
  for (const size of sizes) checkBatchSize(size)
  const possible = new Set(sizes.map((size) => Math.min(size, textCount)))
  return [...possible].sort((a, b) => a - b)
}

/** All texts in order, `size` at a time; the last batch has what is left. */
export function batchesOf(texts: readonly string[], size: number): Batch[] {
  const count = Math.ceil(texts.length / size)
  return Array.from({ length: count }, (_, batch) => texts.slice(batch * size, (batch + 1) * size))
}
