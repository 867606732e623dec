/**
 * A batch of tokenized texts as rows: what the rows of hidden states stand for.
 *
 * Packed: the texts' tokens one after the other, no padding. Padded: every text takes as many rows
 * as the longest, filled up with the padding id. Only positions, attention and taking the first token
 * depend on which of the two it is, and all they need is here.
 */
import { InvalidArgumentError } from '../errors.ts'
import type { BatchLayout } from '../ops/index.ts'

export interface TokenBatch {
  readonly layout: BatchLayout
  /** Rows of each text; with padding all equal. */
  readonly lengths: readonly number[]
  /** `[rows]`, token ids. */
  readonly inputIds: Int32Array
  /** `[rows]`, indices into the position embeddings. */
  readonly positionIds: Int32Array
  /** `[texts]`, the row of each text's first token. */
  readonly firstRows: Int32Array
  /** `[texts, length]`, 1 where a row is padding; only with padding. */
  readonly paddingMask: Uint8Array | undefined
}

/**
 * Lays out sequences of token ids, each with its `<s>` and `</s>`. With padding, texts have the length of
 * the longest, rounded up to a multiple of `multiple`.
 */
export function tokenBatch(
  sequences: readonly ArrayLike<number>[],
  layout: BatchLayout,
  padTokenId: number,
  multiple = 1,
): TokenBatch {
  const longest = sequences.reduce((length, ids) => Math.max(length, ids.length), 0)
  const padded = Math.ceil(longest / multiple) * multiple
  const lengths = sequences.map((ids) => (layout === 'packed' ? ids.length : padded))
  const rows = lengths.reduce((sum, length) => sum + length, 0)
  const inputIds = new Int32Array(rows).fill(padTokenId)
  const positionIds = new Int32Array(rows).fill(padTokenId)
  const paddingMask = layout === 'packed' ? undefined : new Uint8Array(rows).fill(1)
  const firstRows = new Int32Array(sequences.length)
  let start = 0
  sequences.forEach((ids, text) => {
    if (ids.length === 0) throw new InvalidArgumentError('sequences', `text ${text} has no tokens`)
    firstRows[text] = start
    inputIds.set(ids, start)
    paddingMask?.fill(0, start, start + ids.length)
    fillPositions(positionIds, start, ids, padTokenId)
    start += lengths[text]!
  })
  return { layout, lengths, inputIds, positionIds, firstRows, paddingMask }
}

/**
 * RoBERTa counts positions over the tokens that are not padding, beginning at padding id + 1; a
 * padding token, even one spelled out within a text, has the position of the padding id.
 */
function fillPositions(
  into: Int32Array,
  start: number,
  ids: ArrayLike<number>,
  padTokenId: number,
): void {
  let position = padTokenId
  for (let at = 0; at < ids.length; at++) {
    into[start + at] = ids[at] === padTokenId ? padTokenId : ++position
  }
}
