/** Long words and caches: the same tokens as plain byte-pair encoding, in bounded time and memory. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeInChunks } from '../../src/tokenizer/long-words.ts'
import { SymbolMerger } from '../../src/tokenizer/symbol-merger.ts'
import { RobertaTokenizer } from '../../src/tokenizer/tokenizer.ts'
import golden from '../fixtures/roberta-tiny-golden.json' with { type: 'json' }
import { embeddedModel } from './checkpoint-directory.ts'

type Merges = readonly (readonly [string, string])[]

/** Byte-pair encoding as it is defined: join the leftmost of the most urgent pairs, and again. */
function plainBpe(word: string, merges: Merges): string[] {
  const tokens = [...word]
  for (;;) {
    const ranks = tokens
      .slice(1)
      .map((right, i) => merges.findIndex((pair) => pair[0] === tokens[i] && pair[1] === right))
    const known = ranks.filter((rank) => rank >= 0)
    if (known.length === 0) return tokens
    const at = ranks.indexOf(Math.min(...known))
    tokens.splice(at, 2, `${tokens[at]}${tokens[at + 1]}`)
  }
}

/** Lists of merges over a, b and c in any order, also in orders that no training would give. */
const mergesArbitrary: fc.Arbitrary<Merges> = fc
  .array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { maxLength: 14 })
  .map((choices) => {
    const symbols = ['a', 'b', 'c']
    const merges = new Map<string, { pair: [string, string]; urgency: number }>()
    for (const [i, j, urgency] of choices) {
      const pair: [string, string] = [symbols[i % symbols.length]!, symbols[j % symbols.length]!]
      if (pair.join('').length > 8) continue
      symbols.push(pair.join(''))
      merges.set(pair.join(' '), { pair, urgency })
    }
    return [...merges.values()].sort((a, b) => a.urgency - b.urgency).map(({ pair }) => pair)
  })

const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 40 })
const wordArbitrary = fc.oneof(
  letters,
  fc.tuple(letters, fc.integer({ min: 1, max: 6 })).map(([part, times]) => part.repeat(times)),
)

describe('encodeInChunks', () => {
  it('gives the tokens of the whole word, whatever the merges and the chunks', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(mergesArbitrary, wordArbitrary, cuts, (merges, word, lengths) => {
        const chunks: string[] = []
        for (let start = 0; start < word.length; ) {
          const length = lengths[chunks.length % lengths.length]!
          chunks.push(word.slice(start, start + length))
          start += length
        }
        const tokens = encodeInChunks(chunks, (symbols) => plainBpe(symbols, merges))
        expect(tokens).toEqual(plainBpe(word, merges))
      }),
      { numRuns: 3000 },
    )
  })

  it('passes over empty chunks', () => {
    const bpe = (symbols: string) => plainBpe(symbols, [['a', 'b']])
    expect(encodeInChunks([], bpe)).toEqual([])
    expect(encodeInChunks(['', 'a', '', 'b', ''], bpe)).toEqual(['ab'])
  })
})

describe('SymbolMerger', () => {
  it('is plain byte-pair encoding', () => {
    fc.assert(
      fc.property(mergesArbitrary, wordArbitrary, (merges, word) => {
        const merger = new SymbolMerger(merges)
        const tokens = plainBpe(word, merges)
        expect(merger.merge(word)).toEqual(tokens)
        expect(merger.merge(word)).toEqual(tokens)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('a tokenizer', () => {
  let tokenizer: RobertaTokenizer
  let collectGarbage: () => void
  beforeAll(async () => {
    tokenizer = await RobertaTokenizer.load(embeddedModel)
    setFlagsFromString('--expose-gc')
    collectGarbage = runInNewContext('gc')
  })
  const heapMegabytes = () => {
    collectGarbage()
    return process.memoryUsage().heapUsed / 1e6
  }

  const length = 100_000
  const randomly = (pick: (random: () => number) => string) => {
    let state = 123456789
    const random = () => {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return (state >>> 0) / 2 ** 32
    }
    return Array.from({ length }, () => pick(random)).join('')
  }
  const emojis = ['😀', '😂', '😭', '❤', '👍', '🔥', '🤪']
  const prose = golden.cases.map(({ text }) => text).join(' ')

  // Each takes 0.01 to 0.6 s where this was written; quadratic work would take minutes.
  it.each([
    ['prose', prose.repeat(40).slice(0, length)],
    ['one word', 'a'.repeat(length)],
    ['the same word', 'a '.repeat(length / 2)],
    ['random letters', randomly((random) => String.fromCharCode(97 + random() * 26))],
    ['spaces', ' '.repeat(length)],
    ['spaces before a mask', `${' '.repeat(length)}<mask>`],
    ['masks', ' <mask>'.repeat(length / 7)],
    ['half a mask', '<mas'.repeat(length / 4)],
    ['one emoji', '😂'.repeat(length)],
    ['a shifted emoji', ` ${'😂'.repeat(length)}`],
    ['random emojis', randomly((random) => emojis[Math.floor(random() * emojis.length)]!)],
    ['random Han', randomly((random) => String.fromCharCode(0x4e00 + random() * 20000))],
    ['random Unicode', randomly((random) => String.fromCodePoint((random() * 0x110000) | 0))],
    ['NUL', '\0'.repeat(length)],
    ['unpaired surrogates', '\ud800'.repeat(length)],
  ])('takes 100,000 characters in time: %s', { timeout: 10_000 }, (_, text) => {
    const { inputIds, truncated, untruncatedLength } = tokenizer.encode(text, { maxLength: 128 })
    expect(inputIds).toHaveLength(Math.min(untruncatedLength, 128))
    expect(truncated).toBe(untruncatedLength > 128)
  })

  it('encodes long words as the golden texts do short ones', () => {
    // From training/bbpe.py: 'a' is 68, 'Ġa' 261; pairs of '😂' are 3302, the last of an odd
    // number is 1849.
    const encode = (text: string) => tokenizer.encode(text).inputIds
    expect(encode(`a${' a'.repeat(40_000)}`)).toEqual([0, 68, ...Array(40_000).fill(261), 2])
    expect(encode('😂'.repeat(4001))).toEqual([0, ...Array(2000).fill(3302), 1849, 2])
  })

  it('does not keep every word', () => {
    const merger = new SymbolMerger([])
    const before = heapMegabytes()
    for (let i = 0; i < 600_000; i++) merger.merge(`word${i}`)
    expect(heapMegabytes() - before).toBeLessThan(80)
    expect(merger.merge('word')).toEqual(['w', 'o', 'r', 'd'])
  })

  it('does not keep the texts that words stood in', () => {
    const text = (i: number) => String.fromCodePoint(0x4e00 + i) + 'a'.repeat(300_000)
    tokenizer.encode(text(0))
    const before = heapMegabytes()
    for (let i = 1; i <= 30; i++) tokenizer.encode(text(i))
    expect(heapMegabytes() - before).toBeLessThan(5)
  })

  it.each([12, 13])('does not keep them for words of %i characters', (characters) => {
    const filler = ' a'.repeat(150_000)
    const word = (i: number) =>
      String(i)
        .replace(/\d/g, (digit) => 'klmnopqrst'[Number(digit)]!)
        .padStart(characters - 1, 'abcdefghij')
    const text = (i: number) => `${filler} ${word(i)}`
    tokenizer.encode(text(0))
    const before = heapMegabytes()
    for (let i = 1; i <= 30; i++) tokenizer.encode(text(i))
    expect(heapMegabytes() - before).toBeLessThan(5)
  })

  it('gives the same ids when it has seen and forgotten words', async () => {
    const text = 'I am so happy today! 12345 '
    const ids = (await RobertaTokenizer.load(embeddedModel)).encode(text).inputIds
    const before = heapMegabytes()
    for (let i = 0; i < 120_000; i += 50) {
      tokenizer.encode(Array.from({ length: 50 }, (_, at) => `w${i + at}`).join(' '))
      if (i % 10_000 === 0) expect(tokenizer.encode(text).inputIds).toEqual(ids)
    }
    expect(heapMegabytes() - before).toBeLessThan(80)
  })
})
