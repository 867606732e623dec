/**
 * Byte-pair encoding of a long word in chunks, with exactly the tokens of the whole word.
 *
 * The library's time and memory per symbol grow with the word, to seconds for 100,000 emojis, and
 * it keeps short words only; chunks are short words.
 *
 * Why it is exact. BPE joins, again and again, the neighbouring pair of lowest rank, the leftmost
 * of equals. Let u and v be strings, X the last token of bpe(u) and Y the first token of bpe(v).
 * Then bpe(uv) = bpe(u) bpe(v) if and only if bpe(XY) = [X, Y]:
 * - As long as nothing is joined across a boundary, each side takes the steps it would take alone:
 *   steps elsewhere may come in between, but change neither its pairs nor their order.
 * - So within u, where nothing was joined across the left edge of X, the pieces of X take the steps
 *   of X alone, and likewise those of Y within v. Which of two waiting steps goes first depends on
 *   their ranks and positions only, so the pieces of X and Y and the pair across their boundary go
 *   through the same states in uv as in XY. The boundary is crossed in both or in neither.
 * By the first point, too, every run of neighbouring tokens in bpe(u) is the encoding of its text,
 * so that tokens can be taken back from the end of an encoding.
 */

/** The tokens of a string of symbols. Anything but plain BPE voids the proof above. */
export type Bpe = (symbols: string) => readonly string[]

/** The tokens of the word that `chunks` make up. */
export function encodeInChunks(chunks: readonly string[], bpe: Bpe): readonly string[] {
  if (chunks.length === 1) return bpe(chunks[0]!)
  const tokens: string[] = []
  for (const chunk of chunks) append(tokens, chunk, bpe)
  return tokens
}

/**
 * Extends the encoding `tokens` by `text`. Where the two meet in the middle of a token, the last
 * tokens are encoded again together with the text: one, and twice as many each time that fails.
 */
function append(tokens: string[], text: string, bpe: Bpe): void {
  let rest = text
  for (let count = 1; ; count *= 2) {
    const next = bpe(rest)
    const [left, right] = [tokens.at(-1), next[0]]
    if (left === undefined || right === undefined || canFollow(left, right, bpe)) {
      for (const token of next) tokens.push(token)
      return
    }
    rest = tokens.splice(-count).join('') + rest
  }
}

function canFollow(left: string, right: string, bpe: Bpe): boolean {
  const pair = bpe(left + right)
  return pair.length === 2 && pair[0] === left
}
