import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Checkpoint } from '../../src/checkpoint/checkpoint.ts'
import { failure, fileBytes, openFiles, temporaryDirectory } from '../support/safetensors-bytes.ts'

/** A safetensors file of U8 tensors, each of the given bytes. */
function shard(tensors: Readonly<Record<string, readonly number[]>>): Uint8Array {
  let offset = 0
  const members = Object.entries(tensors).map(([name, { length }]) => {
    offset += length
    const place = `"shape":[${length}],"data_offsets":[${offset - length},${offset}]`
    return `${JSON.stringify(name)}:{"dtype":"U8",${place}}`
  })
  return fileBytes(`{${members.join(',')}}`, Uint8Array.from(Object.values(tensors).flat()))
}

const indexName = 'model.safetensors.index.json'

async function directoryOf(files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const directory = await temporaryDirectory()
  for (const [name, content] of Object.entries(files))
    await writeFile(join(directory, name), content)
  return directory
}

const twoShards = {
  'model-00001-of-00002.safetensors': shard({ a: [1, 2], b: [3] }),
  'model-00002-of-00002.safetensors': shard({ c: [4, 5, 6] }),
}

/** The directory of the two shards, with this weight_map. */
function withMap(map: Readonly<Record<string, string>>, more = {}): Promise<string> {
  const index = JSON.stringify({ metadata: { total_size: 6.0 }, weight_map: map })
  return directoryOf({ ...twoShards, [indexName]: index, ...more })
}

const goodMap = {
  a: 'model-00001-of-00002.safetensors',
  b: 'model-00001-of-00002.safetensors',
  c: 'model-00002-of-00002.safetensors',
}

async function openForTest(directory: string): Promise<Checkpoint> {
  const checkpoint = await Checkpoint.open(directory)
  onTestFinished(() => checkpoint.close())
  return checkpoint
}

describe('one file', () => {
  test('is read through the checkpoint', async () => {
    const directory = await directoryOf({ 'model.safetensors': shard({ a: [1, 2], b: [3] }) })
    const checkpoint = await openForTest(directory)
    expect(checkpoint.path).toBe(join(directory, 'model.safetensors'))
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b'])
    expect(await checkpoint.read('b')).toEqual({ dtype: 'U8', shape: [1], bytes: Uint8Array.of(3) })
  })

  test('goes before an index', async () => {
    const directory = await withMap(goodMap, { 'model.safetensors': shard({ z: [9] }) })
    const checkpoint = await openForTest(directory)
    expect([...checkpoint.tensors.keys()]).toEqual(['z'])
  })

  test('is rejected as SafetensorsFile does', async () => {
    const directory = await directoryOf({ 'model.safetensors': '' })
    const path = join(directory, 'model.safetensors')
    expect(await failure(Checkpoint.open(directory))).toMatchObject({ reason: 'too-short', path })
  })

  test('of the embedded model has its 41 tensors', async () => {
    const path = new URL('../../weights/roberta-tiny-go_emotions/config.json', import.meta.url)
    const checkpoint = await openForTest(dirname(fileURLToPath(path)))
    expect(checkpoint.tensors.size).toBe(41)
    expect(checkpoint.tensors.get('classifier.out_proj.weight')?.shape).toEqual([28, 320])
  })
})

describe('several files', () => {
  test('are read as one', async () => {
    const directory = await withMap(goodMap)
    const checkpoint = await openForTest(directory)
    expect(checkpoint.path).toBe(join(directory, indexName))
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b', 'c'])
    expect((await checkpoint.read('a')).bytes).toEqual(Uint8Array.of(1, 2))
    expect((await checkpoint.read('b')).bytes).toEqual(Uint8Array.of(3))
    expect((await checkpoint.read('c')).bytes).toEqual(Uint8Array.of(4, 5, 6))
    expect(checkpoint.tensors.get('c')?.name).toBe('c')
  })

  test('may be links to files elsewhere, as in the cache of the hub', async ({ skip }) => {
    skip(process.platform === 'win32', 'links need a privilege on Windows')
    const blobs = await directoryOf({ blob: shard({ a: [7] }) })
    const index = JSON.stringify({ weight_map: { a: 'a.safetensors' } })
    const directory = await directoryOf({ [indexName]: index })
    await symlink(join(blobs, 'blob'), join(directory, 'a.safetensors'))
    const checkpoint = await openForTest(directory)
    expect((await checkpoint.read('a')).bytes).toEqual(Uint8Array.of(7))
  })

  test('are all closed', async () => {
    const directory = await withMap(goodMap)
    let kept: Checkpoint
    {
      await using checkpoint = await Checkpoint.open(directory)
      kept = checkpoint
    }
    await kept.close()
    for (const name of ['a', 'c']) {
      expect(await failure(kept.read(name))).toMatchObject({ reason: 'closed' })
    }
  })

  test('are not left open where one of them is rejected', async ({ skip }) => {
    skip(process.platform !== 'linux', 'only Linux has /proc/self/fd')
    const { b: _, ...map } = goodMap
    const directory = await withMap(map)
    await failure(Checkpoint.open(directory))
    await writeFile(join(directory, 'model-00002-of-00002.safetensors'), 'damaged')
    await failure(Checkpoint.open(directory))
    expect(await openFiles(directory)).toBe(0)
    await openForTest(await withMap(goodMap)).then(async ({ path }) => {
      expect(await openFiles(dirname(path))).toBe(2)
    })
  })

  test('have no tensor that they do not have', async () => {
    const checkpoint = await openForTest(await withMap(goodMap))
    const error = await failure(checkpoint.read('nonsense'))
    expect(error).toMatchObject({ reason: 'unknown-tensor', tensor: 'nonsense' })
    expect(error.path).toBe(checkpoint.path)
  })
})

describe('rejects', () => {
  test.each([
    '../model.safetensors',
    '..',
    '/etc/x.safetensors',
    'sub/x.safetensors',
    'sub\\x.safetensors',
    'C:x.safetensors',
    '.hidden.safetensors',
    '.safetensors',
    'x.safetensors\0.safetensors',
    'pytorch_model.bin',
    '',
  ])('the file name %j', async (file) => {
    const directory = await withMap({ ...goodMap, c: file })
    await mkdir(join(directory, 'sub'))
    await writeFile(join(directory, 'sub', 'x.safetensors'), shard({ c: [1] }))
    const error = await failure(Checkpoint.open(directory))
    expect(error).toMatchObject({ reason: 'unsafe-file-name', tensors: ['c'] })
    expect(error.path).toBe(join(directory, indexName))
  })

  test('a shard that is not there', async () => {
    const directory = await withMap(goodMap)
    await rm(join(directory, 'model-00002-of-00002.safetensors'))
    const error = await failure(Checkpoint.open(directory))
    expect(error.reason).toBe('missing-shard')
    expect(error.message).toContain('"model-00002-of-00002.safetensors"')
  })

  test('a shard that is damaged, naming it', async () => {
    const directory = await withMap(goodMap)
    const path = join(directory, 'model-00002-of-00002.safetensors')
    await writeFile(path, 'short')
    expect(await failure(Checkpoint.open(directory))).toMatchObject({ reason: 'too-short', path })
  })

  test('tensors that are not where the index places them', async () => {
    const first = 'model-00001-of-00002.safetensors'
    const nowhere = Object.fromEntries(['x1', 'x2', 'x3', 'x4', 'x5', 'x6'].map((x) => [x, first]))
    const error = await failure(
      Checkpoint.open(await withMap({ ...goodMap, ...nowhere, c: first })),
    )
    expect(error.reason).toBe('missing-tensor')
    expect(error.tensors).toEqual(['c', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6'])
    expect(error.message).toContain('"c", "x1", "x2", "x3", "x4" and 2 more')
  })

  test('a tensor in two shards', async () => {
    const directory = await withMap(
      { ...goodMap, d: 'more.safetensors' },
      { 'more.safetensors': shard({ d: [1], b: [3] }) },
    )
    const error = await failure(Checkpoint.open(directory))
    expect(error).toMatchObject({ reason: 'duplicate-tensor', tensors: ['b'] })
    expect(error.path).toBe(join(directory, indexName))
  })

  test('tensors that the index does not list', async () => {
    const { b: _, ...map } = goodMap
    const error = await failure(Checkpoint.open(await withMap(map)))
    expect(error).toMatchObject({ reason: 'unlisted-tensor', tensors: ['b'] })
    expect(error.message).toContain('"b"')
  })

  test.each([
    ['', 'invalid-json'],
    ['{"weight_map":{}', 'invalid-json'],
    ['[]', 'wrong-type'],
    ['{"weight_map":[]}', 'wrong-type'],
    ['{"weight_map":{"a":1}}', 'wrong-type'],
    ['{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}', 'duplicate-key'],
    ['{"weight_map":{},"weight_map":{}}', 'duplicate-key'],
    ['{"metadata":{"x":{"y":1,"y":1}},"weight_map":{"a":"x.safetensors"}}', 'duplicate-key'],
    ['{"weight_map":{"__proto__":"x.safetensors"}}', 'forbidden-key'],
    [`{"metadata":${'['.repeat(100_000)}`, 'too-deep'],
    [Uint8Array.of(0x7b, 0x22, 0xff, 0x22), 'invalid-utf8'],
    ['{"metadata":{}}', 'invalid-index'],
    ['{"weight_map":{}}', 'invalid-index'],
  ])('the index %.70s', async (index, reason) => {
    const directory = await directoryOf({ ...twoShards, [indexName]: index })
    const path = join(directory, indexName)
    const error = await failure(Checkpoint.open(directory))
    expect(error).toMatchObject({ reason, path, kind: 'input' })
  })

  test('an index that is a directory', async () => {
    const directory = await temporaryDirectory()
    await mkdir(join(directory, indexName))
    expect(await failure(Checkpoint.open(directory))).toMatchObject({ reason: 'not-a-file' })
  })

  test('a directory without weights', async () => {
    const path = await directoryOf({ 'config.json': '{}' })
    const error = await failure(Checkpoint.open(path))
    expect(error).toMatchObject({ reason: 'no-weights', path })
    expect(error.problem).toBe(
      `${path}: has neither model.safetensors nor model.safetensors.index.json`,
    )
    expect(error.message).not.toContain('python3')
  })

  test.each(['pytorch_model.bin', 'pytorch_model-00001-of-00002.bin'])(
    'a directory that has only %s, with the way to convert it',
    async (name) => {
      const error = await failure(Checkpoint.open(await directoryOf({ [name]: 'PK' })))
      expect(error.reason).toBe('no-weights')
      expect(error.problem).toContain(`only "${name}"`)
      expect(error.hint).toContain('only safetensors is supported')
      expect(error.hint).toContain(
        'python3 -c "from transformers import AutoModelForSequenceClassification as M; ' +
          "M.from_pretrained('.').save_pretrained('.')\"",
      )
    },
  )

  test('a directory that is not there', async () => {
    const path = join(await temporaryDirectory(), 'none')
    expect(await failure(Checkpoint.open(path))).toMatchObject({ reason: 'not-found', path })
  })

  test('a file in place of a directory', async () => {
    const path = join(await directoryOf({ 'model.safetensors': shard({}) }), 'model.safetensors')
    expect(await failure(Checkpoint.open(path))).toMatchObject({ reason: 'not-a-directory', path })
  })
})
