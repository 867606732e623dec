/** Where words end, seen through merges that only happen inside a word. Worked out by hand. */
import { describe, expect, it } from 'vitest'
import { BytePairEncoder } from '../../src/tokenizer/byte-pair-encoder.ts'

/** The tokens of a text, where every two neighbours in `merges` are joined. */
function tokens(text: string, merges: readonly (readonly [string, string])[]): string[] {
  // Ġ is a space, Âħ are the bytes of U+0085, ï»¿ those of U+FEFF.
  const symbols = ['Ġ', 'Â', 'ħ', 'ï', '»', '¿', 'a', '1', "'", 's', 'S']
  const all = [...symbols, ...merges.map((pair) => pair.join(''))]
  const vocabulary = new Map(all.map((token, id) => [token, id]))
  const encoder = new BytePairEncoder({
    vocabulary,
    merges,
    unknownId: undefined,
    addPrefixSpace: false,
  })
  const ids: number[] = []
  encoder.encode(text, ids)
  return ids.map((id) => all[id]!)
}

describe('words', () => {
  it('leave the last space to the next word', () => {
    expect(tokens('  a', [['Ġ', 'Ġ']])).toEqual(['Ġ', 'Ġ', 'a'])
    expect(tokens('  a', [['Ġ', 'a']])).toEqual(['Ġ', 'Ġa'])
    expect(tokens('a  ', [['Ġ', 'Ġ']])).toEqual(['a', 'ĠĠ'])
  })

  it('take U+0085 for white space', () => {
    expect(tokens('a\u0085', [['a', 'Â']])).toEqual(['a', 'Â', 'ħ'])
    expect(tokens(' \u0085a', [['Ġ', 'Â']])).toEqual(['Ġ', 'Â', 'ħ', 'a'])
    expect(tokens(' \u0085', [['Ġ', 'Â']])).toEqual(['ĠÂ', 'ħ'])
  })

  it('take U+FEFF for a symbol', () => {
    expect(tokens('  \ufeff', [['Ġ', 'ï']])).toEqual(['Ġ', 'Ġï', '»', '¿'])
    expect(tokens("\ufeff'", [['¿', "'"]])).toEqual(['ï', '»', "¿'"])
  })

  it('keep letters, numbers and symbols apart, and English endings', () => {
    const merges = [
      ['a', '1'],
      ['a', "'"],
      ["'", 's'],
      ["'", 'S'],
    ] as const
    expect(tokens("a1a's", merges)).toEqual(['a', '1', 'a', "'s"])
    expect(tokens("a'S", merges)).toEqual(['a', "'", 'S'])
  })
})
