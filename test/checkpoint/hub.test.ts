/** Downloads from a real HTTP server on this machine, see `test/support/hub-server.ts`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type DownloadOptions,
  type DownloadProgress,
  downloadModel,
  HubError,
  localModelDirectory,
  parseHubId,
  readManifest,
} from '../../src/checkpoint/hub/download.ts'
import { RobertaAscendError } from '../../src/errors.ts'
import { api, type HubFile, HubServer, sha256 } from '../support/hub-server.ts'

const id = 'SamLowe/roberta-base-go_emotions'

/** Bytes without a pattern that a shifted or doubled piece could hide in (xorshift32). */
function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}

const weights = noise(300_000)
const otherWeights = noise(300_000, 2)

const model: Readonly<Record<string, HubFile>> = {
  '.gitattributes': { content: '*.safetensors filter=lfs' },
  'README.md': { content: '# a model' },
  'config.json': { content: '{"model_type":"roberta"}' },
  'merges.txt': { content: '#version: 0.2\n' },
  'model.safetensors': { content: weights, lfs: true },
  'onnx/model.onnx': { content: 'not ours', lfs: true },
  'pytorch_model.bin': { content: 'not ours either', lfs: true },
  'special_tokens_map.json': { content: '{}' },
  'tokenizer.json': { content: '{"version":"1.0"}' },
  'tokenizer_config.json': { content: '{"model_max_length":512}' },
  'vocab.json': { content: '{}' },
}
const modelNames = [
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'model.safetensors',
]

function without(...names: string[]): Record<string, HubFile> {
  return Object.fromEntries(Object.entries(model).filter(([name]) => !names.includes(name)))
}

let hub: HubServer
let root: string
let directory: string

beforeEach(async () => {
  vi.stubEnv('HF_TOKEN', undefined)
  vi.stubEnv('HF_ENDPOINT', undefined)
  hub = await HubServer.start()
  hub.push(id, model)
  root = await mkdtemp(join(tmpdir(), 'hub-test-'))
  directory = join(root, 'model')
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await hub.stop()
  await rm(root, { recursive: true, force: true })
})

function download(options: DownloadOptions = {}, of = id) {
  return downloadModel(of, { endpoint: hub.endpoint, directory, retryDelay: 1, ...options })
}

/** The HubError that a promise fails with. Every message is one line, and none holds the token. */
async function failure(promise: Promise<unknown>): Promise<HubError> {
  const error = await promise.then(
    () => expect.unreachable('the download should fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof HubError)) throw error
  expect(error).toBeInstanceOf(RobertaAscendError)
  expect(error.message).not.toContain('\n')
  expect(`${error.stack}`).not.toContain(secret)
  return error
}
const secret = 'hf_veryVerySecret'

const partial = (name = 'model.safetensors') => join(directory, `${name}.incomplete`)
const held = async (name?: string) => (await stat(partial(name))).size
const onDisk = (name: string) => readFile(join(directory, name))
const entries = async () => (await readdir(directory)).sort()
const weightRanges = () => hub.requestsFor('model.safetensors').map(({ range }) => range)

async function expectWholeModel(expected: Uint8Array = weights): Promise<void> {
  expect(await entries()).toEqual(['.roberta-ascend.json', ...modelNames].sort())
  expect(sha256(await onDisk('model.safetensors'))).toBe(sha256(expected))
  expect(await onDisk('config.json')).toEqual(Buffer.from('{"model_type":"roberta"}'))
}

describe('parseHubId', () => {
  it('splits owner and name', () => {
    expect(parseHubId(id)).toEqual({ id, owner: 'SamLowe', name: 'roberta-base-go_emotions' })
    expect(parseHubId('roberta-base')).toEqual({
      id: 'roberta-base',
      owner: undefined,
      name: 'roberta-base',
    })
    expect(parseHubId('a/b.c_d-e').name).toBe('b.c_d-e')
    expect(parseHubId(`a/${'n'.repeat(96)}`).name).toHaveLength(96)
  })

  it.each([
    '',
    '/',
    'a/',
    '/b',
    'a/b/c',
    '..',
    '../b',
    'a/..',
    'a/b..c',
    'a/b--c',
    'a/.b',
    'a/b.',
    'a/-b',
    'a/b.git',
    'a/b c',
    'a/b\n',
    'a\\b',
    'a/ü',
    'a/b?x',
    'a/b#x',
    'a/%2e%2e',
    `a/${'n'.repeat(97)}`,
    'https://huggingface.co/a/b',
  ])('refuses %j', async (bad) => {
    const error = await failure(Promise.resolve().then(() => parseHubId(bad)))
    expect(error).toMatchObject({ reason: 'invalid-id', kind: 'input' })
    await expect(failure(download({}, bad))).resolves.toMatchObject({ reason: 'invalid-id' })
    expect(hub.requests).toEqual([])
  })

  it('names the default directory', () => {
    expect(localModelDirectory(id)).toBe(join('weights', 'roberta-base-go_emotions'))
    expect(() => localModelDirectory('..')).toThrow(HubError)
  })
})

describe('a download', () => {
  it('fetches exactly the files of the model', async () => {
    const commit = hub.push(id, model)
    const result = await download()
    expect(result).toEqual({ id, commit, directory, files: modelNames, fetched: modelNames })
    await expectWholeModel()

    const resolved = modelNames.map((name) => `/${id}/resolve/${commit}/${name}`)
    expect(hub.requests.map(({ method, server, path }) => `${method} ${server} ${path}`)).toEqual([
      `GET hub /api/models/${id}/revision/main`,
      `GET hub /api/models/${id}/tree/${commit}`,
      ...resolved.map((path) => `GET hub ${path}`),
      `GET cdn /${sha256(weights)}/model.safetensors`,
    ])
    expect(hub.requests.every(({ range }) => range === undefined)).toBe(true)
    // Compressed answers could not be resumed.
    const encodings = hub.requests.slice(2).map(({ acceptEncoding }) => acceptEncoding)
    expect(new Set(encodings)).toEqual(new Set(['identity']))
  })

  it('writes a manifest with the digests that git and sha256sum give', async () => {
    // `printf 'hello\n' | git hash-object --stdin`, and the SHA-256 of "abc" from FIPS 180-2.
    const commit = hub.push(id, {
      ...model,
      'config.json': { content: 'hello\n' },
      'model.safetensors': { content: 'abc', lfs: true },
    })
    await download()
    const manifest = await readManifest(directory)
    expect(manifest).toMatchObject({ id, revision: 'main', commit })
    expect(manifest?.files.map(({ name }) => name)).toEqual(modelNames)
    expect(manifest?.files).toContainEqual({
      name: 'config.json',
      size: 6,
      algorithm: 'git-blob-sha1',
      digest: 'ce013625030ba8dba906f756967f9e9ca394464a',
    })
    expect(manifest?.files).toContainEqual({
      name: 'model.safetensors',
      size: 3,
      algorithm: 'sha256',
      digest: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    })
  })

  it('goes to weights/<name> under the current directory by default', async () => {
    const before = process.cwd()
    process.chdir(root)
    try {
      const result = await downloadModel(id, { endpoint: hub.endpoint })
      expect(result.directory).toBe(join('weights', 'roberta-base-go_emotions'))
    } finally {
      process.chdir(before)
    }
    directory = join(root, 'weights', 'roberta-base-go_emotions')
    await expectWholeModel()
  })

  it('takes vocab.json and merges.txt where there is no tokenizer.json', async () => {
    hub.push(id, without('tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'))
    const { files } = await download()
    expect(files).toEqual(['config.json', 'vocab.json', 'merges.txt', 'model.safetensors'])
  })

  it('takes an empty file for what it is', async () => {
    hub.push(id, { ...model, 'special_tokens_map.json': { content: '' } })
    await download()
    expect(await onDisk('special_tokens_map.json')).toHaveLength(0)
  })

  it('follows the pages of a long listing', async () => {
    hub.pageSize = 2
    await download()
    await expectWholeModel()
    expect(hub.requests.filter(({ path }) => path.includes('/tree/'))).toHaveLength(6)
  })

  it('takes the revision asked for', async () => {
    const first = hub.push(id, model)
    hub.push(id, { ...model, 'model.safetensors': { content: otherWeights, lfs: true } })
    expect((await download({ revision: first })).commit).toBe(first)
    await expectWholeModel(weights)
  })

  it('stays at one commit when the branch moves in the meantime', async () => {
    await download({
      onProgress: ({ doneBytes }) => {
        if (doneBytes > 0) return
        hub.push(id, { ...model, 'model.safetensors': { content: otherWeights, lfs: true } })
      },
    })
    await expectWholeModel(weights)
  })

  it('takes a model without an owner', async () => {
    hub.push('roberta-base', model)
    expect((await download({}, 'roberta-base')).id).toBe('roberta-base')
    await expectWholeModel()
  })

  it('reports progress over all files, with the total from the start', async () => {
    const seen: DownloadProgress[] = []
    await download({ onProgress: (progress) => seen.push(progress) })
    const total = modelNames
      .map((name) => Buffer.from(model[name]?.content ?? '').length)
      .reduce((sum, size) => sum + size)
    expect(seen[0]).toEqual({ file: 'config.json', doneBytes: 0, totalBytes: total })
    expect(seen.at(-1)).toEqual({
      file: 'model.safetensors',
      doneBytes: total,
      totalBytes: total,
    })
    expect([...new Set(seen.map(({ file }) => file))]).toEqual(modelNames)
    expect(seen.every(({ totalBytes }) => totalBytes === total)).toBe(true)
    const done = seen.map(({ doneBytes }) => doneBytes)
    expect(done).toEqual([...done].sort((a, b) => a - b))
    // More than a call at the beginning and the end of the large file.
    expect(seen.filter(({ file }) => file === 'model.safetensors').length).toBeGreaterThan(3)
  })
})

describe('sharded weights', () => {
  const index = 'model.safetensors.index.json'
  const first = 'model-00001-of-00002.safetensors'
  const second = 'model-00002-of-00002.safetensors'
  const sharded = (weightMap: unknown): Record<string, HubFile> => ({
    ...without('model.safetensors'),
    [index]: { content: JSON.stringify({ metadata: {}, weight_map: weightMap }) },
    [first]: { content: noise(1000, 3), lfs: true },
    [second]: { content: noise(2000, 4), lfs: true },
    'model-00003-of-00003.safetensors': { content: 'of another set', lfs: true },
  })

  it('are fetched as the index names them', async () => {
    hub.push(id, sharded({ b: second, a: first, c: second }))
    const seen: DownloadProgress[] = []
    const { files } = await download({ onProgress: (progress) => seen.push(progress) })
    expect(files.slice(4)).toEqual([index, first, second])
    expect(sha256(await onDisk(first))).toBe(sha256(noise(1000, 3)))
    expect(sha256(await onDisk(second))).toBe(sha256(noise(2000, 4)))
    expect(seen.at(-1)?.doneBytes).toBe(seen[0]?.totalBytes)
    expect(hub.requestsFor(index)).toHaveLength(1)
    expect(hub.requestsFor('model-00003-of-00003.safetensors')).toHaveLength(0)
  })

  it('are left aside where there is a single file too', async () => {
    hub.push(id, { ...sharded({ a: first }), 'model.safetensors': { content: weights, lfs: true } })
    await download()
    await expectWholeModel()
  })

  it('are continued, all of them, after an interruption', async () => {
    hub.push(id, sharded({ a: first, b: second }))
    hub.fault(second, { cutAfter: 100 })
    await failure(download())
    const size = await held(second)
    hub.heal()
    const { fetched } = await download()
    expect(fetched).toContain(second)
    expect(hub.requestsFor(first)).toHaveLength(1)
    expect(hub.requestsFor(second).at(-1)?.range).toBe(`bytes=${size}-`)
    expect(hub.requestsFor(index)).toHaveLength(1)
  })

  it('give way to a single file in a later commit', async () => {
    hub.push(id, sharded({ a: first, b: second }))
    await download()
    hub.push(id, model)
    await download()
    await expectWholeModel()
  })

  it.each([
    '../config.safetensors',
    '..',
    '/etc/passwd.safetensors',
    'a/b.safetensors',
    'a\\b.safetensors',
    '.hidden.safetensors',
    'config.json',
    '',
  ])('may not be called %j', async (name) => {
    hub.push(id, { ...sharded({ a: first, b: name }), [name]: { content: 'x' } })
    const error = await failure(download())
    expect(error).toMatchObject({ reason: 'unsafe-name', kind: 'input' })
    expect(error.message).toContain(JSON.stringify(name))
    expect(await readdir(root)).toEqual(['model'])
  })

  it.each([
    ['not JSON', '{'],
    ['no map', '{}'],
    ['an empty map', '{"weight_map":{}}'],
    ['numbers', '{"weight_map":{"a":1}}'],
    ['null', 'null'],
  ])('need an index that is one: %s', async (_, content) => {
    hub.push(id, { ...sharded({}), [index]: { content } })
    const error = await failure(download())
    expect(error).toMatchObject({ reason: 'invalid-index', kind: 'input' })
  })

  it('must all be in the repository', async () => {
    hub.push(id, sharded({ a: 'model-00009-of-00009.safetensors' }))
    const error = await failure(download())
    expect(error.reason).toBe('file-not-found')
    expect(error.message).toContain('model-00009-of-00009.safetensors')
  })
})

describe('a directory', () => {
  it('that is up to date is neither fetched to nor written to', async () => {
    await download()
    const before = await stat(join(directory, '.roberta-ascend.json'))
    hub.requests.length = 0
    expect((await download()).fetched).toEqual([])
    expect(hub.requests.every(({ path }) => path.startsWith('/api/'))).toBe(true)
    const after = await stat(join(directory, '.roberta-ascend.json'))
    expect(after.ino).toBe(before.ino)
    await expectWholeModel()
  })

  it('gets the changed files of a newer commit, and only those', async () => {
    await download()
    const commit = hub.push(id, {
      ...without('special_tokens_map.json'),
      'model.safetensors': { content: otherWeights, lfs: true },
    })
    expect((await download()).fetched).toEqual(['model.safetensors'])
    expect(sha256(await onDisk('model.safetensors'))).toBe(sha256(otherWeights))
    expect((await readManifest(directory))?.commit).toBe(commit)
    expect(await entries()).not.toContain('special_tokens_map.json')
  })

  it('keeps the former model whole while an update fails', async () => {
    await download()
    const former = await readManifest(directory)
    hub.push(id, {
      ...model,
      'config.json': { content: '{"newer":true}' },
      'model.safetensors': { content: otherWeights, lfs: true },
    })
    hub.fault('model.safetensors', { cutAfter: 1000 })
    await failure(download())
    expect(await readManifest(directory)).toEqual(former)
    expect(await onDisk('config.json')).toEqual(Buffer.from('{"model_type":"roberta"}'))
    expect(sha256(await onDisk('model.safetensors'))).toBe(sha256(weights))
  })

  it('gets a damaged file again', async () => {
    await download()
    const bytes = await onDisk('model.safetensors')
    bytes[1234]! ^= 1
    await writeFile(join(directory, 'model.safetensors'), bytes)
    await truncate(join(directory, 'config.json'), 3)
    expect((await download()).fetched).toEqual(['config.json', 'model.safetensors'])
    await expectWholeModel()
  })

  it('that holds another model is left alone', async () => {
    await download()
    hub.push('other/roberta-base-go_emotions', model)
    hub.requests.length = 0
    const error = await failure(download({}, 'other/roberta-base-go_emotions'))
    expect(error).toMatchObject({ reason: 'directory-in-use', kind: 'input', subject: directory })
    expect(error.message).toContain(id)
    expect(hub.requests).toEqual([])
    await expectWholeModel()
  })

  it('that holds the beginning of another model is left alone', async () => {
    hub.fault('model.safetensors', { cutAfter: 1000 })
    await failure(download())
    const before = await entries()
    const error = await failure(download({}, 'other/roberta-base-go_emotions'))
    expect(error.reason).toBe('directory-in-use')
    expect(await entries()).toEqual(before)
  })

  it('with files of unknown origin is left alone', async () => {
    await mkdir(directory)
    await writeFile(join(directory, 'thesis.txt'), 'precious')
    const error = await failure(download())
    expect(error).toMatchObject({ reason: 'directory-in-use', kind: 'input', subject: directory })
    expect(await entries()).toEqual(['thesis.txt'])
    expect(hub.requests).toEqual([])
  })

  it('with a damaged manifest is left alone', async () => {
    await download()
    await writeFile(join(directory, '.roberta-ascend.json'), '{"id":')
    const error = await failure(download())
    expect(error.reason).toBe('directory-in-use')
    expect(error.message).toContain('.roberta-ascend.json')
  })

  it('has no manifest when the new files could not take their places', async () => {
    await download()
    hub.push(id, {
      ...model,
      'config.json': { content: '{"newer":true}' },
      'model.safetensors': { content: otherWeights, lfs: true },
    })
    await rm(join(directory, 'model.safetensors'))
    await mkdir(join(directory, 'model.safetensors'))
    expect((await failure(download())).reason).toBe('filesystem')
    expect(await readManifest(directory)).toBeUndefined()

    await rm(join(directory, 'model.safetensors'), { recursive: true })
    hub.requests.length = 0
    await download()
    expect(sha256(await onDisk('model.safetensors'))).toBe(sha256(otherWeights))
    expect(weightRanges()).toEqual([])
  })

  it('may be there, empty', async () => {
    await mkdir(directory)
    hub.fault('config.json', { status: 403 })
    await failure(download())
    expect(await entries()).toEqual([])
    hub.heal()
    await download()
    await expectWholeModel()
  })

  it('is filled by one download at a time', async () => {
    const both = await Promise.allSettled([download(), download()])
    const refused = both.filter(({ status }) => status === 'rejected')
    expect(refused).toMatchObject([{ reason: { reason: 'directory-in-use' } }])
    await expectWholeModel()
    expect(await readdir(root)).toEqual(['model'])
  })

  it('whose lock was left by a process that died is taken over', async () => {
    const dead = spawn(process.execPath, ['-e', ''])
    await new Promise((resolve) => dead.on('close', resolve))
    await writeFile(`${directory}.lock`, `${dead.pid}\n`)
    await download()
    await expectWholeModel()
  })

  it.each(['', 'garbage', `${process.pid}\n`])('whose lock says %j is left alone', async (lock) => {
    await writeFile(`${directory}.lock`, lock)
    const error = await failure(download())
    expect(error.reason).toBe('directory-in-use')
    expect(error.hint).toContain(`${directory}.lock`)
    expect(hub.requests).toEqual([])
  })
})

/** Runs the download in a process of its own; vite translates the source for it. */
function downloadInChild(): ChildProcess {
  const script = `
    import { createServer } from 'vite'
    const [source, id, options] = process.argv.slice(1)
    const vite = await createServer({
      configFile: false,
      appType: 'custom',
      server: { middlewareMode: true, ws: false, watch: null },
      optimizeDeps: { noDiscovery: true },
    })
    const { downloadModel } = await vite.ssrLoadModule(source)
    await downloadModel(id, JSON.parse(options))`
  const repository = join(import.meta.dirname, '../..')
  const options = JSON.stringify({ endpoint: hub.endpoint, directory })
  return spawn(
    process.execPath,
    ['--input-type=module', '-e', script, '/src/checkpoint/hub/download.ts', id, options],
    { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] },
  )
}

describe('an interrupted download', () => {
  it('is continued within the call', async () => {
    hub.fault('model.safetensors', { cutAfter: 100_000, times: 2 })
    await download()
    await expectWholeModel()
    const [first, ...resumed] = weightRanges()
    expect(first).toBeUndefined()
    expect(resumed).toHaveLength(2)
    for (const range of resumed) expect(range).toMatch(/^bytes=[1-9]\d*-$/)
  })

  it('gives up after five attempts, and is continued by the next call', async () => {
    hub.fault('model.safetensors', { cutAfter: 10_000 })
    const error = await failure(download())
    expect(error).toMatchObject({
      reason: 'interrupted',
      kind: 'environment',
      subject: `${id}/model.safetensors`,
    })
    expect(weightRanges()).toHaveLength(5)
    expect(await entries()).toEqual(
      ['.roberta-ascend.json', ...modelNames].map((name) => `${name}.incomplete`).sort(),
    )
    const size = await held()
    expect(size).toBeGreaterThan(0)
    expect(Buffer.from(weights.subarray(0, size)).equals(await readFile(partial()))).toBe(true)

    hub.heal()
    hub.requests.length = 0
    const seen: DownloadProgress[] = []
    const { fetched } = await download({ onProgress: (progress) => seen.push(progress) })
    expect(fetched).toEqual(modelNames)
    expect(weightRanges()).toEqual([`bytes=${size}-`])
    expect(hub.requestsFor('config.json')).toEqual([])
    const ofWeights = seen.filter(({ file }) => file === 'model.safetensors')
    expect(ofWeights[1]!.doneBytes - ofWeights[0]!.doneBytes).toBe(size)
    await expectWholeModel()
  })

  it('starts over when the file has changed', async () => {
    hub.fault('model.safetensors', { cutAfter: 50_000 })
    await failure(download())
    hub.heal()
    hub.requests.length = 0
    hub.push(id, { ...model, 'model.safetensors': { content: otherWeights, lfs: true } })
    await download()
    expect(weightRanges()).toEqual([undefined])
    await expectWholeModel(otherWeights)
  })

  it('starts over when the file has become what another file was', async () => {
    // One byte in each of five attempts.
    hub.push(id, { ...model, 'tokenizer_config.json': { content: 'another content' } })
    hub.fault('tokenizer_config.json', { cutAfter: 1 })
    await failure(download())
    hub.heal()
    hub.push(id, { ...model, 'tokenizer_config.json': model['config.json'] as HubFile })
    await download()
    expect(await onDisk('tokenizer_config.json')).toEqual(await onDisk('config.json'))
  })

  it('leaves nothing of a file that a later commit lacks', async () => {
    hub.fault('model.safetensors', { cutAfter: 1000 })
    await failure(download())
    hub.heal()
    hub.push(id, without('special_tokens_map.json'))
    await download()
    expect((await entries()).filter((name) => name.endsWith('.incomplete'))).toEqual([])
    expect(await entries()).not.toContain('special_tokens_map.json')
  })

  it('starts over at a server that ignores ranges', async () => {
    hub.fault('model.safetensors', { cutAfter: 50_000, times: 1 })
    hub.fault('model.safetensors', { ignoreRange: true, cutAfter: 20_000, times: 1 })
    hub.fault('model.safetensors', { ignoreRange: true })
    await download()
    expect(weightRanges()).toHaveLength(3)
    await expectWholeModel()
  })

  it('is continued when the answer ends early in good order', async () => {
    hub.fault('model.safetensors', { endAfter: 100_000, times: 1 })
    await download()
    expect(weightRanges()).toEqual([undefined, 'bytes=100000-'])
    await expectWholeModel()
  })

  it('is continued when the connection goes silent', async () => {
    hub.fault('model.safetensors', { stallAfter: 100_000, times: 1 })
    await download({ stallTimeout: 200 })
    expect(weightRanges()).toHaveLength(2)
    await expectWholeModel()
  })

  it('takes a server that is slow but not silent', async () => {
    const slow = noise(50, 5)
    hub.push(id, { ...model, 'model.safetensors': { content: slow, lfs: true } })
    hub.fault('model.safetensors', { trickle: 10 })
    // 50 pieces, 10 ms apart: longer in all than the time-out.
    await download({ stallTimeout: 300 })
    expect(weightRanges()).toHaveLength(1)
  })

  it('is continued after its process was killed', async () => {
    hub.fault('model.safetensors', { stallAfter: 120_000 })
    const child = downloadInChild()
    const exit = once(child, 'exit')
    await vi.waitFor(async () => expect(await held()).toBe(120_000), { timeout: 10_000 })
    child.kill('SIGKILL')
    expect(await exit).toEqual([null, 'SIGKILL'])

    hub.heal()
    hub.requests.length = 0
    await download()
    expect(weightRanges()).toEqual(['bytes=120000-'])
    expect(hub.requestsFor('config.json')).toEqual([])
    await expectWholeModel()
  })

  it('stops at an abort, with its reason, and is continued later', async () => {
    hub.fault('model.safetensors', { stallAfter: 100_000 })
    const controller = new AbortController()
    const reason = new Error('enough')
    const stopped = download({
      signal: controller.signal,
      onProgress: ({ file, doneBytes }) => {
        if (file === 'model.safetensors' && doneBytes > 1000) controller.abort(reason)
      },
    })
    await expect(stopped).rejects.toBe(reason)
    const size = await held()
    expect(size).toBeGreaterThan(0)
    hub.heal()
    hub.requests.length = 0
    await download()
    expect(weightRanges()).toEqual([`bytes=${size}-`])
    await expectWholeModel()
  })

  it('stops at an abort while it verifies', async () => {
    await download()
    const controller = new AbortController()
    const reason = new DOMException('enough', 'AbortError')
    const stopped = download({
      signal: controller.signal,
      onProgress: ({ file }) => {
        if (file === 'model.safetensors') controller.abort(reason)
      },
    })
    await expect(stopped).rejects.toBe(reason)
  })

  it('stops at an abort while it waits for the next attempt', async () => {
    hub.fault(api, { status: 503 })
    const controller = new AbortController()
    const stopped = download({ signal: controller.signal, retryDelay: 60_000 })
    await sleep(100)
    controller.abort()
    await expect(stopped).rejects.toBe(controller.signal.reason)
  })

  it('does not begin when aborted already', async () => {
    await expect(download({ signal: AbortSignal.abort() })).rejects.toThrow('aborted')
    expect(hub.requests).toEqual([])
    expect(await readdir(root)).toEqual([])
  })
})

describe('wrong content', () => {
  const damaged = Uint8Array.from(weights)
  damaged[200_000]! ^= 1

  it('of a large file is found by its SHA-256, and removed', async () => {
    hub.fault('model.safetensors', { content: damaged, times: 1 })
    const error = await failure(download())
    expect(error).toMatchObject({
      reason: 'checksum',
      kind: 'environment',
      subject: `${id}/model.safetensors`,
      expected: sha256(weights),
      actual: sha256(damaged),
    })
    expect(error.message).toContain(sha256(weights))
    expect(error.message).toContain(sha256(damaged))
    expect(await entries()).not.toContain('model.safetensors')
    expect(await entries()).not.toContain('model.safetensors.incomplete')
    expect(await readManifest(directory)).toBeUndefined()

    await download()
    expect(weightRanges()).toEqual([undefined, undefined])
    await expectWholeModel()
  })

  it('of a small file is found by its git hash, and removed', async () => {
    hub.push(id, { ...model, 'config.json': { content: 'hello\n' } })
    hub.fault('config.json', { content: 'hallo\n', times: 1 })
    const error = await failure(download())
    expect(error).toMatchObject({
      reason: 'checksum',
      subject: `${id}/config.json`,
      // From `printf 'hello\n' | git hash-object --stdin`, and the same of 'hallo\n'.
      expected: 'ce013625030ba8dba906f756967f9e9ca394464a',
      actual: '4cf5aa5f9a644263dbe3d6e78bcbef45487a802c',
    })
    await download()
    expect(await onDisk('config.json')).toEqual(Buffer.from('hello\n'))
  })

  it('that changes between two attempts is found', async () => {
    hub.fault('model.safetensors', { cutAfter: 50_000, times: 1 })
    hub.fault('model.safetensors', { content: otherWeights, times: 1 })
    expect((await failure(download())).reason).toBe('checksum')
    await download()
    await expectWholeModel()
  })

  it.each([
    ['shorter, as announced', { contentLength: 299_999 }],
    ['shorter content', { content: weights.subarray(0, 1000) }],
    ['longer content', { content: noise(300_001) }],
    ['longer, unannounced', { content: noise(300_001), endAfter: 300_001 }],
    ['shorter, found when resumed', { content: weights.subarray(0, 1000), endAfter: 1000 }],
  ])('of another size is found: %s', async (_, fault) => {
    hub.fault('model.safetensors', fault)
    const error = await failure(download())
    expect(error).toMatchObject({ reason: 'size', subject: `${id}/model.safetensors` })
    expect(await entries()).not.toContain('model.safetensors.incomplete')
    hub.heal()
    await download()
    await expectWholeModel()
  })

  it('of another size is found under the range asked for', async () => {
    hub.fault('model.safetensors', { cutAfter: 1000, times: 1 })
    hub.fault('model.safetensors', { content: weights.subarray(0, 200_000) })
    const error = await failure(download())
    expect(error).toMatchObject({ reason: 'size', expected: '300000', actual: '200000' })
    expect(weightRanges()).toHaveLength(2)
  })

  it('under a range that was not asked for is refused', async () => {
    hub.fault('model.safetensors', { cutAfter: 1000, times: 1 })
    hub.fault('model.safetensors', { status: 206, headers: { 'Content-Range': 'bytes 5-9/10' } })
    expect((await failure(download())).reason).toBe('invalid-response')
  })
})

describe('the token', () => {
  const authorized = (server: 'hub' | 'cdn') =>
    hub.requests.filter((request) => request.server === server).map((r) => r.authorization)

  it('goes to the endpoint, and to no other', async () => {
    hub.gate(id, secret)
    await download({ token: secret })
    await expectWholeModel()
    expect(new Set(authorized('hub'))).toEqual(new Set([`Bearer ${secret}`]))
    expect(authorized('cdn')).toEqual([undefined])
  })

  it('stays at home when the listing continues elsewhere', async () => {
    const other = await HubServer.start()
    try {
      const commit = other.push(id, model)
      const next = `${other.endpoint}/api/models/${id}/tree/${commit}`
      hub.fault(api, { status: 200, times: 1, body: JSON.stringify({ id, sha: commit }) })
      hub.fault(api, {
        status: 200,
        times: 1,
        body: '[]',
        headers: { Link: `<${next}>; rel="next"` },
      })
      await download({ token: secret })
      expect(other.requests.map(({ authorization }) => authorization)).toEqual([undefined])
    } finally {
      await other.stop()
    }
  })

  it('and the endpoint come from the environment by default', async () => {
    vi.stubEnv('HF_TOKEN', ` ${secret}\n`)
    vi.stubEnv('HF_ENDPOINT', `${hub.endpoint}/`)
    hub.gate(id, secret)
    await downloadModel(id, { directory })
    await expectWholeModel()
    expect(hub.requests[0]?.path).toBe(`/api/models/${id}/revision/main`)
    expect(authorized('hub')[0]).toBe(`Bearer ${secret}`)
  })

  it('is not repeated when it is malformed', async () => {
    const error = await failure(download({ token: `${secret}\n${secret}` }))
    expect(error).toMatchObject({ reason: 'invalid-token', kind: 'input' })
    expect(hub.requests).toEqual([])
  })
})

describe('what the hub refuses', () => {
  it('a repository that does not exist, or is private', async () => {
    const error = await failure(download({}, 'nobody/nothing'))
    expect(error).toMatchObject({
      reason: 'unauthorized',
      kind: 'input',
      subject: 'nobody/nothing',
    })
    expect(error.message).toMatch(/401.*no such repository, or it is private.*HF_TOKEN/)
    expect(await readdir(root)).toEqual([])
  })

  it('the same with a token', async () => {
    const error = await failure(download({ token: secret }, 'nobody/nothing'))
    expect(error).toMatchObject({ reason: 'repository-not-found', kind: 'input' })
  })

  it('a token that is not valid', async () => {
    hub.fault(api, { status: 401 })
    const error = await failure(download({ token: secret }))
    expect(error.reason).toBe('unauthorized')
    expect(error.hint).toContain('the token in HF_TOKEN is valid')
  })

  it.each([undefined, 'hf_of_somebody_else'])('a gated repository, token %s', async (token) => {
    hub.gate(id, secret)
    const error = await failure(download(token === undefined ? {} : { token }))
    expect(error).toMatchObject({ reason: 'gated', kind: 'input' })
    expect(error.hint).toContain(`${hub.endpoint}/${id}`)
    expect(error.hint).toContain('HF_TOKEN')
    expect(await readdir(root)).toEqual([])
  })

  it('a revision that does not exist', async () => {
    const error = await failure(download({ revision: 'v9' }))
    expect(error).toMatchObject({ reason: 'revision-not-found', kind: 'input', subject: id })
    expect(error.message).toContain("'v9'")
  })

  it.each(['', '..', 'a/../b', 'a b', '-x', 'a?b', '/'])('revision %j', async (revision) => {
    const error = await failure(download({ revision }))
    expect(error).toMatchObject({ reason: 'invalid-revision', kind: 'input' })
    expect(hub.requests).toEqual([])
  })

  it.each([
    [403, api, 'gated'],
    [404, api, 'repository-not-found'],
    [404, 'tokenizer.json', 'file-not-found'],
  ])('by the status %d alone, as mirrors do, for %s', async (status, name, reason) => {
    hub.fault(name, { status })
    expect(await failure(download())).toMatchObject({ reason, kind: 'input' })
  })

  it('a listed file that is missing after all', async () => {
    hub.fault('tokenizer.json', { status: 404, headers: { 'X-Error-Code': 'EntryNotFound' } })
    const error = await failure(download())
    expect(error).toMatchObject({ reason: 'file-not-found', subject: `${id}/tokenizer.json` })
  })

  it.each([
    [['config.json'], 'file-not-found', 'no config.json'],
    [['tokenizer.json', 'merges.txt'], 'file-not-found', 'tokenizer.json nor vocab.json'],
    [['model.safetensors'], 'no-safetensors', 'only pytorch_model.bin; only safetensors is supp'],
    [['model.safetensors', 'pytorch_model.bin'], 'no-safetensors', 'no model.safetensors; only'],
  ])('a repository without %j', async (names, reason, text) => {
    hub.push(id, without(...names))
    const error = await failure(download())
    expect(error).toMatchObject({ reason, kind: 'input', subject: id })
    expect(error.message).toContain(text)
    expect(await readdir(root)).toEqual([])
  })
})

describe('a hub in trouble', () => {
  it.each([429, 500, 502, 503])('is asked again after %d', async (status) => {
    hub.fault(api, { status, times: 2 })
    hub.fault('config.json', { status, times: 2 })
    hub.fault('model.safetensors', { status, times: 2 })
    await download()
    await expectWholeModel()
    expect(hub.requestsFor('config.json')).toHaveLength(3)
    expect(weightRanges()).toHaveLength(3)
  })

  it('is left alone after five attempts', async () => {
    hub.fault('config.json', { status: 503 })
    const error = await failure(download())
    expect(error).toMatchObject({ reason: 'server', kind: 'environment' })
    expect(error.message).toContain('503')
    expect(hub.requestsFor('config.json')).toHaveLength(5)
    expect(await readdir(root)).toEqual([])
  })

  it('that is too busy is left alone after five attempts', async () => {
    hub.fault(api, { status: 429 })
    const error = await failure(download())
    expect(error).toMatchObject({ reason: 'rate-limited', kind: 'environment' })
    expect(error.hint).toContain('HF_TOKEN')
    expect(hub.requests).toHaveLength(5)
  })

  it('is given the pause that it asks for', async () => {
    hub.fault(api, { status: 429, headers: { 'Retry-After': '1' }, times: 1 })
    const start = performance.now()
    await download()
    expect(performance.now() - start).toBeGreaterThan(950)
  })

  it.each([{ 'Retry-After': '300' }, { RateLimit: '"resolvers";r=0;t=300' }])(
    'is not waited for when it asks for minutes: %j',
    async (headers) => {
      hub.fault(api, { status: 429, headers })
      const error = await failure(download())
      expect(error).toMatchObject({ reason: 'rate-limited', retryAfter: 300 })
      expect(error.message).toContain('300 s')
      expect(hub.requests).toHaveLength(1)
    },
  )

  it('is given up when it stays silent', async () => {
    hub.fault('model.safetensors', { stallAfter: 1000 })
    const error = await failure(download({ stallTimeout: 60 }))
    expect(error).toMatchObject({ reason: 'timeout', kind: 'environment' })
    expect(error.message).toContain('0.06 s')
    expect(weightRanges()).toHaveLength(5)
  })

  it.each([
    ['a page', '<html>log in to this network</html>'],
    ['null', 'null'],
    ['a list', '[]'],
    ['no commit', '{"id":"a/b"}'],
  ])('is no hub when it answers %s', async (_, body) => {
    hub.fault(api, { status: 200, body })
    const error = await failure(download())
    expect(error).toMatchObject({ reason: 'invalid-response', kind: 'environment' })
    expect(error.message).toContain('HF_ENDPOINT')
  })

  it('is no hub when its listing is none', async () => {
    for (const body of ['{}', '[{"type":"file","path":"config.json","size":1}]']) {
      hub.heal()
      const sha = '0'.repeat(40)
      hub.fault(api, { status: 200, body: JSON.stringify({ id, sha }), times: 1 })
      hub.fault(api, { status: 200, body, times: 1 })
      expect((await failure(download())).reason).toBe('invalid-response')
    }
  })

  it('may give an answer that nobody expects', async () => {
    hub.fault('config.json', { status: 418 })
    const error = await failure(download())
    expect(error.reason).toBe('invalid-response')
    expect(error.message).toContain('418')
  })
})

describe('this machine', () => {
  it.each([
    // A label of more than 63 characters: no resolver is asked for it.
    ['a host name that does not resolve', `http://${'x'.repeat(64)}.invalid`, 'ENOTFOUND'],
    ['a port where nobody listens', undefined, 'ECONNREFUSED'],
  ])('may be offline: %s', async (_, endpoint, code) => {
    const options = { endpoint: endpoint ?? hub.endpoint, directory, retryDelay: 60_000 }
    await hub.stop()
    const error = await failure(downloadModel(id, options))
    expect(error).toMatchObject({ reason: 'offline', kind: 'environment' })
    expect(error.message).toContain(code)
    expect(error.hint).toContain('HF_ENDPOINT')
    expect(await readdir(root)).toEqual([])
  })

  it.each([
    'huggingface.co',
    'ftp://huggingface.co',
    'http://',
    'https://huggingface.co/?x=1',
    `https://me:${secret}@huggingface.co`,
  ])('may have a wrong endpoint: %s', async (endpoint) => {
    const error = await failure(download({ endpoint }))
    expect(error).toMatchObject({ reason: 'invalid-endpoint', kind: 'input' })
    expect(error.message).toContain('HF_ENDPOINT')
  })

  // Writing to /dev/full fails with ENOSPC, as on a full disk.
  it.runIf(process.platform === 'linux')('may have a full disk', async () => {
    hub.fault('model.safetensors', { cutAfter: 1000 })
    await failure(download())
    hub.heal()
    await rm(partial())
    await symlink('/dev/full', partial())
    const error = await failure(download())
    expect(error).toMatchObject({ reason: 'disk-full', kind: 'environment', subject: partial() })
    expect(await readManifest(directory)).toBeUndefined()

    await rm(partial())
    await download()
    await expectWholeModel()
  })

  // Nobody may make a directory in /sys, not even the superuser.
  it.runIf(process.platform === 'linux')('may forbid to write', async () => {
    const error = await failure(download({ directory: '/sys/roberta-ascend' }))
    expect(error).toMatchObject({ reason: 'permission', kind: 'environment' })
    expect(error.message).toContain('/sys/roberta-ascend')
  })

  it('may have a file where the directory should be', async () => {
    await writeFile(directory, '')
    const error = await failure(download())
    expect(error).toMatchObject({ reason: 'filesystem', kind: 'environment', subject: directory })
    await expect(failure(download({ directory: join(directory, 'x') }))).resolves.toMatchObject({
      reason: 'filesystem',
    })
  })
})
