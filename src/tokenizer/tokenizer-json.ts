/**
 * Reads tokenizer.json, the file of Hugging Face's fast tokenizers.
 *
 * Only what RoBERTa's tokenizer is made of is accepted, so that nothing in the file is ignored that
 * would change ids. "truncation", "padding" and "decoder" change none and are not read.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { readJson } from './files.ts'
import type { TokenizerSettings } from './settings.ts'
import { type TokenizerSource, vocabularySchema } from './source.ts'

/** What the file has in place of something else: its type where it has one. */
function found(input: unknown): string {
  const { type = input } = (input ?? {}) as { type?: unknown }
  return `${JSON.stringify(type)}`.slice(0, 80)
}

const expected = (what: string) => (issue: { readonly input?: unknown }) =>
  `found ${found(issue.input)}; expected ${what}`

/** A setting that must be left at this value. */
const fixed = <T extends string | boolean>(value: T) =>
  z.literal(value, { error: expected(JSON.stringify(value)) })

const modelSchema = z.object({
  // Files of the first versions have no type.
  type: fixed('BPE').default('BPE'),
  unk_token: z.string().nullish(),
  continuing_subword_prefix: fixed('').nullish(),
  end_of_word_suffix: fixed('').nullish(),
  fuse_unk: fixed(false).nullish(),
  byte_fallback: fixed(false).nullish(),
  ignore_merges: fixed(false).nullish(),
  vocab: vocabularySchema,
  merges: z.array(z.union([z.string(), z.array(z.string())], { error: 'expected two symbols' })),
})

const addedTokenSchema = z
  .object({
    id: z.int().nonnegative(),
    content: z.string().min(1),
    single_word: z.boolean().default(false),
    lstrip: z.boolean().default(false),
    rstrip: z.boolean().default(false),
    normalized: z.boolean().optional(),
    special: z.boolean().default(false),
  })
  .transform((token) => ({ ...token, normalized: token.normalized ?? !token.special }))

const preTokenizerSchema = z.object({
  type: fixed('ByteLevel'),
  add_prefix_space: z.boolean().default(true),
  use_regex: fixed(true).default(true),
})

const pairProcessorSchema = z
  .object({
    type: z.enum(['RobertaProcessing', 'BertProcessing']),
    cls: z.tuple([z.string(), z.int()]),
    sep: z.tuple([z.string(), z.int()]),
  })
  .transform(({ cls, sep }) => ({ bosToken: cls[0], eosToken: sep[0] }))

const specialTokenSchema = z.object({ SpecialToken: z.object({ id: z.string() }) })
const sequenceSchema = z.object({ Sequence: z.object({ id: z.literal('A') }) })
const templateProcessorSchema = z
  .object({
    type: z.literal('TemplateProcessing'),
    single: z.tuple([specialTokenSchema, sequenceSchema, specialTokenSchema]),
  })
  .transform(({ single }) => ({
    bosToken: single[0].SpecialToken.id,
    eosToken: single[2].SpecialToken.id,
  }))

const tokenizerSchema = z.object({
  // First, so that its type is the first thing a file of another kind is told about.
  model: modelSchema,
  normalizer: z.null({ error: expected('none') }).optional(),
  pre_tokenizer: preTokenizerSchema,
  post_processor: z.union([pairProcessorSchema, templateProcessorSchema], {
    error: expected(
      'RobertaProcessing, or another that puts one token before and one after a text',
    ),
  }),
  added_tokens: z.array(addedTokenSchema).default([]),
})

/** The tokenizer of `directory`, or undefined where it has no tokenizer.json. */
export async function readTokenizerJson(
  directory: string,
  settings: TokenizerSettings,
): Promise<TokenizerSource | undefined> {
  const path = join(directory, 'tokenizer.json')
  const json = await readJson(path, tokenizerSchema)
  if (json === undefined) return undefined
  return {
    vocabularyPath: path,
    vocabulary: json.model.vocab,
    mergesPath: path,
    merges: json.model.merges,
    mergePlace: (index) => `model.merges[${index}]`,
    addedTokens: json.added_tokens,
    unknownToken: json.model.unk_token ?? undefined,
    ...json.post_processor,
    padToken: settings.padToken.content,
    // Hugging Face's loader, too, lets tokenizer_config.json overrule tokenizer.json here.
    addPrefixSpace: settings.addPrefixSpace ?? json.pre_tokenizer.add_prefix_space,
  }
}
