/** `download`, then `--model HUB_ID`, as processes against a local server that behaves like the hub. */
import { readFileSync } from 'node:fs'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HubServer } from '../support/hub-server.ts'
import { runProgram } from '../support/program.ts'

const id = 'someone/tiny-go_emotions'
const weights = new URL('../../weights/roberta-tiny-go_emotions/', import.meta.url)
const file = (name: string) => ({ content: readFileSync(new URL(name, weights)) })

let hub: HubServer
let endpoint: string
let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
  hub = await HubServer.start()
  // With a trailing slash, as mirrors are often given.
  endpoint = `${hub.endpoint}/`
  hub.push(id, {
    'config.json': file('config.json'),
    'tokenizer.json': file('tokenizer.json'),
    'tokenizer_config.json': file('tokenizer_config.json'),
    'model.safetensors': { ...file('model.safetensors'), lfs: true },
  })
})
afterEach(async () => {
  await hub.stop()
  await rm(cwd, { recursive: true })
})

const run = (...args: string[]) =>
  runProgram(args, { cwd, env: { HF_ENDPOINT: endpoint, HF_TOKEN: undefined } })

test('a downloaded model is used by its id', async () => {
  const downloaded = await run('download', id)
  expect(downloaded.code, downloaded.stderr).toBe(0)
  expect(downloaded.stdout).toBe(`${join('weights', 'tiny-go_emotions')}\n`)
  const { code, stdout, stderr } = await run('--model', id, '--text', 'I am so happy today!')
  expect(code, stderr).toBe(0)
  expect(stdout).toBe('I am so happy today!\tjoy 0.843\n')
  expect(stderr).toContain('Using tiny-go_emotions')
})

test('a download that broke off is not used, and continues where it was', async () => {
  hub.fault('model.safetensors', { cutAfter: 1_000_000 })
  const broken = await run('download', id)
  expect(broken.code).toBe(3)
  expect(broken.stdout).toBe('')
  expect(broken.stderr.trim().split('\n')).toHaveLength(1)
  const early = await run('--model', id, '--text', 'x')
  expect(early.code).toBe(2)
  expect(early.stderr).toContain(`roberta-ascend download ${id}`)
  hub.heal()
  hub.requests.length = 0
  expect((await run('download', id)).code).toBe(0)
  const ranges = hub.requests.map(({ range }) => range).filter((range) => range !== undefined)
  expect(ranges.length).toBeGreaterThan(0)
  for (const range of ranges) expect(range).toMatch(/^bytes=[1-9]\d{5,}-$/)
  expect((await run('--model', id, '--text', 'x')).code).toBe(0)
})

test.each([
  ['a repository there is not', 'someone/else', 2, 'someone/else'],
  ['an id that is none', 'not an id', 2, 'not an id'],
])('%s', async (_name, wrong, code, mention) => {
  const outcome = await run('download', wrong)
  expect(outcome.code, outcome.stderr).toBe(code)
  expect(outcome.stdout).toBe('')
  expect(outcome.stderr).toContain(mention)
  expect(outcome.stderr.trim().split('\n')).toHaveLength(1)
  expect(await readdir(cwd)).not.toContain(id)
})

test('offline', async () => {
  await hub.stop()
  const outcome = await run('download', id)
  expect(outcome.code).toBe(3)
  expect(outcome.stderr).toContain('HF_ENDPOINT')
  expect(outcome.stderr.trim().split('\n')).toHaveLength(1)
})

test('--output, and a directory that nobody downloaded', async () => {
  expect((await run('download', id, '--output', 'elsewhere')).stdout).toBe('elsewhere\n')
  expect((await run('--model', 'elsewhere', '--text', 'x')).code).toBe(0)
  const outcome = await run('--model', id, '--text', 'x')
  expect(outcome.code).toBe(2)
  await cp(join(cwd, 'elsewhere'), join(cwd, 'weights', 'tiny-go_emotions'), {
    recursive: true,
    filter: (path) => !path.endsWith('.roberta-ascend.json'),
  })
  expect((await run('--model', id, '--text', 'x')).code).toBe(2)
})

test('a model of the same name from another owner is not mistaken for it', async () => {
  expect((await run('download', id)).code).toBe(0)
  const outcome = await run('--model', 'other/tiny-go_emotions', '--text', 'x')
  expect(outcome.code).toBe(2)
  expect(outcome.stderr).toContain(`holds ${id}, not other/tiny-go_emotions`)
})
