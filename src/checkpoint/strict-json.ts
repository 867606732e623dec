/**
 * A strict reader of JSON (RFC 8259) for files that come from strangers.
 *
 * The caller asks for the value that must come next and gets it, or a StrictJsonError. No tree is
 * built, so a hostile text takes no more memory than what the caller keeps of it, and values nest
 * only as deep as the caller asks; `skip` has a limit.
 *
 * It rejects what `JSON.parse` hides or lets through: a key that comes twice in one object (of which
 * JSON.parse keeps the last), the key `__proto__`, and half surrogate pairs, which cannot be written
 * as UTF-8. It is not a general parser: a number is either a natural number or skipped.
 */

import { quote } from './quote.ts'

export type StrictJsonReason =
  | 'invalid-utf8'
  | 'invalid-json'
  | 'duplicate-key'
  | 'forbidden-key'
  | 'lone-surrogate'
  | 'too-deep'
  | 'wrong-type'
  | 'invalid-number'

/** What is wrong with a text, and where. Whoever knows which file it is from makes it a FileError. */
export class StrictJsonError extends Error {
  constructor(
    readonly reason: StrictJsonReason,
    problem: string,
    /** In UTF-16 code units from the beginning of the text. */
    readonly position: number,
    /** The key at fault, where it is a key that is. */
    readonly key?: string,
  ) {
    super(`${problem} (at character ${position})`)
  }
}

type JsonType = 'an object' | 'an array' | 'a string' | 'a number' | 'a boolean' | 'null'

/** The nesting that `skip` follows. */
const deepest = 64

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const naturalPattern = /^(?:0|[1-9][0-9]*)$/

const whitespace = ' \t\n\r'

const quoteCode = 0x22
const backslashCode = 0x5c
const firstPrintable = 0x20

export class StrictJsonReader {
  readonly #text: string
  #position = 0

  /** @throws StrictJsonError 'invalid-utf8' */
  constructor(bytes: Uint8Array) {
    try {
      // A byte order mark is kept, so that it counts as text: JSON may not begin with one.
      this.#text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch {
      throw new StrictJsonError('invalid-utf8', 'the text is not UTF-8', 0)
    }
  }

  /** Reads an object. `member` is called after each key and must read or skip its value. */
  object(member: (key: string) => void): void {
    this.#require('an object')
    this.#position++
    const keys = new Set<string>()
    if (this.#take('}')) return
    do {
      this.#blank()
      const start = this.#position
      const key = this.string()
      if (key === '__proto__') {
        throw new StrictJsonError('forbidden-key', 'the key "__proto__" is forbidden', start, key)
      }
      if (keys.has(key)) {
        throw new StrictJsonError('duplicate-key', `the key ${quote(key)} comes twice`, start, key)
      }
      keys.add(key)
      this.#expect(':')
      member(key)
    } while (this.#take(','))
    this.#expect('}')
  }

  /** Reads an array. `element` is called before each element and must read or skip it. */
  array(element: () => void): void {
    this.#require('an array')
    this.#position++
    if (this.#take(']')) return
    do element()
    while (this.#take(','))
    this.#expect(']')
  }

  string(): string {
    this.#require('a string')
    const text = this.#text
    const start = this.#position
    let end = start + 1
    let escaped = false
    for (; text.charCodeAt(end) !== quoteCode; end++) {
      if (end >= text.length) {
        throw new StrictJsonError('invalid-json', 'a string has no end', start)
      }
      if (text.charCodeAt(end) < firstPrintable) {
        throw new StrictJsonError('invalid-json', 'a string holds a control character', end)
      }
      if (text.charCodeAt(end) === backslashCode) {
        escaped = true
        end++
      }
    }
    this.#position = end + 1
    if (!escaped) return text.slice(start + 1, end)
    const value = decodeEscapes(text.slice(start, end + 1), start)
    // Only an escape can make one: the text was decoded from UTF-8.
    if (/\p{Surrogate}/u.test(value)) {
      throw new StrictJsonError('lone-surrogate', 'a string holds half a surrogate pair', start)
    }
    return value
  }

  /** Reads an integer from 0 to 2^53 - 1, written in digits alone: not 1.0, not 1e2, not -0. */
  naturalNumber(): number {
    this.#require('a number')
    const start = this.#position
    const literal = this.#number()
    const value = Number(literal)
    if (naturalPattern.test(literal) && Number.isSafeInteger(value)) return value
    const shown = literal.length > 24 ? `${literal.slice(0, 24)}…` : literal
    const problem = `${shown} is not an integer from 0 to 2^53 - 1 written in digits`
    throw new StrictJsonError('invalid-number', problem, start)
  }

  /** Reads any value and forgets it. */
  skip(depth = 0): void {
    const type = this.#peek()
    if (depth === deepest) {
      const problem = `values nest deeper than ${deepest} levels`
      throw new StrictJsonError('too-deep', problem, this.#position)
    }
    if (type === 'an object') this.object(() => this.skip(depth + 1))
    else if (type === 'an array') this.array(() => this.skip(depth + 1))
    else if (type === 'a string') this.string()
    else if (type === 'a number') this.#number()
    else this.#word()
  }

  /** Makes sure that nothing but white space is left. */
  end(): void {
    this.#blank()
    if (this.#position !== this.#text.length) {
      throw new StrictJsonError('invalid-json', 'text follows the value', this.#position)
    }
  }

  #blank(): void {
    let next = this.#text[this.#position]
    while (next !== undefined && whitespace.includes(next)) next = this.#text[++this.#position]
  }

  #take(character: string): boolean {
    this.#blank()
    if (this.#text[this.#position] !== character) return false
    this.#position++
    return true
  }

  #expect(character: string): void {
    if (this.#take(character)) return
    throw new StrictJsonError('invalid-json', `'${character}' is missing`, this.#position)
  }

  #require(wanted: JsonType): void {
    const found = this.#peek()
    if (found === wanted) return
    const problem = `${wanted} must stand here, not ${found}`
    throw new StrictJsonError('wrong-type', problem, this.#position)
  }

  /** The type of the next value, told by its first character. */
  #peek(): JsonType {
    this.#blank()
    const first = this.#text[this.#position]
    if (first === undefined) {
      throw new StrictJsonError('invalid-json', 'the text ends too early', this.#position)
    }
    if (first === '{') return 'an object'
    if (first === '[') return 'an array'
    if (first === '"') return 'a string'
    if (first === 't' || first === 'f') return 'a boolean'
    if (first === 'n') return 'null'
    if (/[-0-9]/.test(first)) return 'a number'
    throw new StrictJsonError('invalid-json', 'no value begins like this', this.#position)
  }

  #number(): string {
    numberPattern.lastIndex = this.#position
    const literal = numberPattern.exec(this.#text)?.[0]
    if (literal === undefined) {
      throw new StrictJsonError('invalid-json', 'a sign without digits', this.#position)
    }
    this.#position += literal.length
    return literal
  }

  #word(): void {
    for (const word of ['true', 'false', 'null']) {
      if (this.#text.startsWith(word, this.#position)) {
        this.#position += word.length
        return
      }
    }
    throw new StrictJsonError('invalid-json', 'no value begins like this', this.#position)
  }
}

function decodeEscapes(literal: string, start: number): string {
  try {
    return JSON.parse(literal) as string
  } catch {
    throw new StrictJsonError('invalid-json', 'a string holds an invalid escape', start)
  }
}
