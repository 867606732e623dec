/**
 * `compare` on full-size checkpoints with seeded weights, plain and with outlier features as trained models
 * have them: no false alarm by any standard. The reference takes a second for ten tokens, so there are few.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CpuBackend } from '../../src/backends/cpu/cpu-backend.ts'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { embeddedModelDirectory } from '../../src/model/locate.ts'
import { compareSubjects } from '../../src/precision/compare/compare.ts'
import { isBuilt, openEmulator } from '../support/emulator.ts'
import { alarms, everyStandard } from '../support/every-standard.ts'
import { pythonWithNumpy } from '../support/numpy.ts'
import { type OpenSubject, subjectOn } from '../support/subject.ts'

const script = fileURLToPath(new URL('../golden/random-base/make_random_base.py', import.meta.url))
const texts = ['I am so happy today!', 'no']

describe.each(['plain', 'outlier'])('a %s base model', (variant) => {
  let directory: string
  let reference: OpenSubject
  const settings = () => ({ directory, tokenizerOf: embeddedModelDirectory })
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
    if (pythonWithNumpy === undefined) return
    const made = spawnSync(pythonWithNumpy, [script, directory, '--variant', variant])
    expect(made.stderr.toString()).toBe('')
    reference = await subjectOn(new ReferenceBackend(), settings())
  }, 120_000)
  afterAll(async () => {
    await reference?.[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })

  test.for(['cpu', 'emulator'])(
    '%s against the reference',
    { timeout: 120_000 },
    async (name, context) => {
      context.skip(pythonWithNumpy === undefined, 'needs python3 with numpy to make the checkpoint')
      context.skip(name === 'emulator' && !isBuilt, 'needs npm run build:emulator')
      await using device = await subjectOn(
        name === 'cpu' ? new CpuBackend() : openEmulator(),
        settings(),
      )
      const result = await compareSubjects(device, reference, {
        texts,
        standard: everyStandard,
        modes: ['cascaded', 'isolated'],
      })
      expect(alarms(result)).toEqual([])
      expect(result.logits.maxAbs).toBeGreaterThan(0)
    },
  )
})
