/**
 * Types of what this folder uses of @huggingface/tokenizers.
 *
 * The types that the package brings import each other without file extensions, which TypeScript
 * does not resolve for ES modules, so these names are missing from them (seen in version 0.2.0).
 */
declare module '@huggingface/tokenizers' {
  /** Byte-pair encoding: joins symbols by a list of merges. */
  export class BPE {
    constructor(config: {
      readonly type: 'BPE'
      readonly vocab: Readonly<Record<string, number>>
      readonly merges: readonly (readonly [string, string])[]
      readonly ignore_merges: boolean
    })
    /** Strings shorter than this are cached. */
    max_length_to_cache: number
    /** The tokens of a string of symbols, one character each. */
    bpe(symbols: string): readonly string[]
  }

  export class ByteLevelPreTokenizer {
    constructor(config: { readonly type: 'ByteLevel' })
    /** The character that stands for each of the bytes 0 to 255. */
    readonly byte_encoder: Readonly<Record<number, string>>
  }
}
