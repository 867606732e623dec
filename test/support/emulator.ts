/**
 * The NPU backend on the bundled emulator, for tests. It comes from `dist`, which `npm test` builds
 * first, since Node 20 cannot run the thread that waits from TypeScript.
 */
import { afterAll, beforeAll, describe, expect, vi } from 'vitest'
import type { NpuBackend as NpuBackendType } from '../../src/backends/npu/npu-backend.ts'
import type { OpenNpuOptions } from '../../src/backends/npu/open-npu.ts'
import type { BindingName } from '../../src/ffi/binding.ts'
import type { CannFunctionName } from '../../src/ffi/functions.ts'
import { bindingsUnderTest } from '../ffi/bindings.ts'
import { emulatorControls } from './emulator-controls.ts'

const built = (file: string): string => new URL(`../../dist/${file}`, import.meta.url).href
export const { emulatorRoot, findEmulator, isEmulatorBuilt, openEmulator, openNpu } = (await import(
  built('backends/npu/open-npu.js')
)) as typeof import('../../src/backends/npu/open-npu.ts')
const { NpuBackend } = (await import(
  built('backends/npu/npu-backend.js')
)) as typeof import('../../src/backends/npu/npu-backend.ts')
export const { openCann } = (await import(
  built('ffi/open-cann.js')
)) as typeof import('../../src/ffi/open-cann.ts')

export const isBuilt = isEmulatorBuilt()

/** Only where `isBuilt`. */
export const controls = isBuilt ? emulatorControls(emulatorRoot) : undefined!

/** The emulator as a CANN that has all functions but one. */
export function openLacking(missing: CannFunctionName): NpuBackendType {
  const cann = openCann(findEmulator(), { device: 'emulator' })
  const has = (name: CannFunctionName) => name !== missing && cann.has(name)
  return new NpuBackend({ ...cann, has }, { device: 'emulator' })
}

/** Runs `body` and closes the backend, whatever happens; then nothing may be left. */
export async function onEmulator(
  body: (backend: NpuBackendType) => Promise<void>,
  options: OpenNpuOptions = {},
): Promise<void> {
  const backend = openEmulator(options)
  try {
    await body(backend)
  } finally {
    await backend.close()
  }
  const { violations, live } = controls.report()
  expect(violations).toEqual([])
  expect(Object.entries(live).filter(([, count]) => count > 0)).toEqual([])
}

/** Tests over each FFI binding, skipped with the reason in the title where one cannot be had. */
export function forEachBinding(body: (binding: BindingName) => void): void {
  for (const { name, skip } of bindingsUnderTest) {
    const reason = isBuilt ? skip : 'it is not built: npm run build:emulator'
    const title = `the emulator through ${name}`
    const suite = reason === undefined ? title : `${title}, skipped: ${reason}`
    describe.skipIf(reason !== undefined)(suite, () => {
      beforeAll(() => void vi.stubEnv('ROBERTA_ASCEND_FFI', name))
      afterAll(() => void vi.unstubAllEnvs())
      body(name)
    })
  }
}
