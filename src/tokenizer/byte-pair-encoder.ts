/**
 * Text without added tokens to token ids: words, their UTF-8 bytes, a symbol for each byte, and
 * merges of symbols.
 */
import { ByteLevelPreTokenizer } from '@huggingface/tokenizers'
import { InvalidArgumentError } from '../errors.ts'
import { encodeInChunks } from './long-words.ts'
import { SymbolMerger } from './symbol-merger.ts'

export interface BytePairModel {
  /** Ids of all tokens. Holds both sides of every merge and what they make. */
  readonly vocabulary: ReadonlyMap<string, number>
  /** Pairs of tokens that are joined where they meet, the most urgent first. */
  readonly merges: readonly (readonly [string, string])[]
  /** Stands for a byte that the vocabulary lacks; without it such bytes are dropped. */
  readonly unknownId: number | undefined
  /** Whether a space goes before a text that does not begin with one. */
  readonly addPrefixSpace: boolean
}

/**
 * GPT-2's words. Written with White_Space because the \s of JavaScript has U+FEFF and lacks U+0085,
 * unlike that of the tokenizers RoBERTa was trained with. Which characters are letters and numbers
 * is up to the engine's Unicode version, which matters only for the newest scripts.
 */
const wordPattern =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu

/** The character that stands for each byte in tokens, such as Ġ for a space. */
const { byte_encoder: symbolOfByte } = new ByteLevelPreTokenizer({ type: 'ByteLevel' })

/**
 * Words of more bytes than this are encoded in chunks of the length below it. Eight bytes are two
 * emojis or two and a half Han characters, so that chunks recur and the cache has them: 100,000
 * random emojis take 0.1 s, and 0.6 s in chunks of 64.
 */
const longestWhole = 64
const chunkLength = 8

/**
 * Words of up to so many characters are remembered with their ids. Longer substrings are views of the text
 * in V8 (SlicedString::kMinLength is 13), which they would keep alive.
 */
const longestRemembered = 12
/** Some 16 MB. Reaching it forgets all, so that memory stays bounded whatever the texts are. */
const mostRemembered = 100_000

export class BytePairEncoder {
  readonly #model: BytePairModel
  readonly #symbols: readonly string[]
  readonly #merger: SymbolMerger
  readonly #utf8 = new TextEncoder()
  readonly #remembered = new Map<string, readonly number[]>()

  constructor(model: BytePairModel) {
    this.#model = model
    this.#symbols = Object.values(symbolOfByte).map((symbol) =>
      model.unknownId === undefined && !model.vocabulary.has(symbol) ? '' : symbol,
    )
    this.#merger = new SymbolMerger(model.merges)
  }

  /** Appends the ids of `text` to `ids`. An unpaired surrogate counts as U+FFFD. */
  encode(text: string, ids: number[]): void {
    const { addPrefixSpace } = this.#model
    for (const word of wordsOf(addPrefixSpace && !text.startsWith(' ') ? ` ${text}` : text)) {
      for (const id of this.#remembered.get(word) ?? this.#idsOf(word)) ids.push(id)
    }
  }

  #idsOf(word: string): readonly number[] {
    const { vocabulary, unknownId } = this.#model
    const ids = this.#tokensOf(word).map((token) => (vocabulary.get(token) ?? unknownId)!)
    if (word.length <= longestRemembered) {
      if (this.#remembered.size === mostRemembered) this.#remembered.clear()
      this.#remembered.set(word, ids)
    }
    return ids
  }

  #tokensOf(word: string): readonly string[] {
    const bytes = this.#utf8.encode(word)
    const length = bytes.length <= longestWhole ? longestWhole : chunkLength
    const chunks: string[] = []
    for (let start = 0; start < bytes.length; start += length) {
      // Fresh strings: slices of one string would keep it alive for as long as they are cached.
      const chunk = bytes.subarray(start, start + length)
      chunks.push(Array.from(chunk, (byte) => this.#symbols[byte]).join(''))
    }
    return encodeInChunks(chunks, (symbols) => this.#merger.merge(symbols))
  }
}

function wordsOf(text: string): readonly string[] {
  try {
    return text.match(wordPattern) ?? []
  } catch (cause) {
    // The regular expression engine runs out of stack inside one word of some million characters.
    if (!(cause instanceof RangeError)) throw cause
    throw new InvalidArgumentError('text', 'holds a word of millions of characters', {
      hint: 'cut the text before it is encoded',
      cause,
    })
  }
}
