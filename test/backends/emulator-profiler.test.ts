/** CANN's profiler around work of the NPU backend, on the emulator's stand-in for it, over both FFI bindings. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { NpuBackend } from '../../src/backends/npu/npu-backend.ts'
import { startProfiler } from '../../src/backends/npu/profiler.ts'
import { DeviceUnavailableError } from '../../src/errors.ts'
import { tanh, tensor } from '../../src/ops/index.ts'
import {
  controls,
  findEmulator,
  forEachBinding,
  isBuilt,
  onEmulator,
  openCann,
} from '../support/emulator.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'roberta-ascend-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function compute(backend: NpuBackend): void {
  using input = tensor(backend, 'float32', [2], new Float32Array([1, 2]))
  using _output = tanh(input)
}

interface Calls {
  readonly calls: Readonly<Record<string, number>>
}

function results(): { readonly atStart: Calls; readonly atStop: Calls }[] {
  return readdirSync(folder).map((name) =>
    JSON.parse(readFileSync(join(folder, name, 'emulator.json'), 'utf8')),
  )
}

forEachBinding(() => {
  beforeEach(() => controls.reset())

  it('sees what is computed until it is disposed of, and nothing before or after', () =>
    onEmulator(async (backend) => {
      compute(backend)
      for (const times of [2, 3]) {
        const profiler = await backend.startProfiler(folder)
        for (let i = 0; i < times; i++) compute(backend)
        await profiler[Symbol.asyncDispose]()
        compute(backend)
      }
      const launches = results().map(
        ({ atStart, atStop }) => atStop.calls.aclnnTanh! - atStart.calls.aclnnTanh!,
      )
      expect(launches.sort()).toEqual([2, 3])
      expect(results()[0]).toMatchObject({ emulator: true, devices: [0], dataTypeConfig: 15 })
    }))

  it('each call may fail: a typed error, nothing left, and the next profile is right', () =>
    onEmulator(async (backend) => {
      const profile = async () => {
        const profiler = await backend.startProfiler(folder)
        compute(backend)
        await profiler[Symbol.asyncDispose]()
      }
      for (const name of ['aclprofInit', 'aclprofCreateConfig', 'aclprofStart', 'aclprofStop']) {
        controls.failCall(name, 1n, 500005)
        await expect(profile(), name).rejects.toMatchObject({
          name: 'AscendError',
          functionName: name,
          code: 500005,
        })
        await profile()
      }
      expect(results()).toHaveLength(4)
    }))

  it('a directory that cannot be made is the error of the call that makes it', () =>
    onEmulator(async (backend) => {
      await expect(backend.startProfiler('/dev/null/no')).rejects.toMatchObject({
        functionName: 'aclprofInit',
        code: 100003,
        nativeMessage: expect.stringContaining('cannot make the folder'),
      })
    }))
})

it.skipIf(!isBuilt)(
  'an installation without it is named (skipped where the emulator is not built)',
  () => {
    const cann = openCann(findEmulator(), { device: 'emulator' })
    const libraries = { ...cann.installation.libraries, msprofiler: [] }
    const lacking = { ...cann, installation: { ...cann.installation, libraries } }
    const start = () => startProfiler(lacking, 'npu:0', 0, folder)
    expect(start).toThrow(DeviceUnavailableError)
    expect(start).toThrow(
      `there is no libmsprofiler.so, CANN's profiler, in ${cann.installation.root}`,
    )
  },
)
