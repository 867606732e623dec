/** The rules of `find_matches` in Hugging Face's added_vocabulary.rs, worked out by hand. */
import { describe, expect, it } from 'vitest'
import { type AddedToken, AddedTokenSplitter } from '../../src/tokenizer/added-tokens.ts'

const token = (id: number, content: string, flags: Partial<AddedToken> = {}): AddedToken => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: true,
  ...flags,
})
const split = (text: string, ...tokens: AddedToken[]) => new AddedTokenSplitter(tokens).split(text)

describe('AddedTokenSplitter', () => {
  it('leaves texts without tokens alone', () => {
    expect(split('', token(1, '<s>'))).toEqual([])
    expect(split(' a ', token(1, '<s>'))).toEqual([' a '])
    expect(split(' a ')).toEqual([' a '])
  })

  it('finds tokens next to each other and at the ends', () => {
    expect(split('<s><s>a<s>', token(1, '<s>'))).toEqual([1, 1, 'a', 1])
  })

  it('prefers the leftmost, then the longest', () => {
    const tokens = [token(1, 'ab'), token(2, 'abc'), token(3, 'bcd')]
    expect(split('abcd', ...tokens)).toEqual([2, 'd'])
    expect(split('xbcd', ...tokens)).toEqual(['x', 3])
  })

  it('takes tokens literally', () => {
    const contents = ['.', '[x]', '(?:a|b)', 'c*', '\\d', '^$', '{2}', '/-']
    const tokens = contents.map((content, id) => token(id, content))
    expect(split('a', ...tokens)).toEqual(['a'])
    expect(split(`q${contents.join('q')}`, ...tokens)).toEqual(
      contents.flatMap((_, id) => ['q', id]),
    )
  })

  it('looks for tokens that are not normalized first', () => {
    const tokens = [token(1, 'foobar'), token(2, 'foo', { normalized: false }), token(3, 'bar')]
    expect(split('foobar', ...tokens)).toEqual([2, 3])
  })

  it('strips Unicode white space on the sides asked for', () => {
    const text = 'a \t\u0085\u3000M\u00a0\n b'
    expect(split(text, token(1, 'M'))).toEqual(['a \t\u0085\u3000', 1, '\u00a0\n b'])
    expect(split(text, token(1, 'M', { lstrip: true }))).toEqual(['a', 1, '\u00a0\n b'])
    expect(split(text, token(1, 'M', { rstrip: true }))).toEqual(['a \t\u0085\u3000', 1, 'b'])
    expect(split('a\ufeffM', token(1, 'M', { lstrip: true }))).toEqual(['a\ufeff', 1])
    expect(split('  M  ', token(1, 'M', { lstrip: true, rstrip: true }))).toEqual([1])
  })

  it('does not strip what an earlier token has taken', () => {
    expect(split('M  N', token(1, 'M', { rstrip: true }), token(2, 'N', { lstrip: true }))).toEqual(
      [1, 2],
    )
  })

  it('wants single words alone', () => {
    const word = token(1, 'cat', { single_word: true })
    expect(split('cat cats the cat, (cat)', word)).toEqual([1, ' cats the ', 1, ', (', 1, ')'])
    expect(split('_cat 3cat caté éncat \u{10330}cat cat\u{10330}', word)).toHaveLength(1)
    expect(split('😀cat😀', word)).toEqual(['😀', 1, '😀'])
  })
})
