import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { SafetensorsError } from '../../src/checkpoint/safetensors/error.ts'
import { writeFully } from '../../src/checkpoint/safetensors/io.ts'
import { type SafetensorsDType, SafetensorsFile } from '../../src/checkpoint/safetensors/reader.ts'
import { type NamedRawTensor, writeSafetensors } from '../../src/checkpoint/safetensors/writer.ts'
import { countingBytes, fileBytes, temporaryDirectory } from '../support/safetensors-bytes.ts'

const bytesOf = (name: string, bytes: Uint8Array): NamedRawTensor => ({
  name,
  dtype: 'U8',
  shape: [bytes.length],
  bytes,
})

test('writes exactly these bytes', async () => {
  const path = join(await temporaryDirectory(), 'a.safetensors')
  const half = { name: 'h', dtype: 'F16' as const, shape: [1], bytes: Uint8Array.of(1, 2) }
  const whole = { name: 'w', dtype: 'F32' as const, shape: [], bytes: Uint8Array.of(3, 4, 5, 6) }
  await writeSafetensors(path, [half, whole], { format: 'pt' })
  // 137 characters, so that 7 spaces are missing to a multiple of 8.
  const header =
    '{"__metadata__":{"format":"pt"},' +
    '"w":{"dtype":"F32","shape":[],"data_offsets":[0,4]},' +
    '"h":{"dtype":"F16","shape":[1],"data_offsets":[4,6]}}       '
  expect(new Uint8Array(await readFile(path))).toEqual(
    fileBytes(header, Uint8Array.of(3, 4, 5, 6, 1, 2)),
  )
})

test('without tensors and metadata the header is an empty object', async () => {
  const path = join(await temporaryDirectory(), 'a.safetensors')
  await writeSafetensors(path, [])
  expect(new Uint8Array(await readFile(path))).toEqual(fileBytes('{}      '))
})

test('lays tensors out by dtype, then by name in the order of its UTF-8 bytes', async () => {
  const path = join(await temporaryDirectory(), 'a.safetensors')
  // The order of the reference writer's dtypes, from the last to the first.
  const order = { I64: 8, F64: 8, F32: 4, I32: 4, BF16: 2, F16: 2, I16: 2, I8: 1, U8: 1, BOOL: 1 }
  const dtypes = Object.entries(order) as [SafetensorsDType, number][]
  // In UTF-16 the emoji would come before U+FF5E. Names that are numbers keep their place, too.
  const names = ['10', '9', 'B', 'a', '\uff5e', '😀']
  const expected = dtypes.flatMap(([dtype]) => names.map((name) => dtype + name))
  const tensors = dtypes.flatMap(([dtype, size]) =>
    names.map((name) => ({ name: dtype + name, dtype, shape: [1], bytes: new Uint8Array(size) })),
  )
  await writeSafetensors(path, tensors.reverse())
  await using file = await SafetensorsFile.open(path)
  expect([...file.tensors.keys()]).toEqual(expected)
  const offsets = [...file.tensors.values()].map(({ byteOffset }) => byteOffset)
  expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
})

test('what is written is read back, whatever it is', async () => {
  const directory = await temporaryDirectory()
  const itemSizes = {
    F64: 8,
    F32: 4,
    F16: 2,
    BF16: 2,
    I64: 8,
    I32: 4,
    I16: 2,
    I8: 1,
    U8: 1,
    BOOL: 1,
  }
  const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((name) => !name.startsWith('__'))
  const tensor = fc
    .record({
      name: text,
      dtype: fc.constantFrom(...(Object.keys(itemSizes) as SafetensorsDType[])),
      shape: fc.array(fc.nat(4), { maxLength: 4 }),
    })
    .chain(({ name, dtype, shape }) => {
      const length = shape.reduce((product, size) => product * size, itemSizes[dtype])
      return fc
        .uint8Array({ minLength: length, maxLength: length, max: dtype === 'BOOL' ? 1 : 255 })
        .map((bytes) => ({ name, dtype, shape, bytes }))
    })
  const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 8 })
  const path = join(directory, 'a.safetensors')
  await fc.assert(
    fc.asyncProperty(
      tensors,
      fc.dictionary(text, text, { noNullPrototype: true }),
      async (tensors, metadata) => {
        await writeSafetensors(path, tensors, metadata)
        await using file = await SafetensorsFile.open(path)
        expect(file.metadata).toEqual(metadata)
        expect(new Set(file.tensors.keys())).toEqual(new Set(tensors.map(({ name }) => name)))
        for (const { name, dtype, shape, bytes } of tensors) {
          expect(await file.read(name)).toEqual({ dtype, shape, bytes })
          expect(file.tensors.get(name)!.byteOffset % itemSizes[dtype]).toBe(0)
        }
      },
    ),
    { numRuns: 300 },
  )
  expect(await readdir(directory)).toEqual(['a.safetensors'])
})

test('takes any iterable, and views into larger arrays', async () => {
  const path = join(await temporaryDirectory(), 'a.safetensors')
  function* tensors(): Generator<NamedRawTensor> {
    yield bytesOf('b', countingBytes(20).subarray(3, 7))
    yield bytesOf('a', Buffer.from('xyz'))
  }
  await writeSafetensors(path, tensors())
  await using file = await SafetensorsFile.open(path)
  expect((await file.read('b')).bytes).toEqual(Uint8Array.of(3, 4, 5, 6))
  expect((await file.read('a')).bytes).toEqual(Uint8Array.of(120, 121, 122))
})

const four = countingBytes(4)

test.each([
  ['a name twice', [bytesOf('t', four), bytesOf('t', four)], 'duplicate-tensor', 't'],
  ['the name of the metadata', [bytesOf('__metadata__', four)], 'reserved-name', '__metadata__'],
  ['the name __proto__', [bytesOf('__proto__', four)], 'forbidden-key', '__proto__'],
  ['half a surrogate pair', [bytesOf('\ud800', four)], 'lone-surrogate', '\ud800'],
  ['too few bytes', [{ ...bytesOf('t', four), shape: [5] }], 'size-mismatch', 't'],
  ['too many bytes', [{ ...bytesOf('t', four), shape: [] }], 'size-mismatch', 't'],
  ['a negative size', [{ ...bytesOf('t', four), shape: [-2, -2] }], 'invalid-number', 't'],
  ['a fractional size', [{ ...bytesOf('t', four), shape: [8, 0.5] }], 'invalid-number', 't'],
  ['a size of NaN', [{ ...bytesOf('t', four), shape: [NaN] }], 'invalid-number', 't'],
  ['an overflow', [{ ...bytesOf('t', four), shape: [2 ** 32, 2 ** 32] }], 'shape-overflow', 't'],
  [
    'BOOL of 2',
    [{ ...bytesOf('t', Uint8Array.of(2)), dtype: 'BOOL' as const }],
    'invalid-bool',
    't',
  ],
  [
    'a dtype there is not',
    [{ ...bytesOf('t', four), dtype: 'U16' as SafetensorsDType }],
    'unknown-dtype',
    't',
  ],
])('refuses %s, and leaves the former file alone', async (_, tensors, reason, tensor) => {
  const directory = await temporaryDirectory()
  const path = join(directory, 'a.safetensors')
  await writeFile(path, 'former')
  const error = await writeSafetensors(path, tensors).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(SafetensorsError)
  expect(error).toMatchObject({ path, reason, tensor })
  expect(await readFile(path, 'utf8')).toBe('former')
  expect(await readdir(directory)).toEqual(['a.safetensors'])
})

test.each([
  ['a value that is no string', { a: 1 as unknown as string }, 'wrong-type'],
  ['a key __proto__', JSON.parse('{"__proto__":"x"}') as Record<string, string>, 'forbidden-key'],
  ['half a surrogate pair in a key', { '\udc00': '' }, 'lone-surrogate'],
  ['half a surrogate pair in a value', { a: '\ud83d' }, 'lone-surrogate'],
])('refuses metadata with %s', async (_, metadata, reason) => {
  const directory = await temporaryDirectory()
  const path = join(directory, 'a.safetensors')
  const error = await writeSafetensors(path, [], metadata).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(SafetensorsError)
  expect(error).toMatchObject({ path, reason })
  expect(await readdir(directory)).toEqual([])
})

test('refuses a header of more than 100 MB', async () => {
  const directory = await temporaryDirectory()
  const path = join(directory, 'a.safetensors')
  const metadata = { a: 'x'.repeat(100_000_000) }
  const error = await writeSafetensors(path, [], metadata).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(SafetensorsError)
  expect(error).toMatchObject({ reason: 'header-too-large' })
  expect(await readdir(directory)).toEqual([])
})

test('replaces a file, also while that is open', async () => {
  const path = join(await temporaryDirectory(), 'a.safetensors')
  await writeSafetensors(path, [bytesOf('t', Uint8Array.of(1))])
  await using former = await SafetensorsFile.open(path)
  await writeSafetensors(path, [bytesOf('t', Uint8Array.of(2))])
  await using next = await SafetensorsFile.open(path)
  expect((await former.read('t')).bytes).toEqual(Uint8Array.of(1))
  expect((await next.read('t')).bytes).toEqual(Uint8Array.of(2))
})

test('the failure of the last step leaves nothing behind', async () => {
  const directory = await temporaryDirectory()
  const path = join(directory, 'taken')
  await mkdir(path)
  const error = await writeSafetensors(path, [bytesOf('t', four)]).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(SafetensorsError)
  expect(error).toMatchObject({ reason: 'not-a-file', path })
  expect(await readdir(directory)).toEqual(['taken'])
})

test('a directory that is not there is a typed error', async () => {
  const path = join(await temporaryDirectory(), 'none', 'a.safetensors')
  const error = await writeSafetensors(path, []).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(SafetensorsError)
  expect(error).toMatchObject({ reason: 'not-found', path })
})

test('a full disk is a typed error of the environment', async ({ skip }) => {
  skip(process.platform !== 'linux', 'only Linux has /dev/full')
  // The writer makes a file of its own beside the given one, so that a full device cannot stand in
  // for it; the failure is made where the bytes are moved.
  const handle = await open('/dev/full', 'w')
  onTestFinished(() => handle.close())
  const error = await writeFully('/dev/full', handle, four).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(SafetensorsError)
  expect(error).toMatchObject({ reason: 'disk-full', kind: 'environment' })
})
