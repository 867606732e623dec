import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, open, readFile, truncate } from 'node:fs/promises'
import { freemem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SafetensorsError, type SafetensorsReason } from '../../src/checkpoint/safetensors/error.ts'
import { SafetensorsFile } from '../../src/checkpoint/safetensors/reader.ts'
import { FileError } from '../../src/errors.ts'
import {
  countingBytes,
  failure,
  fileBytes,
  temporaryDirectory,
  temporaryFile,
} from '../support/safetensors-bytes.ts'
import { unprivileged } from '../support/unprivileged.ts'

const tinyModel = fileURLToPath(
  new URL('../../weights/roberta-tiny-go_emotions/model.safetensors', import.meta.url),
)

async function openForTest(path: string): Promise<SafetensorsFile> {
  const file = await SafetensorsFile.open(path)
  onTestFinished(() => file.close())
  return file
}

describe('a valid file', () => {
  const header =
    '{"__metadata__":{"format":"pt","":"é"},' +
    '"b":{"data_offsets":[6,14],"shape":[2,1],"dtype":"F32"},' +
    '"scalar":{"dtype":"I16","shape":[],"data_offsets":[4,6]},' +
    '"empty":{"dtype":"F64","shape":[3,0,2],"data_offsets":[4,4]},' +
    '"a\\"\\n":{"dtype":"BOOL","shape":[4],"data_offsets":[0,4]}}    '
  const data = Uint8Array.of(1, 0, 1, 1, 0x34, 0x12, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0)

  test('gives metadata and places', async () => {
    const start = 8 + Buffer.byteLength(header)
    const path = await temporaryFile(fileBytes(header, data))
    const file = await openForTest(path)
    expect(file.path).toBe(path)
    expect(file.metadata).toEqual({ format: 'pt', '': 'é' })
    expect([...file.tensors]).toEqual([
      ['b', { name: 'b', dtype: 'F32', shape: [2, 1], byteOffset: start + 6, byteLength: 8 }],
      ['scalar', { name: 'scalar', dtype: 'I16', shape: [], byteOffset: start + 4, byteLength: 2 }],
      [
        'empty',
        { name: 'empty', dtype: 'F64', shape: [3, 0, 2], byteOffset: start + 4, byteLength: 0 },
      ],
      ['a"\n', { name: 'a"\n', dtype: 'BOOL', shape: [4], byteOffset: start, byteLength: 4 }],
    ])
  })

  test('gives bytes in memory that is given, if it has the right length', async () => {
    const file = await openForTest(await temporaryFile(fileBytes(header, data)))
    const memory = new Uint8Array(12).fill(7)
    const { bytes } = await file.read('b', memory.subarray(2, 10))
    expect(bytes.buffer).toBe(memory.buffer)
    expect([...memory]).toEqual([7, 7, ...data.subarray(6), 7, 7])
    await expect(file.read('b', memory)).rejects.toMatchObject({
      name: 'InvalidArgumentError',
      message: expect.stringContaining('has 12 bytes, but tensor "b" has 8'),
    })
  })

  test('gives bytes in memory of their own', async () => {
    const file = await openForTest(await temporaryFile(fileBytes(header, data)))
    const read = await file.read('b')
    expect(read).toEqual({ dtype: 'F32', shape: [2, 1], bytes: data.slice(6) })
    expect(read.bytes.buffer.byteLength).toBe(8)
    expect((await file.read('scalar')).bytes).toEqual(Uint8Array.of(0x34, 0x12))
    expect((await file.read('empty')).bytes).toEqual(new Uint8Array(0))
    expect((await file.read('a"\n')).bytes).toEqual(Uint8Array.of(1, 0, 1, 1))
    const both = await Promise.all([file.read('b'), file.read('b')])
    expect(both[0]?.bytes).toEqual(both[1]?.bytes)
  })

  test('may hold no tensors, and no metadata', async () => {
    const file = await openForTest(await temporaryFile(fileBytes('{}')))
    expect(file.tensors.size).toBe(0)
    expect(file.metadata).toEqual({})
  })

  test('may have all dtypes, with the sizes of the format', async () => {
    const sizes = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 }
    for (const [dtype, size] of Object.entries(sizes)) {
      const text = `{"t":{"dtype":"${dtype}","shape":[3],"data_offsets":[0,${3 * size}]}}`
      const file = await openForTest(await temporaryFile(fileBytes(text, new Uint8Array(3 * size))))
      expect((await file.read('t')).bytes.length).toBe(3 * size)
    }
  })

  test('closes itself, and closing twice does no harm', async () => {
    const path = await temporaryFile(fileBytes(header, data))
    let kept: SafetensorsFile
    {
      await using file = await SafetensorsFile.open(path)
      await file.read('b')
      kept = file
    }
    await kept.close()
    expect(await failure(kept.read('b'))).toMatchObject({ reason: 'closed', path })
  })

  test('has no tensor that it does not have', async () => {
    const file = await openForTest(await temporaryFile(fileBytes(header, data)))
    for (const name of ['c', 'constructor', '__metadata__', '__proto__']) {
      expect(await failure(file.read(name))).toMatchObject({
        reason: 'unknown-tensor',
        tensor: name,
      })
    }
  })
})

/** A header with one tensor `t`, whose entry is given as JSON. */
const one = (entry: string): string => `{"t":${entry}}`
const u8 = (begin: number, end: number): string =>
  `{"dtype":"U8","shape":[${end - begin}],"data_offsets":[${begin},${end}]}`
const good = u8(0, 4)

interface Rejection {
  readonly what: string
  readonly header: string | Uint8Array
  readonly reason: SafetensorsReason
  /** Bytes of data, by default 4. */
  readonly data?: number
  readonly tensor?: string
  readonly says?: string
}

const rejections: readonly Rejection[] = [
  { what: 'a header of no bytes', header: '', reason: 'header-start' },
  { what: 'a header that begins with a space', header: ` {"t":${good}}`, reason: 'header-start' },
  { what: 'a byte order mark', header: `\ufeff{"t":${good}}`, reason: 'header-start' },
  { what: 'an array', header: '[]', reason: 'header-start' },
  { what: 'null', header: 'null', reason: 'header-start' },
  {
    what: 'bytes that are not UTF-8',
    header: Uint8Array.from([...Buffer.from('{"'), 0xff, ...Buffer.from(`":${good}}`)]),
    reason: 'invalid-utf8',
  },
  { what: 'JSON that ends too early', header: '{"t":', reason: 'invalid-json', tensor: 't' },
  { what: 'text behind the object', header: `${one(good)}x`, reason: 'invalid-json' },
  { what: 'zeros behind the object', header: `${one(good)}\0\0`, reason: 'invalid-json' },
  {
    what: 'a tensor twice',
    header: `{"t":${good},"t":${good}}`,
    reason: 'duplicate-key',
    tensor: 't',
    says: 'tensor "t": the key "t" comes twice',
  },
  {
    what: 'the metadata twice',
    header: `{"__metadata__":{},"__metadata__":{},"t":${good}}`,
    reason: 'duplicate-key',
  },
  {
    what: 'a field twice',
    header: one('{"dtype":"F32","dtype":"U8","shape":[4],"data_offsets":[0,4]}'),
    reason: 'duplicate-key',
    tensor: 't',
    says: 'tensor "t": the key "dtype" comes twice',
  },
  {
    what: 'a metadata key twice',
    header: `{"__metadata__":{"a":"1","a":"2"},"t":${good}}`,
    reason: 'duplicate-key',
    says: '__metadata__: the key "a" comes twice',
  },
  {
    what: 'a tensor named __proto__',
    header: `{"__proto__":${good}}`,
    reason: 'forbidden-key',
    tensor: '__proto__',
  },
  {
    what: 'a field named __proto__',
    header: one('{"__proto__":{},"dtype":"U8","shape":[4],"data_offsets":[0,4]}'),
    reason: 'forbidden-key',
    tensor: 't',
  },
  {
    what: 'a metadata key __proto__',
    header: `{"__metadata__":{"__proto__":"1"},"t":${good}}`,
    reason: 'forbidden-key',
  },
  {
    what: 'half a surrogate pair in a name',
    header: `{"\\ud800":${good}}`,
    reason: 'lone-surrogate',
  },
  {
    what: 'half a surrogate pair in the metadata',
    header: `{"__metadata__":{"a":"\\udc00"},"t":${good}}`,
    reason: 'lone-surrogate',
  },
  {
    what: 'metadata that is no object',
    header: `{"__metadata__":"x","t":${good}}`,
    reason: 'wrong-type',
    says: '__metadata__: an object must stand here, not a string',
  },
  {
    what: 'metadata that is null',
    header: `{"__metadata__":null,"t":${good}}`,
    reason: 'wrong-type',
  },
  {
    what: 'a metadata value that is no string',
    header: `{"__metadata__":{"a":1},"t":${good}}`,
    reason: 'wrong-type',
    says: '__metadata__: a string must stand here, not a number',
  },
  {
    what: 'deep nesting',
    header: one('['.repeat(100_000)),
    reason: 'wrong-type',
    tensor: 't',
  },
  { what: 'a tensor that is no object', header: one('[]'), reason: 'wrong-type', tensor: 't' },
  {
    what: 'a dtype that is no string',
    header: one('{"dtype":1,"shape":[4],"data_offsets":[0,4]}'),
    reason: 'wrong-type',
    tensor: 't',
  },
  {
    what: 'a shape that is no array',
    header: one('{"dtype":"U8","shape":4,"data_offsets":[0,4]}'),
    reason: 'wrong-type',
    tensor: 't',
  },
  {
    what: 'a shape of strings',
    header: one('{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}'),
    reason: 'wrong-type',
    tensor: 't',
  },
  {
    what: 'offsets that are no array',
    header: one('{"dtype":"U8","shape":[4],"data_offsets":{"0":0,"1":4}}'),
    reason: 'wrong-type',
    tensor: 't',
  },
  ...['[]', '[4]', '[0,4,4]'].map((offsets) => ({
    what: `offsets ${offsets}`,
    header: one(`{"dtype":"U8","shape":[4],"data_offsets":${offsets}}`),
    reason: 'wrong-type' as const,
    tensor: 't',
  })),
  ...['F8_E4M3', 'U16', 'f32', 'toString', ''].map((dtype) => ({
    what: `the dtype '${dtype}'`,
    header: one(`{"dtype":"${dtype}","shape":[4],"data_offsets":[0,4]}`),
    reason: 'unknown-dtype' as const,
    tensor: 't',
    says: `dtype "${dtype}" is not one of`,
  })),
  ...['-1', '-0', '1.5', '4.0', '4e0', '9007199254740992', '1e999', '18446744073709551620'].flatMap(
    (number) => [
      {
        what: `the size ${number}`,
        header: one(`{"dtype":"U8","shape":[${number}],"data_offsets":[0,4]}`),
        reason: 'invalid-number' as const,
        tensor: 't',
        says: `${number} is not an integer from 0 to 2^53 - 1`,
      },
      {
        what: `the offset ${number}`,
        header: one(`{"dtype":"U8","shape":[4],"data_offsets":[0,${number}]}`),
        reason: 'invalid-number' as const,
        tensor: 't',
      },
    ],
  ),
  {
    what: 'a field that is not known',
    header: one('{"dtype":"U8","shape":[4],"data_offsets":[0,4],"strides":[1]}'),
    reason: 'unknown-field',
    tensor: 't',
    says: 'the field "strides" is not known',
  },
  {
    what: 'no dtype',
    header: one('{"shape":[4],"data_offsets":[0,4]}'),
    reason: 'missing-field',
    tensor: 't',
    says: "the field 'dtype' is missing",
  },
  {
    what: 'no shape',
    header: one('{"dtype":"U8","data_offsets":[0,4]}'),
    reason: 'missing-field',
    tensor: 't',
    says: "the field 'shape' is missing",
  },
  {
    what: 'no offsets',
    header: one('{"dtype":"U8","shape":[4]}'),
    reason: 'missing-field',
    tensor: 't',
    says: "the field 'data_offsets' is missing",
  },
  {
    what: 'an end before the beginning',
    header: one('{"dtype":"U8","shape":[4],"data_offsets":[4,0]}'),
    reason: 'offsets-reversed',
    tensor: 't',
    says: 'begins at 4, after its end 0',
  },
  {
    what: 'fewer bytes than the shape takes',
    header: one('{"dtype":"F32","shape":[2,3],"data_offsets":[0,4]}'),
    reason: 'size-mismatch',
    tensor: 't',
    says: 'shape [2, 3] of F32 takes 24 bytes, but there are 4',
  },
  {
    what: 'more bytes than the shape takes',
    header: one('{"dtype":"U8","shape":[3],"data_offsets":[0,4]}'),
    reason: 'size-mismatch',
    tensor: 't',
  },
  {
    what: 'bytes for an empty shape',
    header: one('{"dtype":"U8","shape":[4,0],"data_offsets":[0,4]}'),
    reason: 'size-mismatch',
    tensor: 't',
  },
  {
    what: 'a scalar of no bytes',
    header: one('{"dtype":"U8","shape":[],"data_offsets":[0,0]}'),
    data: 0,
    reason: 'size-mismatch',
    tensor: 't',
  },
  {
    what: 'a shape whose product overflows 2^53',
    header: one('{"dtype":"U8","shape":[67108864,134217728],"data_offsets":[0,4]}'),
    reason: 'shape-overflow',
    tensor: 't',
  },
  {
    what: 'a shape whose bytes overflow 2^53',
    header: one('{"dtype":"F64","shape":[1125899906842624],"data_offsets":[0,4]}'),
    reason: 'shape-overflow',
    tensor: 't',
  },
  {
    // 2^32 · 2^32 is 0 in 64 bits.
    what: 'a shape whose product wraps to 0',
    header: one('{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}'),
    data: 0,
    reason: 'shape-overflow',
    tensor: 't',
  },
  {
    what: 'an empty shape that overflows besides',
    header: one('{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}'),
    data: 0,
    reason: 'shape-overflow',
    tensor: 't',
  },
  {
    what: 'data that does not begin at 0',
    header: one(u8(1, 4)),
    reason: 'offsets-gap',
    tensor: 't',
  },
  {
    what: 'a hole',
    header: `{"a":${u8(0, 1)},"b":${u8(2, 4)}}`,
    reason: 'offsets-gap',
    tensor: 'b',
  },
  {
    what: 'an overlap',
    header: `{"a":${u8(0, 3)},"b":${u8(2, 4)}}`,
    reason: 'offsets-overlap',
    tensor: 'b',
  },
  {
    what: 'two tensors in one place',
    header: `{"a":${u8(0, 4)},"b":${u8(0, 4)}}`,
    reason: 'offsets-overlap',
    tensor: 'b',
  },
  {
    what: 'an empty tensor inside of another',
    header: `{"a":${u8(0, 4)},"b":${u8(2, 2)}}`,
    reason: 'offsets-overlap',
    tensor: 'b',
  },
  {
    what: 'data past the end',
    header: `{"a":${u8(0, 4)},"b":${u8(4, 9)}}`,
    reason: 'beyond-file',
    tensor: 'b',
    says: 'tensor "b" ends at 9, but the file has 4 bytes of data',
  },
  {
    what: 'an empty tensor past the end',
    header: `{"a":${u8(0, 4)},"b":${u8(5, 5)}}`,
    reason: 'offsets-gap',
    tensor: 'b',
  },
  {
    what: 'bytes behind the last tensor',
    header: one(good),
    data: 5,
    reason: 'trailing-bytes',
    says: '1 bytes follow the last tensor',
  },
  { what: 'data of no tensor', header: '{}', data: 1, reason: 'trailing-bytes' },
]

describe('rejects', () => {
  test.each(rejections)('$what', async ({ header, data = 4, reason, tensor, says = '' }) => {
    const path = await temporaryFile(fileBytes(header, new Uint8Array(data)))
    const error = await failure(SafetensorsFile.open(path))
    expect(error).toMatchObject({ reason, path, kind: 'input', name: 'SafetensorsError' })
    expect(error.tensor).toBe(tensor)
    expect(error.message.startsWith(`${path}: `)).toBe(true)
    expect(error.message).toContain(says)
    expect(error).toBeInstanceOf(FileError)
  })

  test('a dtype of the format that is not supported, with the way out', async () => {
    const header = one('{"dtype":"F8_E5M2","shape":[4],"data_offsets":[0,4]}')
    const path = await temporaryFile(fileBytes(header, new Uint8Array(4)))
    const error = await failure(SafetensorsFile.open(path))
    expect(error.message).toContain(
      'is not one of I64, F64, F32, I32, BF16, F16, I16, I8, U8, BOOL',
    )
    expect(error.hint).toContain('convert this tensor')
  })

  test('what is not there', async () => {
    const path = join(await temporaryDirectory(), 'none.safetensors')
    expect(await failure(SafetensorsFile.open(path))).toMatchObject({ reason: 'not-found', path })
  })

  test('a path through a file', async () => {
    const path = join(await temporaryFile(fileBytes('{}')), 'x')
    expect(await failure(SafetensorsFile.open(path))).toMatchObject({ reason: 'not-a-directory' })
  })

  test('a directory', async () => {
    const path = await temporaryDirectory()
    expect(await failure(SafetensorsFile.open(path))).toMatchObject({ reason: 'not-a-file', path })
  })

  test('a pipe, without waiting for its writer', async ({ skip }) => {
    skip(process.platform === 'win32', 'Windows has no mkfifo')
    const path = join(await temporaryDirectory(), 'pipe')
    execFileSync('mkfifo', [path])
    expect(await failure(SafetensorsFile.open(path))).toMatchObject({ reason: 'not-a-file' })
  })

  test('a file that may not be read', async ({ skip }) => {
    skip(process.platform === 'win32', 'Windows has no such permissions')
    const path = await temporaryFile(fileBytes('{}'))
    await chmod(path, 0)
    await chmod(dirname(path), 0o755)
    const error = await unprivileged(() => failure(SafetensorsFile.open(path)))
    expect(error).toMatchObject({ reason: 'permission', path })
  })

  test.each([
    [0, 'is empty'],
    [1, 'has only 1 bytes'],
    [7, 'has only 7 bytes'],
  ])('a file of %d bytes', async (size, says) => {
    const error = await failure(SafetensorsFile.open(await temporaryFile(new Uint8Array(size))))
    expect(error.reason).toBe('too-short')
    expect(error.message).toContain(says)
  })

  test.each([
    [100_000_001n, 'header-too-large'],
    [2n ** 63n, 'header-too-large'],
    [2n ** 64n - 1n, 'header-too-large'],
    [100_000_000n, 'header-beyond-file'],
    [3n, 'header-beyond-file'],
  ])('a header of %d bytes in a file that has 2', async (length, reason) => {
    const path = await temporaryFile(fileBytes('{}', new Uint8Array(0), length))
    expect(await failure(SafetensorsFile.open(path))).toMatchObject({ reason })
  })

  test('a Git LFS pointer, with a word of advice', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9708672\n'
    const path = await temporaryFile(Buffer.from(pointer))
    const error = await failure(SafetensorsFile.open(path))
    expect(error.reason).toBe('header-too-large')
    expect(error.hint).toContain('git lfs pull')
  })

  test('every file that was cut off', async () => {
    const whole = fileBytes(`{"a":${u8(0, 4)}}`, countingBytes(4))
    for (let size = 0; size < whole.length; size++) {
      const path = await temporaryFile(whole.subarray(0, size))
      const { reason } = await failure(SafetensorsFile.open(path))
      const expected =
        size < 8 ? 'too-short' : size < whole.length - 4 ? 'header-beyond-file' : 'beyond-file'
      expect(reason).toBe(expected)
    }
  })

  test('a BOOL that is neither 0 nor 1, when it is read', async () => {
    const header = '{"t":{"dtype":"BOOL","shape":[4],"data_offsets":[0,4]}}'
    const file = await openForTest(
      await temporaryFile(fileBytes(header, Uint8Array.of(0, 1, 1, 255))),
    )
    const error = await failure(file.read('t'))
    expect(error).toMatchObject({ reason: 'invalid-bool', tensor: 't' })
    expect(error.message).toContain('element 3 of a BOOL tensor is 255')
  })
})

test('a hostile name is printed safely and shortly, and is whole in the error', async () => {
  const name = `\u001b[2J\u009b\u202e\u2028"${'x'.repeat(1000)}`
  const path = await temporaryFile(fileBytes(`{${JSON.stringify(name)}:{}}`))
  const error = await failure(SafetensorsFile.open(path))
  expect(error.tensor).toBe(name)
  expect(error.message).toContain('tensor "\\u001b[2J\\u{9b}\\u{202e}\\u{2028}\\"xxx')
  expect(error.message).toMatch(/^[\x20-\x7e…]*$/)
  expect(error.message.length).toBeLessThan(path.length + 300)
})

test('a file cut off after it was opened is told', async () => {
  const path = await temporaryFile(
    fileBytes(`{"a":${u8(0, 4)},"b":${u8(4, 12)}}`, countingBytes(12)),
  )
  const file = await openForTest(path)
  await truncate(path, (await readFile(path)).length - 3)
  expect((await file.read('a')).bytes).toEqual(countingBytes(4))
  const error = await failure(file.read('b'))
  expect(error).toMatchObject({ reason: 'truncated', tensor: 'b' })
  expect(error.message).toContain('ended 3 bytes too early')
})

const gigabyte = 10 ** 9

/** A sparse file: zeros, then the bytes 1 to 4 as the last tensor. It takes no room on the disk. */
async function sparseFile(zeros: number): Promise<string> {
  const header = `{"zeros":${u8(0, zeros)},"last":${u8(zeros, zeros + 4)}}`
  const path = await temporaryFile(fileBytes(header))
  const handle = await open(path, 'r+')
  await handle.write(Uint8Array.of(1, 2, 3, 4), 0, 4, 8 + header.length + zeros)
  await handle.close()
  return path
}

/** Bytes that this process has read by now, as Linux counts them. */
function bytesRead(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

test('a tensor of 5 GB does not hinder reading another', async () => {
  const file = await openForTest(await sparseFile(5 * gigabyte))
  expect((await file.read('last')).bytes).toEqual(Uint8Array.of(1, 2, 3, 4))
})

test('only what is asked for is read', async ({ skip }) => {
  skip(!existsSync('/proc/self/io'), 'this system does not count the bytes that were read')
  const path = await sparseFile(3 * gigabyte)
  const before = bytesRead()
  const file = await openForTest(path)
  await file.read('last')
  expect(bytesRead() - before).toBeLessThan(1_000_000)
})

test('a tensor of more than 2 GiB is read whole', async ({ skip }) => {
  skip(freemem() < 6 * gigabyte, 'less than 6 GB of memory are free')
  const size = 2 ** 31 + 10
  const header = one(u8(0, size))
  const path = await temporaryFile(fileBytes(header))
  await truncate(path, 8 + header.length + size)
  const handle = await open(path, 'r+')
  for (const position of [0, 2 ** 30, 2 ** 31, size - 1]) {
    await handle.write(Uint8Array.of(7), 0, 1, 8 + header.length + position)
  }
  await handle.close()
  const { bytes } = await (await openForTest(path)).read('t')
  expect(bytes.length).toBe(size)
  const marked = [0, 1, 2 ** 30, 2 ** 30 + 1, 2 ** 31, size - 1].map((position) => bytes[position])
  expect(marked).toEqual([7, 0, 7, 0, 7, 7])
})

test('a tensor that fits no memory is a typed error', async ({ skip }) => {
  const size = 2 ** 43
  const header = one(u8(0, size))
  const path = await temporaryFile(fileBytes(header))
  const isMade = await truncate(path, 8 + header.length + size).then(
    () => true,
    () => false,
  )
  skip(!isMade, 'this file system has no sparse files of 8 TiB')
  const file = await openForTest(path)
  expect(await failure(file.read('t'))).toMatchObject({
    reason: 'out-of-memory',
    kind: 'environment',
    tensor: 't',
  })
})

// Made with numpy, through load() of weights/roberta-tiny-go_emotions/training/st_io.py:
// float(tensor[index]), and hashlib.sha256(tensor.tobytes()).hexdigest().
test('the embedded model', async () => {
  const file = await openForTest(tinyModel)
  expect(file.metadata).toEqual({ format: 'pt' })
  expect(file.tensors.size).toBe(41)
  expect(new Set([...file.tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['F16']))
  const bytes = [...file.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
  expect(bytes).toBe(2 * 4_851_996)
  expect(file.tensors.get('roberta.embeddings.position_embeddings.weight')).toEqual({
    name: 'roberta.embeddings.position_embeddings.weight',
    dtype: 'F16',
    shape: [130, 320],
    byteOffset: 4680 + 5_120_000,
    byteLength: 83_200,
  })
  const digests = {
    'roberta.embeddings.word_embeddings.weight':
      '7c9afda53b0fc43a0def14df2dbae27148dd5ca4f5277bed001fac7afdd77404',
    'classifier.out_proj.weight':
      '526bb40b00742d198de9efcd02d6f5740e1ecfcbaf7d37e6533c841992367756',
    'classifier.out_proj.bias': '7e9002e3a19126e41881c50d03d902fd910e55c8d0a4d11d40394e0566a6d434',
  }
  for (const [name, digest] of Object.entries(digests)) {
    const { bytes } = await file.read(name)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest)
  }
})

test('a header with any bytes changed is opened or rejected, and nothing else', async () => {
  const header =
    '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},' +
    '"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]},' +
    '"c":{"dtype":"BOOL","shape":[3,1],"data_offsets":[16,19]}}'
  const whole = fileBytes(header, new Uint8Array(19))
  const path = await temporaryFile(whole)
  const tried = { opened: 0, rejected: 0 }
  // Digits and punctuation make changes that are still JSON more likely than any byte would.
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('0123456789"{}[]:,\\ FIaue')))
  const change = fc.record({ at: fc.nat(whole.length - 20), byte })
  const handle = await open(path, 'r+')
  onTestFinished(() => handle.close())
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const changed = whole.slice()
      for (const { at, byte } of changes) changed[at] = byte
      await handle.write(changed, 0, changed.length, 0)
      try {
        await using file = await SafetensorsFile.open(path)
        tried.opened++
        for (const info of file.tensors.values()) {
          const { bytes } = await file.read(info.name)
          expect(bytes.length).toBe(info.byteLength)
        }
      } catch (error) {
        expect(error).toBeInstanceOf(SafetensorsError)
        tried.rejected++
      }
    }),
    { numRuns: 3000 },
  )
  expect(tried.opened).toBeGreaterThan(30)
  expect(tried.rejected).toBeGreaterThan(1000)
})
