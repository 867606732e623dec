import { execFile, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TextInputError } from '../../src/cli/text-input-error.ts'
import { openTexts, type TextOrigin } from '../../src/cli/text-source.ts'
import { FileError } from '../../src/errors.ts'
import { unprivileged } from '../support/unprivileged.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'text-source-'))
})
afterAll(() => rm(folder, { recursive: true }))

let files = 0
async function fileOf(content: string | Uint8Array): Promise<string> {
  const path = join(folder, `${files++}.txt`)
  await writeFile(path, content)
  return path
}

const streamOf = (...chunks: (Uint8Array | string)[]) => ({
  stdin: Readable.from(chunks.map((chunk) => Buffer.from(chunk))),
})

/** The texts that come, and the error that ends them, if one does. */
async function readAll(origin: TextOrigin) {
  const texts: string[] = []
  let count: number | undefined
  let name: string | undefined
  try {
    const source = await openTexts(origin)
    ;({ count, name } = source)
    for await (const text of source) texts.push(text)
  } catch (error) {
    if (!(error instanceof TextInputError)) throw error
    return { texts, count, name, error }
  }
  return { texts, count, name, error: undefined }
}

const lineCases: [name: string, content: string, texts: string[]][] = [
  ['spaces and tabs are kept', '  a \t\n\tb\n', ['  a \t', '\tb']],
  ['the last line needs no newline', 'a\nb', ['a', 'b']],
  ['blank lines are empty texts', '\na\n\n\nb\n\n', ['', 'a', '', '', 'b', '']],
  ['a lone newline is one empty text', '\n', ['']],
  ['CRLF ends a line', 'a\r\nb\r\n\r\nc', ['a', 'b', '', 'c']],
  ['only one \\r goes with the newline', 'a\r\r\nb', ['a\r', 'b']],
  ['a lone \\r ends nothing, not even at the end', 'a\rb\nc\r', ['a\rb', 'c\r']],
  [
    'other Unicode line ends end nothing',
    'a\u2028b\u2029c\u0085d\fe\vf\u001cg\nh',
    ['a\u2028b\u2029c\u0085d\fe\vf\u001cg', 'h'],
  ],
  [
    'a byte order mark is dropped once, at the beginning only',
    '\ufeff\ufeffa\n\ufeffb\ufeff\n',
    ['\ufeffa', '\ufeffb\ufeff'],
  ],
  ['a byte order mark before a blank line', '\ufeff\n', ['']],
  ['characters of one to four bytes', 'aé今😀\n\ufffd\n', ['aé今😀', '\ufffd']],
]

describe('lines', () => {
  test.each(lineCases)('%s', async (_, content, texts) => {
    const file = await fileOf(content)
    expect(await readAll({ file })).toEqual({
      texts,
      count: texts.length,
      name: file,
      error: undefined,
    })
    const bytes = [...Buffer.from(content)].map((byte) => Uint8Array.of(byte))
    for (const origin of [streamOf(content), streamOf(...bytes)]) {
      const expected = { texts, count: undefined, name: 'standard input', error: undefined }
      expect(await readAll(origin)).toEqual(expected)
    }
  })

  test('arguments are texts as they are, newlines and all', async () => {
    const texts = ['a\r\nb\n', '', '\ufeffc']
    expect(await readAll({ texts })).toEqual({
      texts,
      count: 3,
      name: 'command line',
      error: undefined,
    })
  })

  test('a stream that gives strings', async () => {
    const stdin = Readable.from([Buffer.from('é\na'), Buffer.from('b')])
    stdin.setEncoding('utf8')
    expect((await readAll({ stdin })).texts).toEqual(['é', 'ab'])
  })

  test('a file can be iterated again', async () => {
    const source = await openTexts({ file: await fileOf('a\nb\n') })
    for (let reading = 0; reading < 2; reading++) {
      const texts = []
      for await (const text of source) texts.push(text)
      expect(texts).toEqual(['a', 'b'])
    }
  })

  test('a file of many chunks', async () => {
    // 3 bytes a character and lines of ever other lengths: chunks end everywhere in both.
    const texts = Array.from({ length: 40_000 }, (_, index) => '今'.repeat(index % 61) + index)
    const file = await fileOf(texts.join('\r\n'))
    const read = await readAll({ file })
    expect(read.count).toBe(40_000)
    expect(read.texts).toEqual(texts)
  })

  test('any text in any chunks', async () => {
    const character = fc.oneof(fc.constantFrom('\n', '\r', '\ufeff', 'a', 'é', '今', '😀', '\t'))
    await fc.assert(
      fc.asyncProperty(
        fc.array(character, { minLength: 1, maxLength: 40 }).map((all) => `x${all.join('')}`),
        fc.infiniteStream(fc.integer({ min: 1, max: 7 })),
        async (content, sizes) => {
          const expected = content.split('\n')
          if (expected.at(-1) === '') expected.pop()
          const ended = expected.length - (content.endsWith('\n') ? 0 : 1)
          const texts = expected.map((text, i) => (i < ended ? text.replace(/\r$/, '') : text))
          const bytes = Buffer.from(content)
          const chunks: Uint8Array[] = []
          for (let at = 0; at < bytes.length; ) {
            const { value } = sizes.next()
            chunks.push(bytes.subarray(at, at + value))
            at += value
          }
          expect((await readAll(streamOf(...chunks))).texts).toEqual(texts)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('faults of files', () => {
  test('there is none', async () => {
    const file = join(folder, 'nowhere.txt')
    const { error } = await readAll({ file })
    expect(error).toBeInstanceOf(FileError)
    expect(error).toMatchObject({ reason: 'missing', path: file, kind: 'input' })
    expect(error?.message).toBe(`${file}: there is no such file; check the path`)
    const relative = await readAll({ file: 'no/where.txt' })
    expect(relative.error?.hint).toContain(process.cwd())
    const below = await readAll({ file: join(await fileOf('a'), 'b') })
    expect(below.error?.reason).toBe('missing')
  })

  test('a directory', async () => {
    const { error } = await readAll({ file: folder })
    expect(error).toMatchObject({ reason: 'directory', path: folder })
    expect(error?.problem).toBe(`${folder}: is a directory`)
    await expect(openTexts({ file: folder })).rejects.toThrow(TextInputError)
  })

  test('no permission', async () => {
    const closed = join(folder, 'closed')
    await mkdir(closed)
    const inside = join(closed, 'a.txt')
    await writeFile(inside, 'a\n')
    await chmod(closed, 0)
    const file = await fileOf('a\n')
    await chmod(file, 0)
    await chmod(folder, 0o755)
    const results = await unprivileged(async () => [
      await readAll({ file }),
      await readAll({ file: inside }),
    ])
    await chmod(closed, 0o755)
    expect(results.map(({ error }) => error?.reason)).toEqual(['permission', 'permission'])
  })

  test('what the system says otherwise', async () => {
    const { error } = await readAll({ file: join(folder, 'n'.repeat(300)) })
    expect(error?.reason).toBe('unreadable')
    expect(error?.problem).toContain('ENAMETOOLONG')
    expect(error?.cause).toMatchObject({ code: 'ENAMETOOLONG' })
  })

  test('nothing is yielded from a file that is faulty at its very end', async () => {
    const file = await fileOf(
      Buffer.concat([Buffer.from('good\n'.repeat(600_000)), Buffer.of(0xe9)]),
    )
    const { texts, error } = await readAll({ file })
    expect(texts).toEqual([])
    expect(error).toMatchObject({ reason: 'invalid-utf-8', line: 600_001, byteOffset: 3_000_000 })
  })

  test('a file that changes after it was checked', async () => {
    const file = await fileOf('a\nb\n')
    const source = await openTexts({ file })
    writeFileSync(file, Buffer.from('a\n\xff\n', 'latin1'))
    const texts: string[] = []
    const reading = (async () => {
      for await (const text of source) texts.push(text)
    })()
    await expect(reading).rejects.toMatchObject({ reason: 'invalid-utf-8', line: 2, byteOffset: 2 })
    expect(texts).toEqual(['a'])
  })
})

interface FaultCase {
  readonly name: string
  /** Each character is one byte. */
  readonly bytes: string
  readonly fault: { reason: string; line?: number; byteOffset?: number }
  readonly message: string | RegExp
  /** What a stream yields before the fault. */
  readonly before?: string[]
}

const faultCases: FaultCase[] = [
  { name: 'nothing at all', bytes: '', fault: { reason: 'empty' }, message: /: is empty; / },
  {
    name: 'a byte order mark alone',
    bytes: '\xef\xbb\xbf',
    fault: { reason: 'empty' },
    message: /: is empty; /,
  },
  {
    name: 'Latin-1',
    bytes: 'a\ncaf\xe9 au lait\nb\n',
    fault: { reason: 'invalid-utf-8', line: 2, byteOffset: 5 },
    message: /: line 2 is not valid UTF-8: byte 0xe9 at byte offset 5; .*iconv/,
    before: ['a'],
  },
  {
    name: 'offsets count the byte order mark',
    bytes: '\xef\xbb\xbfa\r\n\xff',
    fault: { reason: 'invalid-utf-8', line: 2, byteOffset: 6 },
    message: /byte 0xff at byte offset 6/,
    before: ['a'],
  },
  {
    name: 'a character cut by the end',
    bytes: 'a\n\xf0\x9f\x98',
    fault: { reason: 'invalid-utf-8', line: 2, byteOffset: 2 },
    message: /byte 0xf0 at byte offset 2/,
    before: ['a'],
  },
  {
    name: 'an overlong encoding',
    bytes: '\xc0\xaf',
    fault: { reason: 'invalid-utf-8', line: 1, byteOffset: 0 },
    message: /byte 0xc0/,
  },
  {
    name: 'an encoded surrogate',
    bytes: 'ab\xed\xa0\x80',
    fault: { reason: 'invalid-utf-8', line: 1, byteOffset: 2 },
    message: /byte 0xed/,
  },
  {
    name: 'NUL',
    bytes: 'a\nb\nc\0d',
    fault: { reason: 'binary', byteOffset: 5 },
    message: /: looks binary: there is a NUL byte at byte offset 5; /,
    before: ['a', 'b'],
  },
  {
    name: 'a PNG, which is not valid UTF-8 before its first NUL',
    bytes: '\x89PNG\r\n\x1a\n\0\0\0\rIHDR',
    fault: { reason: 'binary', byteOffset: 8 },
    message: /looks binary/,
  },
  {
    name: 'UTF-16, little-endian',
    bytes: '\xff\xfea\0\n\0',
    fault: { reason: 'utf-16', byteOffset: 0 },
    message: /: is UTF-16, by its byte order mark; .*iconv -f UTF-16/,
  },
  {
    name: 'UTF-16, big-endian',
    bytes: '\xfe\xff\0a\0\n',
    fault: { reason: 'utf-16', byteOffset: 0 },
    message: /is UTF-16/,
  },
]

describe('faults of content', () => {
  test.each(faultCases)('$name, in a file', async ({ bytes, fault, message }) => {
    const { texts, error } = await readAll({ file: await fileOf(Buffer.from(bytes, 'latin1')) })
    expect(texts).toEqual([])
    expect(error).toMatchObject(fault)
    expect(error?.message).toMatch(message)
  })

  test.each(faultCases)('$name, in a stream', async ({ bytes, fault, message, before = [] }) => {
    const { texts, error } = await readAll(streamOf(Buffer.from(bytes, 'latin1')))
    expect(texts).toEqual(before)
    expect(error).toMatchObject({ ...fault, path: 'standard input' })
    expect(error?.message).toMatch(message)
  })

  test('a UTF-16 byte order mark in two chunks', async () => {
    const { error } = await readAll(streamOf(Uint8Array.of(0xff), Uint8Array.of(0xfe), 'a\0'))
    expect(error?.reason).toBe('utf-16')
  })

  test('line numbers and offsets go on over chunks', async () => {
    const { texts, error } = await readAll(streamOf('a\nb', 'c\n\n', 'd', Uint8Array.of(0x80)))
    expect(texts).toEqual(['a', 'bc', ''])
    expect(error).toMatchObject({ reason: 'invalid-utf-8', line: 4, byteOffset: 7 })
  })

  test('any bytes in any chunks, against the decoder of the platform', async () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const decodes = (bytes: Uint8Array) => {
      try {
        return decoder.decode(bytes) !== undefined
      } catch {
        return false
      }
    }
    const byte = fc.constantFrom(
      ...[0x0a, 0x61, 0x80, 0xbf, 0xc2, 0xc3, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xf0, 0x90, 0xf4, 0xf8],
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(byte, { maxLength: 8 }), { minLength: 1, maxLength: 5 }),
        async (parts) => {
          const bytes = Buffer.from([0x78, ...parts.flat()])
          const { error } = await readAll(streamOf('x', ...parts.map((part) => Buffer.from(part))))
          if (decodes(bytes)) {
            expect(error).toBeUndefined()
            return
          }
          let valid = bytes.length
          while (!decodes(bytes.subarray(0, valid))) valid--
          const line = bytes.subarray(0, valid).toString('latin1').split('\n').length
          expect(error).toMatchObject({ reason: 'invalid-utf-8', byteOffset: valid, line })
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('streams', () => {
  test('the output of a process', async () => {
    const child = spawn('printf', ['a\\nb'])
    expect((await readAll({ stdin: child.stdout })).texts).toEqual(['a', 'b'])
  })

  test('a FIFO as a file', async () => {
    const file = join(folder, 'fifo')
    await promisify(execFile)('mkfifo', [file])
    const writer = spawn('sh', ['-c', 'printf "a\\nb\\n\\377" > "$0"', file])
    const { texts, count, error } = await readAll({ file })
    expect(texts).toEqual(['a', 'b'])
    expect(count).toBeUndefined()
    expect(error).toMatchObject({ path: file, reason: 'invalid-utf-8', line: 3, byteOffset: 4 })
    writer.kill()
  })

  test('a stream that fails', async () => {
    const stdin = Readable.from(
      (function* () {
        yield Buffer.from('a\nb')
        throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
      })(),
    )
    const { texts, error } = await readAll({ stdin })
    expect(texts).toEqual(['a'])
    expect(error).toMatchObject({ path: 'standard input', reason: 'unreadable' })
    expect(error?.problem).toContain('EIO')
  })

  test('texts come as soon as their lines are there, and no further ahead', async () => {
    let given = 0
    const stdin = Readable.from(
      (function* () {
        for (; given < 100_000; given++) yield Buffer.from('first\nsecond\n')
      })(),
      { highWaterMark: 4 },
    )
    for await (const text of await openTexts({ stdin })) {
      expect(text).toBe('first')
      expect(given).toBeLessThan(20)
      break
    }
    expect(stdin.destroyed).toBe(true)
  })

  test('a line of 100 MB takes time in proportion', { timeout: 10_000 }, async () => {
    const chunk = Buffer.from('今x'.repeat(16_384))
    const stdin = Readable.from(Array.from({ length: 1600 }, () => chunk))
    const { texts } = await readAll({ stdin })
    expect(texts.map((text) => text.length)).toEqual([1600 * 32_768])
    expect(texts[0]?.endsWith('今x今x')).toBe(true)
  })

  test('a line that no string can hold', async () => {
    // Strings end at 2^29 - 24 characters in V8.
    const chunk = Buffer.alloc(2 ** 20, 'a')
    const stdin = Readable.from([Buffer.from('a\n'), ...Array.from({ length: 512 }, () => chunk)])
    const { texts, error } = await readAll({ stdin })
    expect(texts).toEqual(['a'])
    expect(error).toMatchObject({ reason: 'line-too-long', line: 2 })
  })
})
