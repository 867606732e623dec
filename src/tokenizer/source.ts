/**
 * The one form that both ways of storing a tokenizer are read into, not yet checked for sense:
 * `tokenizer-json.ts` reads tokenizer.json, `vocabulary-files.ts` reads vocab.json and merges.txt,
 * and `definition.ts` checks the result.
 */
import { z } from 'zod'
import type { AddedToken } from './added-tokens.ts'

export interface TokenizerSource {
  readonly vocabularyPath: string
  readonly vocabulary: Readonly<Record<string, number>>
  readonly mergesPath: string
  /** Each two symbols, apart or with one space between them. */
  readonly merges: readonly (string | readonly string[])[]
  /** Where in its file a merge stands. */
  readonly mergePlace: (index: number) => string
  readonly addedTokens: readonly AddedToken[]
  /** Contents of special tokens; `undefined` where bytes without a token are dropped. */
  readonly unknownToken: string | undefined
  readonly bosToken: string
  readonly eosToken: string
  readonly padToken: string
  readonly addPrefixSpace: boolean
}

export const vocabularySchema = z.record(z.string(), z.int().nonnegative())
