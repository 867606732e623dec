import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { loadModel } from '../../src/model/load-model.ts'
import { ParameterMismatchError } from '../../src/model/load-parameters.ts'

const variant = fileURLToPath(new URL('../golden/variants/gelu-new', import.meta.url))
let directory: string
let warnings: string[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
  await cp(variant, directory, { recursive: true })
  warnings = []
})
afterEach(() => rm(directory, { recursive: true }))

function load(backend = new ReferenceBackend()) {
  const warn = (message: string) => void warnings.push(message)
  return loadModel(directory, { backend, dtype: 'float32', warn })
}

/** Renames tensors in the header; the new names are as long as the old ones. */
async function rename(from: RegExp, to: string): Promise<void> {
  const file = join(directory, 'model.safetensors')
  const bytes = await readFile(file)
  await writeFile(file, Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1'))
}

async function changeConfig(changes: object): Promise<void> {
  const file = join(directory, 'config.json')
  const config = JSON.parse(await readFile(file, 'utf8')) as object
  await writeFile(file, JSON.stringify({ ...config, ...changes }))
}

test('lists every missing, misshaped and unexpected tensor by name, before anything is loaded', async () => {
  await rename(/classifier\.dense\.weight/, 'classifier.dense.wrongs')
  await changeConfig({ num_hidden_layers: 4, max_position_embeddings: 25 })
  const backend = new ReferenceBackend()
  const error = await load(backend).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(ParameterMismatchError)
  const { missing, misshaped, unexpected, message } = error as ParameterMismatchError
  // 16 tensors of the layer there is not, and the renamed one.
  expect(missing).toHaveLength(17)
  expect(missing).toContain('classifier.dense.weight')
  expect(missing).toContain('roberta.encoder.layer.3.output.LayerNorm.bias')
  expect(misshaped).toEqual([
    'roberta.embeddings.position_embeddings.weight [24, 32] instead of [25, 32]',
  ])
  expect(unexpected).toEqual(['classifier.dense.wrongs'])
  for (const name of [...missing, ...misshaped, ...unexpected]) expect(message).toContain(name)
  expect(backend.heldBytes).toBe(0)
})

test('tensors that the model does not use are a warning that lists them', async () => {
  await changeConfig({ num_hidden_layers: 2 })
  await load()
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain('roberta.encoder.layer.2.attention.self.query.weight')
})

test('a parameter knows that it was not loaded', async () => {
  const model = await load()
  const { weight } = model.classifier.dense
  expect(weight.value.shape).toEqual([32, 32])
  weight.dispose()
  expect(() => weight.value).toThrow('classifier.dense.weight was not loaded')
})

test('disposing of all parameters frees everything', async () => {
  const backend = new ReferenceBackend()
  const model = await load(backend)
  expect(backend.heldBytes).toBeGreaterThan(0)
  for (const parameter of model.parameters) parameter.dispose()
  expect(backend.heldBytes).toBe(0)
})
