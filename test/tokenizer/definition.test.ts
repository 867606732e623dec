/** Directories that hold no usable tokenizer: each fault is named, with the file and the way out. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileError } from '../../src/errors.ts'
import { TokenizerError } from '../../src/tokenizer/errors.ts'
import { RobertaTokenizer } from '../../src/tokenizer/tokenizer.ts'
import {
  checkpointDirectory,
  embedded,
  embeddedModel,
  embeddedTokenizerJson,
} from './checkpoint-directory.ts'

async function failure(directory: string): Promise<TokenizerError> {
  const error = await RobertaTokenizer.load(directory).then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(TokenizerError)
  expect(error).toBeInstanceOf(FileError)
  return error
}

/** The message for a directory with these files, without the directory's own path. */
async function messageFor(files: Readonly<Record<string, unknown>>): Promise<string> {
  const directory = await checkpointDirectory(files)
  const error = await failure(directory)
  expect(error.path.startsWith(directory)).toBe(true)
  return error.message.replace(`${directory}/`, '').replace(directory, 'DIR')
}

const vocab = { '<s>': 0, '<pad>': 1, '</s>': 2, '<unk>': 3, '<mask>': 4, a: 5, b: 6, ab: 7 }
const json = {
  version: '1.0',
  added_tokens: [] as unknown[],
  normalizer: null as unknown,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false } as unknown,
  post_processor: { type: 'RobertaProcessing', cls: ['<s>', 0], sep: ['</s>', 2] } as unknown,
  model: { type: 'BPE', vocab, merges: ['a b'] as unknown },
}
const model = (changes: object) => ({
  'tokenizer.json': { ...json, model: { ...json.model, ...changes } },
})
const form = "only byte-level BPE tokenizers in RoBERTa's form are supported"
const damaged = 'the file is damaged; download it again'

describe('missing files', () => {
  it('names the directory that is not there', async () => {
    const missing = join(await checkpointDirectory({}), 'nowhere')
    const { message, path } = await failure(missing)
    expect(path).toBe(missing)
    expect(message).toContain('there is no such directory; tokenizer.json is needed, or vocab.json')
  })

  it('says which files a tokenizer needs', async () => {
    expect(await messageFor({ 'config.json': {} })).toBe(
      'DIR: has no tokenizer files; tokenizer.json is needed, or vocab.json and merges.txt',
    )
  })

  it.each([
    ['vocab.json', { 'merges.txt': 'a b\n' }],
    ['merges.txt', { 'vocab.json': vocab }],
  ])('names %s where only that is missing', async (name, files) => {
    expect(await messageFor(files)).toBe(
      `DIR: has no ${name}; a tokenizer is tokenizer.json, or vocab.json and merges.txt together`,
    )
  })

  it('says that a file is not a directory', async () => {
    const path = join(embeddedModel, 'tokenizer.json')
    const { message } = await failure(path)
    expect(message).toBe(
      `${path}: is not a directory; give the directory that holds the tokenizer files`,
    )
  })

  it.each(['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'vocab.json'])(
    'says that %s is a directory',
    async (name) => {
      expect(await messageFor({ [name]: null })).toBe(`${name}: is a directory, not a file`)
    },
  )
})

describe('files that are not what they should be', () => {
  it.each(['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'vocab.json'])(
    '%s that is not JSON',
    async (name) => {
      const whole = await embeddedTokenizerJson()
      const files = name === 'vocab.json' ? {} : { 'tokenizer.json': whole }
      expect(await messageFor({ ...files, [name]: '{"model": ' })).toMatch(
        new RegExp(`^${name}: is not JSON \\(.+\\); download the file again$`),
      )
    },
  )

  it('text that is not UTF-8', async () => {
    const latin1 = Buffer.from('{"é": 1}', 'latin1')
    expect(await messageFor({ 'tokenizer.json': latin1 })).toBe(
      'tokenizer.json: is not UTF-8 text; download the file again',
    )
  })

  it.each([
    ['null', 'Invalid input: expected object, received null'],
    ['{}', 'model: Invalid input: expected object, received undefined'],
    ['[]', 'Invalid input: expected object, received array'],
  ])('tokenizer.json that is %s', async (content, problem) => {
    expect(await messageFor({ 'tokenizer.json': content })).toBe(
      `tokenizer.json: ${problem}; ${form}`,
    )
  })

  it('settings of the wrong form', async () => {
    expect(
      await messageFor({ 'tokenizer.json': json, 'tokenizer_config.json': { pad_token: 3 } }),
    ).toBe(
      "tokenizer_config.json: pad_token: expected a token's text or an object that has it as " +
        `'content'; ${form}`,
    )
  })
})

describe('tokenizers of another kind', () => {
  it.each(['WordPiece', 'Unigram', 'WordLevel'])('%s', async (type) => {
    const other = {
      ...json,
      normalizer: { type: 'BertNormalizer' },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      model: { type, vocab: type === 'Unigram' ? [['a', -1.5]] : vocab },
    }
    expect(await messageFor({ 'tokenizer.json': other })).toBe(
      `tokenizer.json: model.type: found "${type}"; expected "BPE"; ${form}`,
    )
  })

  it.each([
    [{ normalizer: { type: 'NFC' } }, 'normalizer: found "NFC"; expected none'],
    [
      { pre_tokenizer: { type: 'Metaspace' } },
      'pre_tokenizer.type: found "Metaspace"; expected "ByteLevel"',
    ],
    [
      { post_processor: null },
      'post_processor: found null; expected RobertaProcessing, or another that puts one token before and one after a text',
    ],
    [{ pre_tokenizer: null }, 'pre_tokenizer: Invalid input: expected object, received null'],
    [
      { pre_tokenizer: { type: 'ByteLevel', use_regex: false } },
      'pre_tokenizer.use_regex: found false; expected true',
    ],
    [
      { post_processor: { type: 'ByteLevel' } },
      'post_processor: found "ByteLevel"; expected RobertaProcessing, or another that puts one token before and one after a text',
    ],
    [
      { added_tokens: [{ id: -1, content: 'x' }] },
      'added_tokens[0].id: Too small: expected number to be >=0',
    ],
  ])('%j', async (changes, problem) => {
    expect(await messageFor({ 'tokenizer.json': { ...json, ...changes } })).toBe(
      `tokenizer.json: ${problem}; ${form}`,
    )
  })

  it.each([
    ['continuing_subword_prefix', '##', '""'],
    ['end_of_word_suffix', '</w>', '""'],
    ['byte_fallback', true, 'false'],
    ['fuse_unk', true, 'false'],
    ['ignore_merges', true, 'false'],
  ])('BPE with %s', async (key, value, wanted) => {
    expect(await messageFor(model({ [key]: value }))).toBe(
      `tokenizer.json: model.${key}: found ${JSON.stringify(value)}; expected ${wanted}; ${form}`,
    )
  })
})

describe('vocabularies', () => {
  it.each([
    [{ ...vocab, c: 9 }, `no token has the id 8, but later ids are used; ${damaged}`],
    [{ ...vocab, c: 5 }, `both 'a' and 'c' have the id 5; ${damaged}`],
  ])('%j', async (changed, problem) => {
    expect(await messageFor(model({ vocab: changed }))).toBe(`tokenizer.json: ${problem}`)
    expect(await messageFor({ 'vocab.json': changed, 'merges.txt': 'a b\n' })).toBe(
      `vocab.json: ${problem}`,
    )
  })

  it.each([-1, 1.5, '5', null])('an id of %j', async (id) => {
    expect(await messageFor(model({ vocab: { ...vocab, c: id } }))).toMatch(
      /^tokenizer\.json: model\.vocab\.c: .+; only byte-level BPE/,
    )
  })

  it('an added token that contradicts the vocabulary', async () => {
    const added_tokens = [{ id: 8, content: 'a' }]
    expect(await messageFor({ 'tokenizer.json': { ...json, added_tokens } })).toBe(
      `tokenizer.json: the added token 'a' has id 8, but 5 in the vocabulary; ${damaged}`,
    )
  })

  it.each(['<s>', '<pad>', '</s>'])('without %s', async (name) => {
    const renamed = Object.fromEntries(
      Object.entries(vocab).map(([token, id]) => [token === name ? 'other' : token, id]),
    )
    expect(await messageFor(model({ vocab: renamed }))).toBe(
      `tokenizer.json: has no special token '${name}'; ${damaged}`,
    )
    expect(await messageFor({ 'vocab.json': renamed, 'merges.txt': '' })).toBe(
      `vocab.json: has no special token '${name}'; ${damaged}`,
    )
  })
})

describe('merges', () => {
  it.each([
    ['ab', '"ab" is not two symbols'],
    ['a  b', '"a  b" is not two symbols'],
    ['a b c', '"a b c" is not two symbols'],
    ['', '"" is not two symbols'],
    ['a ', '"a " is not two symbols'],
  ])('%j', async (merge, problem) => {
    expect(await messageFor(model({ merges: ['a b', merge] }))).toBe(
      `tokenizer.json: model.merges[1]: ${problem}; ${damaged}`,
    )
    expect(
      await messageFor({ 'vocab.json': vocab, 'merges.txt': `#version: 0.2\na b\n${merge}\n` }),
    ).toBe(`merges.txt: line 3: ${problem}; ${damaged}`)
    expect(await messageFor({ 'vocab.json': vocab, 'merges.txt': `${merge}\na b\n` })).toBe(
      `merges.txt: line 1: ${problem}; ${damaged}`,
    )
  })

  it.each([
    [['a', 'c'], 'c'],
    [['b', 'a'], 'ba'],
  ])('%j of unknown symbols', async (merge, unknown) => {
    const hint = 'the vocabulary and the merges must come from the same checkpoint'
    expect(await messageFor(model({ merges: [merge] }))).toBe(
      `tokenizer.json: model.merges[0]: '${unknown}' is not in the vocabulary; ${hint}`,
    )
    expect(await messageFor({ 'vocab.json': vocab, 'merges.txt': merge.join(' ') })).toBe(
      `merges.txt: line 1: '${unknown}' is not in the vocabulary; ${hint}`,
    )
  })

  it('of something else than text', async () => {
    expect(await messageFor(model({ merges: ['a b', 7] }))).toBe(
      `tokenizer.json: model.merges[1]: expected two symbols; ${form}`,
    )
  })

  it('of the wrong vocabulary', async () => {
    const message = await messageFor({
      'vocab.json': vocab,
      'merges.txt': await embedded('merges.txt'),
    })
    expect(message).toContain("merges.txt: line 2: 'Ġ' is not in the vocabulary")
  })
})
