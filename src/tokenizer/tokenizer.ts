/**
 * RoBERTa's tokenizer: texts to token ids, the same as Hugging Face's fast tokenizer gives.
 *
 * Texts are taken verbatim: nothing is trimmed, lower-cased or normalised. This file puts the parts
 * together and truncates; batches and padding are the model's business. Start in `definition.ts` for
 * the files a tokenizer is read from, and in `byte-pair-encoder.ts` for how text becomes ids.
 */
import { InvalidArgumentError } from '../errors.ts'
import { AddedTokenSplitter } from './added-tokens.ts'
import { BytePairEncoder } from './byte-pair-encoder.ts'
import { readDefinition, type TokenizerDefinition } from './definition.ts'

/** One text as token ids. */
export interface Encoding {
  /** `<s>`, the text's tokens, `</s>`. */
  readonly inputIds: readonly number[]
  /** Whether tokens were left out to keep to `maxLength`. */
  readonly truncated: boolean
  /** How many ids the whole text has, `<s>` and `</s>` counted. */
  readonly untruncatedLength: number
}

export interface EncodeOptions {
  /** The most ids to return, `<s>` and `</s>` counted; at least 2. All of them when left out. */
  readonly maxLength?: number | undefined
}

export class RobertaTokenizer {
  /** How many ids there are; they run from 0 without gaps. */
  readonly vocabularySize: number
  /** The longest input the checkpoint says its model takes. It is not applied by itself. */
  readonly modelMaxLength: number | undefined
  readonly bosTokenId: number
  readonly eosTokenId: number
  readonly padTokenId: number
  readonly #tokens: readonly string[]
  readonly #splitter: AddedTokenSplitter
  readonly #encoder: BytePairEncoder

  private constructor(definition: TokenizerDefinition) {
    this.vocabularySize = definition.tokens.length
    this.modelMaxLength = definition.modelMaxLength
    this.bosTokenId = definition.bosTokenId
    this.eosTokenId = definition.eosTokenId
    this.padTokenId = definition.padTokenId
    this.#tokens = definition.tokens
    this.#splitter = new AddedTokenSplitter(definition.addedTokens)
    this.#encoder = new BytePairEncoder(definition)
  }

  /**
   * Reads the tokenizer of a checkpoint: tokenizer.json, or vocab.json and merges.txt, and
   * tokenizer_config.json and special_tokens_map.json where they are.
   *
   * @throws TokenizerError where a file is missing, damaged, or not of RoBERTa's kind.
   */
  static async load(directory: string): Promise<RobertaTokenizer> {
    return new RobertaTokenizer(await readDefinition(directory))
  }

  /**
   * The ids of a text. A special token written in the text counts as that token. An unpaired
   * surrogate, which UTF-8 cannot express, counts as U+FFFD. Truncation keeps the first ids.
   *
   * @throws InvalidArgumentError for a `maxLength` that is not an integer of at least 2, and for a
   * text with millions of characters that nothing separates.
   */
  encode(text: string, { maxLength }: EncodeOptions = {}): Encoding {
    if (typeof text !== 'string') {
      throw new InvalidArgumentError('text', `expected a string, got ${typeof text}`)
    }
    if (maxLength !== undefined && !(Number.isInteger(maxLength) && maxLength >= 2)) {
      throw new InvalidArgumentError('maxLength', `${maxLength} is not an integer of at least 2`, {
        hint: 'it counts <s> and </s> too',
      })
    }
    const inputIds = [this.bosTokenId]
    for (const section of this.#splitter.split(text)) {
      if (typeof section === 'number') inputIds.push(section)
      else this.#encoder.encode(section, inputIds)
    }
    inputIds.push(this.eosTokenId)
    const untruncatedLength = inputIds.length
    const truncated = maxLength !== undefined && untruncatedLength > maxLength
    if (truncated) inputIds.splice(maxLength - 1, untruncatedLength, this.eosTokenId)
    return { inputIds, truncated, untruncatedLength }
  }

  /** The token of an id as the vocabulary has it (Ġ for a space), or undefined for no such id. */
  idToToken(id: number): string | undefined {
    return this.#tokens[id]
  }
}
