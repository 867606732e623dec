/**
 * Reads vocab.json and merges.txt, the files of Hugging Face's slow tokenizers, which checkpoints
 * without a tokenizer.json have. Tokens added to the vocabulary later are in added_tokens.json.
 */
import { join } from 'node:path'
import { TokenizerError } from './errors.ts'
import { readJson, readText } from './files.ts'
import type { TokenizerSettings } from './settings.ts'
import { type TokenizerSource, vocabularySchema } from './source.ts'

/** The tokenizer of `directory`, or undefined where it has neither of the files. */
export async function readVocabularyFiles(
  directory: string,
  settings: TokenizerSettings,
): Promise<TokenizerSource | undefined> {
  const vocabularyPath = join(directory, 'vocab.json')
  const mergesPath = join(directory, 'merges.txt')
  const vocabulary = await readJson(vocabularyPath, vocabularySchema)
  const mergesText = await readText(mergesPath)
  if (vocabulary === undefined && mergesText === undefined) return undefined
  if (vocabulary === undefined || mergesText === undefined) {
    const missing = vocabulary === undefined ? 'vocab.json' : 'merges.txt'
    throw new TokenizerError(directory, `has no ${missing}`, {
      hint: 'a tokenizer is tokenizer.json, or vocab.json and merges.txt together',
    })
  }
  const lines = mergesText.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  const header = lines[0]?.startsWith('#version') ? 1 : 0
  const { bosToken, eosToken, padToken, unknownToken, maskToken } = settings
  const added = await readJson(join(directory, 'added_tokens.json'), vocabularySchema)
  const ids = new Map([...Object.entries(vocabulary), ...Object.entries(added ?? {})])
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: true }
  const contents = [
    ...Object.keys(added ?? {}).map((content) => ({ ...plain, content })),
    // Later entries replace earlier ones of the same content.
    ...[bosToken, padToken, eosToken, unknownToken, maskToken],
  ]
  return {
    vocabularyPath,
    vocabulary,
    mergesPath,
    merges: lines.slice(header),
    mergePlace: (index) => `line ${index + header + 1}`,
    addedTokens: contents.flatMap((token) => {
      const id = ids.get(token.content)
      return id === undefined ? [] : { ...token, id }
    }),
    unknownToken: undefined,
    bosToken: bosToken.content,
    eosToken: eosToken.content,
    padToken: padToken.content,
    addPrefixSpace: settings.addPrefixSpace ?? false,
  }
}
