/**
 * What a directory's files say its tokenizer is, checked: from here on nothing can be missing.
 *
 * A vocabulary whose ids have gaps or repeat, or merges of symbols it lacks, would encode texts to
 * wrong ids without a sign of it, so all of that is refused.
 */
import { stat } from 'node:fs/promises'
import type { AddedToken } from './added-tokens.ts'
import type { BytePairModel } from './byte-pair-encoder.ts'
import { TokenizerError } from './errors.ts'
import { readSettings } from './settings.ts'
import type { TokenizerSource } from './source.ts'
import { readTokenizerJson } from './tokenizer-json.ts'
import { readVocabularyFiles } from './vocabulary-files.ts'

export interface TokenizerDefinition extends BytePairModel {
  /** All tokens by id. */
  readonly tokens: readonly string[]
  readonly addedTokens: readonly AddedToken[]
  readonly bosTokenId: number
  readonly eosTokenId: number
  readonly padTokenId: number
  readonly modelMaxLength: number | undefined
}

const damaged = { hint: 'the file is damaged; download it again' }

/** Reads and checks the tokenizer in `directory`. Throws TokenizerError. */
export async function readDefinition(directory: string): Promise<TokenizerDefinition> {
  const settings = await readSettings(directory)
  const source =
    (await readTokenizerJson(directory, settings)) ??
    (await readVocabularyFiles(directory, settings))
  if (source === undefined) throw await nothingThere(directory)

  const vocabulary = vocabularyOf(source)
  const idOf = (token: string): number => {
    const id = vocabulary.get(token)
    if (id !== undefined) return id
    throw new TokenizerError(source.vocabularyPath, `has no special token '${token}'`, damaged)
  }
  return {
    vocabulary,
    tokens: tokensById(vocabulary, source.vocabularyPath),
    merges: mergesOf(source, vocabulary),
    addedTokens: source.addedTokens,
    addPrefixSpace: source.addPrefixSpace,
    unknownId: source.unknownToken === undefined ? undefined : idOf(source.unknownToken),
    bosTokenId: idOf(source.bosToken),
    eosTokenId: idOf(source.eosToken),
    padTokenId: idOf(source.padToken),
    modelMaxLength: settings.modelMaxLength,
  }
}

async function nothingThere(directory: string): Promise<TokenizerError> {
  const exists = await stat(directory).then(
    () => true,
    () => false,
  )
  return new TokenizerError(
    directory,
    exists ? 'has no tokenizer files' : 'there is no such directory',
    { hint: 'tokenizer.json is needed, or vocab.json and merges.txt' },
  )
}

/** The ids of all tokens, added ones too. */
function vocabularyOf(source: TokenizerSource): Map<string, number> {
  const vocabulary = new Map(Object.entries(source.vocabulary))
  for (const { content, id } of source.addedTokens) {
    const known = vocabulary.get(content) ?? id
    if (known !== id) {
      const problem = `the added token '${content}' has id ${id}, but ${known} in the vocabulary`
      throw new TokenizerError(source.vocabularyPath, problem, damaged)
    }
    vocabulary.set(content, id)
  }
  return vocabulary
}

function tokensById(vocabulary: ReadonlyMap<string, number>, path: string): string[] {
  const byId = new Map<number, string>()
  for (const [token, id] of vocabulary) {
    const other = byId.get(id)
    if (other !== undefined) {
      throw new TokenizerError(path, `both '${other}' and '${token}' have the id ${id}`, damaged)
    }
    byId.set(id, token)
  }
  return Array.from({ length: byId.size }, (_, id) => {
    const token = byId.get(id)
    if (token !== undefined) return token
    throw new TokenizerError(path, `no token has the id ${id}, but later ids are used`, damaged)
  })
}

function mergesOf(
  { merges, mergesPath, mergePlace }: TokenizerSource,
  vocabulary: ReadonlyMap<string, number>,
): [string, string][] {
  return merges.map((merge, index) => {
    const [left, right, ...rest] = typeof merge === 'string' ? merge.split(' ') : merge
    if (!left || !right || rest.length > 0) {
      const problem = `${mergePlace(index)}: ${JSON.stringify(merge)} is not two symbols`
      throw new TokenizerError(mergesPath, problem, damaged)
    }
    const unknown = [left, right, left + right].find((symbol) => !vocabulary.has(symbol))
    if (unknown !== undefined) {
      const problem = `${mergePlace(index)}: '${unknown}' is not in the vocabulary`
      throw new TokenizerError(mergesPath, problem, {
        hint: 'the vocabulary and the merges must come from the same checkpoint',
      })
    }
    return [left, right]
  })
}
