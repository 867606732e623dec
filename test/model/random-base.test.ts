/**
 * Full-size checkpoints with seeded weights: the reference, the CPU backend and the emulator must be as close to a
 * float64 computation as PyTorch in the same dtype is, within a factor of two. The checkpoints are
 * made anew by the script that the golden values came from; their hash says whether they are the same.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CpuBackend } from '../../src/backends/cpu/cpu-backend.ts'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { loadModel } from '../../src/model/load-model.ts'
import { controls, isBuilt, onEmulator } from '../support/emulator.ts'
import { expectAsCloseAsPyTorch } from '../support/logit-distance.ts'
import { pythonWithNumpy } from '../support/numpy.ts'

type PyTorch = Record<'float32' | 'float16' | 'bfloat16' | 'bfloat16_native', number[][]>
interface Golden {
  input_ids: number[][]
  variants: Record<string, { sha256: string; logits64: number[][]; pytorch: PyTorch }>
}

const folder = new URL('../golden/random-base/', import.meta.url)
const golden = JSON.parse(readFileSync(new URL('golden.json', folder), 'utf8')) as Golden

/** The reference takes about a second for ten tokens, so a few texts have to do. */
const referenceTexts = 4

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash)
  return hash.digest('hex')
}

const warn = (message: string): never => expect.fail(message)

describe.each(Object.entries(golden.variants))('a %s base model', (variant, expected) => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
    if (pythonWithNumpy === undefined) return
    const script = fileURLToPath(new URL('make_random_base.py', folder))
    const made = spawnSync(pythonWithNumpy, [script, directory, '--variant', variant])
    expect(made.stderr.toString()).toBe('')
    expect(await sha256(join(directory, 'model.safetensors'))).toBe(expected.sha256)
  }, 120_000)
  afterAll(() => rm(directory, { recursive: true }))

  const { logits64, pytorch } = expected
  const noNumpy = 'needs python3 with numpy to make the checkpoint'

  test('the reference in float32', async (context) => {
    context.skip(pythonWithNumpy === undefined, noNumpy)
    const backend = new ReferenceBackend()
    const model = await loadModel(directory, { backend, dtype: 'float32', warn })
    const some = <T>(rows: T[]) => rows.slice(0, referenceTexts)
    const logits = await forwardLogits(model, backend, some(golden.input_ids))
    expectAsCloseAsPyTorch(`${variant} base model, reference, float32`, logits, some(logits64), [
      some(pytorch.float32),
    ])
  }, 120_000)

  test('the CPU backend in float32', async (context) => {
    context.skip(pythonWithNumpy === undefined, noNumpy)
    const backend = new CpuBackend()
    try {
      const model = await loadModel(directory, { backend, dtype: 'float32', warn })
      const logits = await forwardLogits(model, backend, golden.input_ids)
      const what = `${variant} base model, cpu, float32`
      expectAsCloseAsPyTorch(what, logits, logits64, [pytorch.float32])
      for (const parameter of model.parameters) parameter.dispose()
    } finally {
      await backend.close()
    }
  }, 120_000)

  test.for([
    ['float32', [pytorch.float32]],
    ['float16', [pytorch.float16]],
    ['bfloat16', [pytorch.bfloat16, pytorch.bfloat16_native]],
  ] as const)('the emulator in %s', { timeout: 120_000 }, async ([dtype, theirs], context) => {
    context.skip(pythonWithNumpy === undefined, noNumpy)
    context.skip(!isBuilt, 'needs npm run build:emulator')
    controls.reset()
    await onEmulator(async (backend) => {
      const model = await loadModel(directory, { backend, dtype, warn })
      const logits = await forwardLogits(model, backend, golden.input_ids)
      expectAsCloseAsPyTorch(`${variant} base model, emulator, ${dtype}`, logits, logits64, theirs)
      for (const parameter of model.parameters) parameter.dispose()
    })
  })
})
