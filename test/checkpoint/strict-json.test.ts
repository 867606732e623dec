import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StrictJsonError, StrictJsonReader } from '../../src/checkpoint/strict-json.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const reader = (text: string): StrictJsonReader => new StrictJsonReader(encode(text))

function skipAll(text: string): void {
  const json = reader(text)
  json.skip()
  json.end()
}

function failure(read: () => void): StrictJsonError {
  try {
    read()
  } catch (error) {
    if (error instanceof StrictJsonError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

test('reads objects, arrays, strings and natural numbers in order', () => {
  const json = reader(
    ' {"a" : [ 0,9007199254740991 ],\t"":{}, "\\u00e9\\n\\ud83d\\ude00" : "é\\"" }\r\n',
  )
  const seen: unknown[] = []
  json.object((key) => {
    seen.push(key)
    if (key === 'a') json.array(() => seen.push(json.naturalNumber()))
    else if (key === '') json.object(() => seen.push('member'))
    else seen.push(json.string())
  })
  json.end()
  expect(seen).toEqual(['a', 0, 2 ** 53 - 1, '', 'é\n😀', 'é"'])
})

test('tells a key that comes twice, however it is spelled', () => {
  const json = reader('{"a":1,"\\u0061":2}')
  const error = failure(() => json.object(() => json.naturalNumber()))
  expect(error).toMatchObject({ reason: 'duplicate-key', key: 'a', position: 7 })
  expect(error.message).toBe('the key "a" comes twice (at character 7)')
})

test.each([
  ['{"a":1,"a":1}', 'duplicate-key'],
  ['[{"b":{"a":1,"a":1}}]', 'duplicate-key'],
  ['{"__proto__":1}', 'forbidden-key'],
  ['{"a":{"\\u005f_proto__":1}}', 'forbidden-key'],
  ['"\\ud800"', 'lone-surrogate'],
  ['{"\\udc00x":1}', 'lone-surrogate'],
  ['['.repeat(65), 'too-deep'],
  ['{"a":'.repeat(65), 'too-deep'],
  ['', 'invalid-json'],
  ['  ', 'invalid-json'],
  ['{', 'invalid-json'],
  ['{"a"}', 'invalid-json'],
  ['{"a":1', 'invalid-json'],
  ['{"a":1,}', 'invalid-json'],
  ['{a:1}', 'invalid-json'],
  ["{'a':1}", 'invalid-json'],
  ['[1,]', 'invalid-json'],
  ['[1 2]', 'invalid-json'],
  ['[1]]', 'invalid-json'],
  ['"a', 'invalid-json'],
  ['"a\\', 'invalid-json'],
  ['"\\x"', 'invalid-json'],
  ['"\\u12"', 'invalid-json'],
  ['"\t"', 'invalid-json'],
  ['"\0"', 'invalid-json'],
  ['01', 'invalid-json'],
  ['-', 'invalid-json'],
  ['1.', 'invalid-json'],
  ['+1', 'invalid-json'],
  ['.5', 'invalid-json'],
  ['tru', 'invalid-json'],
  ['truex', 'invalid-json'],
  ['NaN', 'invalid-json'],
  ['Infinity', 'invalid-json'],
  ['// a\n1', 'invalid-json'],
  ['\ufeff1', 'invalid-json'],
  ['1\u00a0', 'invalid-json'],
])('rejects %j', (text, reason) => {
  expect(failure(() => skipAll(text)).reason).toBe(reason)
})

test.each(['-1', '-0', '1.0', '1.5', '1e2', '9007199254740992', '9007199254740990.9', '1e400'])(
  '%s is no natural number, but a number',
  (text) => {
    expect(failure(() => reader(text).naturalNumber()).reason).toBe('invalid-number')
    expect(() => skipAll(text)).not.toThrow()
  },
)

test.each([
  ['an object', (json: StrictJsonReader) => json.object(() => json.skip())],
  ['an array', (json: StrictJsonReader) => json.array(() => json.skip())],
  ['a string', (json: StrictJsonReader) => json.string()],
  ['a number', (json: StrictJsonReader) => json.naturalNumber()],
])('says what stands where %s must', (wanted, read) => {
  const values = { 'an object': '{}', 'an array': '[]', 'a string': '""', 'a number': '1' }
  const others = { ...values, 'a boolean': 'true', null: 'null' }
  for (const [found, text] of Object.entries(others)) {
    if (found === wanted) continue
    const error = failure(() => read(reader(text)))
    expect(error.reason).toBe('wrong-type')
    expect(error.message).toBe(`${wanted} must stand here, not ${found} (at character 0)`)
  }
})

test('refuses bytes that are not UTF-8', () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x22, 0xe2, 0x82]]) {
    const error = failure(() => new StrictJsonReader(Uint8Array.from(bytes)))
    expect(error.reason).toBe('invalid-utf8')
  }
})

test('a very long string and a very long number do not exhaust the stack', () => {
  const long = 'a'.repeat(10_000_000)
  expect(reader(`"${long}"`).string()).toBe(long)
  expect(failure(() => reader('9'.repeat(10_000_000)).naturalNumber()).message.length).toBeLessThan(
    200,
  )
})

test('takes every text that JSON.stringify makes, whatever the white space', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent)
      fc.pre(!/\\ud[89a-f]/.test(text) && !text.includes('__proto__'))
      skipAll(text)
    }),
  )
})

test('takes nothing that JSON.parse refuses', () => {
  const alphabet = fc.constantFrom(...'{}[]":,\\u0a1-+.eE truefalsn\n')
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 12 }), (text) => {
      try {
        skipAll(text)
      } catch (error) {
        expect(error).toBeInstanceOf(StrictJsonError)
        return
      }
      JSON.parse(text)
    }),
    { numRuns: 20_000 },
  )
})

test('reads any string as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const escaped = [...value]
        .flatMap((character) =>
          [...Array(character.length).keys()].map((i) => character.charCodeAt(i)),
        )
        .map((code) => `\\u${code.toString(16).padStart(4, '0')}`)
      expect(reader(JSON.stringify(value)).string()).toBe(value)
      expect(reader(`"${escaped.join('')}"`).string()).toBe(value)
    }),
  )
})
