/**
 * Full-size checkpoints with seeded weights: the reference and the CPU backend must be as close to a float64 computation
 * as PyTorch's float32 is, within a factor of two. The checkpoints are made anew by the script that
 * the golden values came from; their hash says whether they are the same.
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
import { pythonWithNumpy } from '../support/numpy.ts'

interface Golden {
  input_ids: number[][]
  variants: Record<string, { sha256: string; logits64: number[][]; logits32: number[][] }>
}

const folder = new URL('../golden/random-base/', import.meta.url)
const golden = JSON.parse(readFileSync(new URL('golden.json', folder), 'utf8')) as Golden

/** The reference takes about a second for ten tokens, so a few texts have to do. */
const devices = [
  ['reference', 4, () => new ReferenceBackend()],
  ['cpu', golden.input_ids.length, () => new CpuBackend()],
] as const

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash)
  return hash.digest('hex')
}

function distance(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): number {
  return Math.max(
    ...a.map((row, i) => Math.max(...Array.from(row, (x, j) => Math.abs(x - b[i]![j]!)))),
  )
}

describe.skipIf(pythonWithNumpy === undefined).each(Object.entries(golden.variants))(
  'a %s base model, made with python3 and numpy',
  (variant, expected) => {
    let directory: string
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
      if (pythonWithNumpy === undefined) return
      const script = fileURLToPath(new URL('make_random_base.py', folder))
      const made = spawnSync(pythonWithNumpy, [script, directory, '--variant', variant])
      expect(made.stderr.toString()).toBe('')
    }, 120_000)
    afterAll(() => rm(directory, { recursive: true }))

    test.each(devices)(
      'logits on %s are within twice the distance of PyTorch float32 from float64',
      async (device, textCount, open) => {
        expect(await sha256(join(directory, 'model.safetensors'))).toBe(expected.sha256)
        const backend = open()
        const warn = (message: string): never => expect.fail(message)
        const model = await loadModel(directory, { backend, dtype: 'float32', warn })
        const ids = golden.input_ids.slice(0, textCount)
        const started = performance.now()
        const logits = await forwardLogits(model, backend, ids)
        const seconds = (performance.now() - started) / 1000
        const truth = expected.logits64.slice(0, textCount)
        const ours = distance(logits, truth)
        const torch = distance(expected.logits32.slice(0, textCount), truth)
        console.log(
          `${variant} on ${device}: ${ours.toExponential(2)} from float64, ` +
            `PyTorch float32 ${torch.toExponential(2)}; ${seconds.toFixed(1)} s for ${ids.flat().length} tokens`,
        )
        expect(ours).toBeLessThanOrEqual(2 * torch)
        for (const parameter of model.parameters) parameter.dispose()
        await backend.close()
      },
      120_000,
    )
  },
)
