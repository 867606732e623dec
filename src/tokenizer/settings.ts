/**
 * What tokenizer_config.json and special_tokens_map.json say, both of which may be missing.
 *
 * special_tokens_map.json goes first, as in Hugging Face's loader; RoBERTa's own names are the
 * default. Add a setting here when something in the tokenizer depends on it.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { readJson } from './files.ts'

/** A special token and how it is found in texts; see `added-tokens.ts`. */
export interface TokenSetting {
  readonly content: string
  readonly single_word: boolean
  readonly lstrip: boolean
  readonly rstrip: boolean
  readonly normalized: boolean
}

export interface TokenizerSettings {
  readonly bosToken: TokenSetting
  readonly eosToken: TokenSetting
  readonly padToken: TokenSetting
  readonly unknownToken: TokenSetting
  readonly maskToken: TokenSetting
  readonly addPrefixSpace: boolean | undefined
  readonly modelMaxLength: number | undefined
}

const tokenSchema = z
  .union(
    [
      z.string(),
      z.object({
        content: z.string(),
        single_word: z.boolean().default(false),
        lstrip: z.boolean().default(false),
        rstrip: z.boolean().default(false),
        normalized: z.boolean().default(true),
      }),
    ],
    { error: "expected a token's text or an object that has it as 'content'" },
  )
  .nullish()

const specialTokensSchema = z.object({
  bos_token: tokenSchema,
  eos_token: tokenSchema,
  pad_token: tokenSchema,
  unk_token: tokenSchema,
  mask_token: tokenSchema,
})

const configSchema = specialTokensSchema.extend({
  add_prefix_space: z.boolean().nullish(),
  model_max_length: z.number().nullish(),
})

export async function readSettings(directory: string): Promise<TokenizerSettings> {
  const config = await readJson(join(directory, 'tokenizer_config.json'), configSchema)
  const map = await readJson(join(directory, 'special_tokens_map.json'), specialTokensSchema)
  const token = (key: keyof typeof specialTokensSchema.shape, fallback: string): TokenSetting => {
    const setting = map?.[key] ?? config?.[key] ?? fallback
    if (typeof setting !== 'string') return setting
    // A bare name has no flags. RoBERTa's mask swallows the space before it; the others do not.
    const lstrip = key === 'mask_token'
    return { content: setting, single_word: false, lstrip, rstrip: false, normalized: true }
  }
  const maxLength = config?.model_max_length
  return {
    bosToken: token('bos_token', '<s>'),
    eosToken: token('eos_token', '</s>'),
    padToken: token('pad_token', '<pad>'),
    unknownToken: token('unk_token', '<unk>'),
    maskToken: token('mask_token', '<mask>'),
    addPrefixSpace: config?.add_prefix_space ?? undefined,
    // Hugging Face writes "no limit" as 10^30.
    modelMaxLength: Number.isSafeInteger(maxLength) && maxLength! >= 2 ? maxLength! : undefined,
  }
}
