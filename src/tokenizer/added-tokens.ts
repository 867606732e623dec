/**
 * Finds added tokens such as `<mask>` that a text holds literally, the way Hugging Face's fast
 * tokenizers do. The text between them is left to the byte-pair encoder.
 *
 * The rules are those of the Rust library: of the tokens that begin leftmost, the longest wins; one
 * with `single_word` counts only where no word character touches it; `lstrip` and `rstrip` swallow
 * the white space around it. Tokens with `normalized: false` are looked for first and the others in
 * what they leave; without a normalizer that order is all the flag means.
 */

export interface AddedToken {
  readonly id: number
  readonly content: string
  readonly single_word: boolean
  readonly lstrip: boolean
  readonly rstrip: boolean
  readonly normalized: boolean
}

/** A stretch of text, or the id of the added token that stood there. */
export type Section = string | number

// Unicode's definitions, as in Rust. JavaScript's \s adds U+FEFF and lacks U+0085; its \w is ASCII.
const whiteSpace = /\p{White_Space}/u
const endsWithWord = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u
const startsWithWord = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u

export class AddedTokenSplitter {
  readonly #passes: readonly TokenPass[]

  constructor(tokens: readonly AddedToken[]) {
    this.#passes = [
      tokens.filter((token) => !token.normalized),
      tokens.filter((token) => token.normalized),
    ]
      .filter((group) => group.length > 0)
      .map((group) => new TokenPass(group))
  }

  /** The sections of `text` in order. Stretches of text are never empty. */
  split(text: string): readonly Section[] {
    let sections: Section[] = text === '' ? [] : [text]
    for (const pass of this.#passes) {
      sections = sections.flatMap((section) =>
        typeof section === 'string' ? pass.split(section) : section,
      )
    }
    return sections
  }
}

class TokenPass {
  readonly #tokens: ReadonlyMap<string, AddedToken>
  readonly #pattern: RegExp

  constructor(tokens: readonly AddedToken[]) {
    this.#tokens = new Map(tokens.map((token) => [token.content, token]))
    const longestFirst = [...this.#tokens.keys()].sort((a, b) => b.length - a.length)
    this.#pattern = new RegExp(
      longestFirst.map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'),
      'gu',
    )
  }

  split(text: string): Section[] {
    const sections: Section[] = []
    let done = 0
    for (const match of text.matchAll(this.#pattern)) {
      const token = this.#tokens.get(match[0])!
      let start = match.index
      let end = start + token.content.length
      // Two code units hold the neighbouring character whole.
      const touchesWord =
        endsWithWord.test(text.slice(Math.max(0, start - 2), start)) ||
        startsWithWord.test(text.slice(end, end + 2))
      if (token.single_word && touchesWord) continue
      while (token.lstrip && start > done && whiteSpace.test(text[start - 1]!)) start--
      while (token.rstrip && end < text.length && whiteSpace.test(text[end]!)) end++
      if (start > done) sections.push(text.slice(done, start))
      sections.push(token.id)
      done = end
    }
    if (done < text.length) sections.push(text.slice(done))
    return sections
  }
}
