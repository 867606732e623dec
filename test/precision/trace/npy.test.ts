/** .npy files that numpy wrote (test/golden/npy.py), and files that are none. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { convertTo } from '../../../src/checkpoint/convert.ts'
import { readNpy, writeNpy } from '../../../src/precision/trace/npy.ts'
import { type DType, decodeAll } from '../../../src/tensor/dtype.ts'

const golden = (name: string) => fileURLToPath(new URL(`../../golden/npy/${name}`, import.meta.url))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'roberta-ascend-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

test.each<[string, string, DType, number[], number[]]>([
  [
    'float64',
    'F64',
    'float32',
    [2, 3],
    [1.5, -2, Math.fround(0.1), Infinity, Math.fround(3e-7), 65504],
  ],
  [
    'float32',
    'F32',
    'float32',
    [2, 3],
    [1.5, -2, Math.fround(0.1), Infinity, Math.fround(3e-7), 65504],
  ],
  [
    'version-2',
    'F32',
    'float32',
    [2, 3],
    [1.5, -2, Math.fround(0.1), Infinity, Math.fround(3e-7), 65504],
  ],
  ['float16', 'F16', 'float16', [2, 3], [1.5, -2, 0.0999755859375, Infinity, 5 * 2 ** -24, 65504]],
  ['int64', 'I64', 'int64', [3], [1, 2, 100]],
  ['int32', 'I32', 'int32', [3], [1, 2, 100]],
  ['int16', 'I16', 'int32', [3], [1, 2, 100]],
  ['int8', 'I8', 'int32', [3], [1, 2, 100]],
  ['uint8', 'U8', 'int32', [3], [1, 2, 100]],
  ['bool', 'BOOL', 'bool', [2], [1, 0]],
  ['scalar', 'F32', 'float32', [], [2.5]],
  ['empty', 'F32', 'float32', [0, 3], []],
])('%s', async (name, stored, dtype, shape, values) => {
  const raw = await readNpy(golden(`${name}.npy`))
  expect([raw.dtype, raw.shape]).toEqual([stored, shape])
  expect([...decodeAll(dtype, convertTo(raw, dtype))]).toEqual(values)
})

test.each([
  ['column-major.npy', 'column-major'],
  ['big-endian.npy', 'not known here'],
  ['complex.npy', 'not known here'],
  ['none.npy', 'there is no such file'],
])('%s is refused', async (name, words) => {
  await expect(readNpy(golden(name))).rejects.toThrow(
    expect.objectContaining({ name: 'FileError', message: expect.stringContaining(words) }),
  )
})

test.each<[string, (whole: Buffer) => Buffer, string]>([
  ['nothing', () => Buffer.alloc(0), 'is no .npy file'],
  ['something else', () => Buffer.from('PK\x03\x04 an archive of several'), 'is no .npy file'],
  ['an end that is missing', (whole) => whole.subarray(0, -1), 'holds 23 bytes of elements'],
  ['a byte too many', (whole) => Buffer.concat([whole, Buffer.alloc(1)]), 'holds 25 bytes'],
  ['a header that is cut', (whole) => whole.subarray(0, 40), 'its header is damaged'],
])('%s is refused', async (_, change, words) => {
  const path = join(folder, 'x.npy')
  writeFileSync(path, change(readFileSync(golden('float32.npy'))))
  await expect(readNpy(path)).rejects.toThrow(words)
})

test.each([
  'float64',
  'float32',
  'float16',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
  'scalar',
  'empty',
])('%s is written as numpy writes it', async (name) => {
  const path = join(folder, `written-${name}.npy`)
  await writeNpy(path, await readNpy(golden(`${name}.npy`)))
  expect(readFileSync(path).equals(readFileSync(golden(`${name}.npy`)))).toBe(true)
})

test('bfloat16 is written as float32, which holds it exactly', async () => {
  const path = join(folder, 'bfloat16.npy')
  // 1, -2, 3.140625, NaN and the smallest number there is.
  const patterns = Uint16Array.of(0x3f80, 0xc000, 0x4049, 0x7fc0, 0x0001)
  await writeNpy(path, { dtype: 'BF16', shape: [5], bytes: new Uint8Array(patterns.buffer) })
  const raw = await readNpy(path)
  expect(raw.dtype).toBe('F32')
  expect([...convertTo(raw, 'float32')]).toEqual([1, -2, 3.140625, NaN, 2 ** -133])
})

test('a file that is there is not overwritten', async () => {
  const path = join(folder, 'taken.npy')
  writeFileSync(path, 'taken')
  const raw = await readNpy(golden('scalar.npy'))
  await expect(writeNpy(path, raw)).rejects.toThrow(path)
  expect(readFileSync(path, 'utf8')).toBe('taken')
})
