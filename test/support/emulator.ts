/**
 * The NPU backend on the bundled emulator, for tests. It comes from `dist`, which `npm test` builds
 * first, since Node 20 cannot run the thread that waits from TypeScript.
 */
import { afterAll, beforeAll, describe, expect, vi } from 'vitest'
import type { NpuBackend } from '../../src/backends/npu/npu-backend.ts'
import type { OpenNpuOptions } from '../../src/backends/npu/open-npu.ts'
import type { BindingName } from '../../src/ffi/binding.ts'
import { bindingsUnderTest } from '../ffi/bindings.ts'
import { emulatorControls } from './emulator-controls.ts'

const built = new URL('../../dist/backends/npu/open-npu.js', import.meta.url).href
export const { emulatorRoot, isEmulatorBuilt, openEmulator, openNpu } = (await import(
  built
)) as typeof import('../../src/backends/npu/open-npu.ts')

export const isBuilt = isEmulatorBuilt()

/** Only where `isBuilt`. */
export const controls = isBuilt ? emulatorControls(emulatorRoot) : undefined!

/** Runs `body` and closes the backend, whatever happens; then nothing may be left. */
export async function onEmulator(
  body: (backend: NpuBackend) => Promise<void>,
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
