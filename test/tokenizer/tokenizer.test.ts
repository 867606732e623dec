/** Ids of the embedded model's tokenizer. Where they come from is said at each table. */
import { beforeAll, describe, expect, it } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
import { RobertaTokenizer } from '../../src/tokenizer/tokenizer.ts'
import golden from '../fixtures/roberta-tiny-golden.json' with { type: 'json' }
import {
  checkpointDirectory,
  embedded,
  embeddedModel,
  embeddedTokenizerJson,
} from './checkpoint-directory.ts'

let tokenizer: RobertaTokenizer
beforeAll(async () => {
  tokenizer = await RobertaTokenizer.load(embeddedModel)
})

const encodeAll = (subject: RobertaTokenizer) =>
  golden.cases.map(({ text }) => {
    const { inputIds, truncated } = subject.encode(text, { maxLength: golden.max_length })
    return { text, truncated, input_ids: inputIds }
  })
const expected = golden.cases.map(({ text, truncated, input_ids }) => ({
  text,
  truncated,
  input_ids,
}))

describe('the golden texts', () => {
  it('have the ids of the reference from tokenizer.json', () => {
    expect(expected).toHaveLength(64)
    expect(encodeAll(tokenizer)).toEqual(expected)
  })

  it('have them from vocab.json and merges.txt alone', async () => {
    const directory = await checkpointDirectory({
      'vocab.json': await embedded('vocab.json'),
      'merges.txt': await embedded('merges.txt'),
    })
    expect(encodeAll(await RobertaTokenizer.load(directory))).toEqual(expected)
  })

  it('have them from vocab.json and merges.txt with settings, CRLF and no version line', async () => {
    const merges = await embedded('merges.txt')
    const directory = await checkpointDirectory({
      'vocab.json': `\ufeff${await embedded('vocab.json')}`,
      'merges.txt': merges.slice(merges.indexOf('\n') + 1).replaceAll('\n', '\r\n'),
      'tokenizer_config.json': await embedded('tokenizer_config.json'),
      'special_tokens_map.json': await embedded('special_tokens_map.json'),
    })
    expect(encodeAll(await RobertaTokenizer.load(directory))).toEqual(expected)
  })

  it('have them whatever truncation, padding and version tokenizer.json has', async () => {
    const json = await embeddedTokenizerJson()
    json.truncation = { max_length: 4, strategy: 'LongestFirst', stride: 0, direction: 'Left' }
    json.padding = { strategy: { Fixed: 32 }, direction: 'Left', pad_id: 1, pad_token: '<pad>' }
    // As the first versions wrote it, and as the last ones do.
    delete json.model.type
    delete json.pre_tokenizer.use_regex
    json.model.merges = json.model.merges.map((merge: string) => merge.split(' '))
    const directory = await checkpointDirectory({ 'tokenizer.json': json })
    expect(encodeAll(await RobertaTokenizer.load(directory))).toEqual(expected)
  })

  it('have them with the other post-processors that add <s> and </s>', async () => {
    for (const post_processor of [
      { type: 'BertProcessing', sep: ['</s>', 2], cls: ['<s>', 0] },
      {
        type: 'TemplateProcessing',
        single: [
          { SpecialToken: { id: '<s>', type_id: 0 } },
          { Sequence: { id: 'A', type_id: 0 } },
          { SpecialToken: { id: '</s>', type_id: 0 } },
        ],
      },
    ]) {
      const json = { ...(await embeddedTokenizerJson()), post_processor }
      const directory = await checkpointDirectory({ 'tokenizer.json': json })
      expect(encodeAll(await RobertaTokenizer.load(directory))).toEqual(expected)
    }
  })
})

/**
 * From ByteBPE.from_dir('weights/roberta-tiny-go_emotions').encode(text) of the model's
 * training/bbpe.py, an implementation of its own on Python's `regex`.
 */
const reference: readonly (readonly [text: string, ids: readonly number[]])[] = [
  // U+FEFF is no white space and U+0085 is, unlike in JavaScript.
  ['a\ufeffb', [0, 68, 175, 123, 127, 69, 2]],
  ['! \ufeffabc', [0, 4, 224, 175, 123, 127, 444, 70, 2]],
  ['a\u0085\u0085b', [0, 68, 130, 231, 130, 231, 69, 2]],
  ['a \u0085<mask>', [0, 68, 7999, 2]],
  ['a \ufeff<mask>', [0, 68, 224, 175, 123, 127, 7999, 2]],
  // Special tokens in texts.
  ['  <mask>  x', [0, 7999, 224, 1974, 2]],
  ['<s>hi</s><pad><unk>', [0, 0, 3467, 2, 1, 3, 2]],
  ['a<mask', [0, 68, 31, 80, 2935, 2]],
  ['<MASK> < mask>', [0, 31, 48, 4376, 46, 33, 2323, 5844, 33, 2]],
  ['</s>\u3000\u00a0<mask>', [0, 2, 7999, 2]],
  // Verbatim: no trimming, no normalisation.
  ['nul\0\0nul', [0, 81, 440, 192, 192, 81, 440, 2]],
  ['\n\n\n x', [0, 202, 202, 202, 1974, 2]],
  ['\u200d\u200b', [0, 312, 239, 312, 237, 2]],
  ["don't DON'T ''s", [0, 1543, 353, 684, 1634, 10, 55, 1495, 10, 86, 2]],
  ['²½٣ 12', [0, 130, 114, 130, 125, 153, 100, 2812, 2]],
  ['Å ßﬁ İ', [0, 131, 231, 224, 131, 257, 175, 109, 227, 224, 132, 112, 2]],
  ['x\ufffdy', [0, 91, 175, 127, 125, 92, 2]],
]

describe('encode', () => {
  it.each(reference)('%j', (text, ids) => {
    expect(tokenizer.encode(text).inputIds).toEqual(ids)
  })

  it('takes unpaired surrogates as U+FFFD', () => {
    for (const text of ['x\ud83dy', 'x\ude00y']) {
      expect(tokenizer.encode(text)).toEqual(tokenizer.encode('x\ufffdy'))
    }
  })

  it('refuses what is not a string', () => {
    expect(() => tokenizer.encode(5 as unknown as string)).toThrow(InvalidArgumentError)
  })

  it('gives a typed error where the regular expression engine has no stack left', () => {
    expect(() => tokenizer.encode('漢'.repeat(8_000_000))).toThrow(
      /text: holds a word of millions of characters; cut the text/,
    )
  })
})

describe('truncation', () => {
  // Ids 68 'a' and 261 'Ġa' are the first letters of the golden case "a a a …".
  it('keeps the first ids and </s>', () => {
    const whole = { inputIds: [0, 68, 261, 261, 2], truncated: false, untruncatedLength: 5 }
    const cut = { truncated: true, untruncatedLength: 5 }
    expect(tokenizer.encode('a a a')).toEqual(whole)
    expect(tokenizer.encode('a a a', { maxLength: undefined })).toEqual(whole)
    expect(tokenizer.encode('a a a', { maxLength: 5 })).toEqual(whole)
    expect(tokenizer.encode('a a a', { maxLength: 4 })).toEqual({
      inputIds: [0, 68, 261, 2],
      ...cut,
    })
    expect(tokenizer.encode('a a a', { maxLength: 2 })).toEqual({ inputIds: [0, 2], ...cut })
  })

  it('does nothing to an empty text', () => {
    expect(tokenizer.encode('', { maxLength: 2 })).toEqual({
      inputIds: [0, 2],
      truncated: false,
      untruncatedLength: 2,
    })
  })

  it.each([1, 0, -5, 2.5, Number.NaN, Infinity])('refuses a maxLength of %d', (maxLength) => {
    expect(() => tokenizer.encode('a', { maxLength })).toThrow(InvalidArgumentError)
    expect(() => tokenizer.encode('a', { maxLength })).toThrow(/at least 2; it counts <s> and/)
  })
})

describe('what the tokenizer tells of itself', () => {
  it('has the vocabulary of the files', () => {
    expect(tokenizer.vocabularySize).toBe(8000)
    expect(tokenizer.modelMaxLength).toBe(128)
    expect([tokenizer.bosTokenId, tokenizer.padTokenId, tokenizer.eosTokenId]).toEqual([0, 1, 2])
    expect([0, 3, 68, 261, 7999].map((id) => tokenizer.idToToken(id))).toEqual([
      '<s>',
      '<unk>',
      'a',
      'Ġa',
      '<mask>',
    ])
    expect(tokenizer.idToToken(8000)).toBeUndefined()
    expect(tokenizer.idToToken(-1)).toBeUndefined()
  })

  it("has no model maximum where the file says 'no limit' or nothing", async () => {
    const json = await embeddedTokenizerJson()
    for (const config of ['{"model_max_length": 1000000000000000019884624838656}', '{}']) {
      const directory = await checkpointDirectory({
        'tokenizer.json': json,
        'tokenizer_config.json': config,
      })
      expect((await RobertaTokenizer.load(directory)).modelMaxLength).toBeUndefined()
    }
  })
})

describe('add_prefix_space', () => {
  const spaced = [0, 261, 2]
  const plain = [0, 68, 2]

  it.each([
    { config: undefined, json: false, ids: plain },
    { config: undefined, json: true, ids: spaced },
    { config: true, json: false, ids: spaced },
    { config: false, json: true, ids: plain },
  ])('config $config, tokenizer.json $json', async ({ config, json, ids }) => {
    const contents = await embeddedTokenizerJson()
    contents.pre_tokenizer.add_prefix_space = json
    const directory = await checkpointDirectory({
      'tokenizer.json': contents,
      'tokenizer_config.json': { add_prefix_space: config },
    })
    const subject = await RobertaTokenizer.load(directory)
    expect(subject.encode('a').inputIds).toEqual(ids)
    expect(subject.encode(' a').inputIds).toEqual(spaced)
    expect(subject.encode('').inputIds).toEqual([0, 2])
  })

  it('is taken from tokenizer_config.json for vocab.json and merges.txt', async () => {
    const directory = await checkpointDirectory({
      'vocab.json': await embedded('vocab.json'),
      'merges.txt': await embedded('merges.txt'),
      'tokenizer_config.json': { add_prefix_space: true },
    })
    const subject = await RobertaTokenizer.load(directory)
    // Every stretch between added tokens gets its space.
    expect(subject.encode('a</s>a').inputIds).toEqual([0, 261, 2, 261, 2])
  })
})

describe('bytes that the vocabulary lacks', () => {
  const json = (unk_token: string | null) => ({
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false },
    post_processor: { type: 'RobertaProcessing', cls: ['<s>', 0], sep: ['</s>', 2] },
    model: {
      type: 'BPE',
      unk_token,
      vocab: { '<s>': 0, '<pad>': 1, '</s>': 2, '<unk>': 3, a: 4, b: 5, ab: 6 },
      merges: ['a b'],
    },
  })

  it('are dropped before anything is merged', async () => {
    const directory = await checkpointDirectory({ 'tokenizer.json': json(null) })
    const subject = await RobertaTokenizer.load(directory)
    expect(subject.encode('axb').inputIds).toEqual([0, 6, 2])
    expect(subject.encode('x'.repeat(500)).inputIds).toEqual([0, 2])
    expect(subject.encode(`a${'x'.repeat(500)}b`).inputIds).toEqual([0, 6, 2])
  })

  it('become the unknown token where there is one', async () => {
    const directory = await checkpointDirectory({ 'tokenizer.json': json('<unk>') })
    const subject = await RobertaTokenizer.load(directory)
    expect(subject.encode('axb').inputIds).toEqual([0, 4, 3, 5, 2])
  })
})

describe('tokens added to vocab.json later', () => {
  it('are in added_tokens.json', async () => {
    const directory = await checkpointDirectory({
      'vocab.json': await embedded('vocab.json'),
      'merges.txt': await embedded('merges.txt'),
      'added_tokens.json': { '@USER': 8000, a_a: 8001 },
    })
    const subject = await RobertaTokenizer.load(directory)
    expect(subject.vocabularySize).toBe(8002)
    expect(subject.encode('a@USERa_a a').inputIds).toEqual([0, 68, 8000, 8001, 261, 2])
  })

  it('may have names and flags of their own in special_tokens_map.json', async () => {
    const vocab = (await embedded('vocab.json')).replace('"<mask>"', '"[MASK]"')
    const directory = await checkpointDirectory({
      'vocab.json': vocab,
      'merges.txt': await embedded('merges.txt'),
      'tokenizer_config.json': { mask_token: '<mask>' },
      'special_tokens_map.json': { mask_token: { content: '[MASK]', rstrip: true } },
    })
    const subject = await RobertaTokenizer.load(directory)
    expect(subject.encode('a [MASK] a').inputIds).toEqual([0, 68, 224, 7999, 68, 2])
  })
})
