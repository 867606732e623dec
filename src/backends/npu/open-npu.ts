/** NPUs of this machine, and the emulator bundled with this package, as backends. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DeviceUnavailableError } from '../../errors.ts'
import { type CannInstallation, findCann } from '../../ffi/find-cann.ts'
import { openCann } from '../../ffi/open-cann.ts'
import { NpuBackend, type NpuBackendOptions } from './npu-backend.ts'

export type OpenNpuOptions = Pick<NpuBackendOptions, 'cubeMathType' | 'aclnn'>

/** Whether a version of CANN is that of an emulator, also one that stands in CANN's place. */
export function isEmulatorVersion(version: string | undefined): boolean {
  return version?.includes('emulator') === true
}

/** Opens the NPU number `id` through the installed CANN. Throws DeviceUnavailableError. */
export function openNpu(id = 0, options: OpenNpuOptions = {}): NpuBackend {
  const device = `npu:${id}`
  const cann = openCann(findCann({ device }), { device })
  const name = isEmulatorVersion(cann.version) ? 'emulator' : device
  return new NpuBackend(cann, { ...options, device: name, id })
}

/** Where kernels/emulator/build.mjs puts it: beside `src` and `dist` alike. */
export const emulatorRoot = fileURLToPath(
  new URL('../../../kernels/emulator/build/root', import.meta.url),
)

/** In a checkout, and where this package is installed as a dependency. */
const buildCommand = emulatorRoot.includes('/node_modules/')
  ? 'npm explore roberta-ascend -- npm run build:emulator'
  : 'npm run build:emulator'

/** Finds the bundled emulator. Throws DeviceUnavailableError where it is not built. */
export function findEmulator(): CannInstallation {
  const device = 'emulator'
  if (!existsSync(emulatorRoot)) {
    throw new DeviceUnavailableError(device, `it is not built: there is no ${emulatorRoot}`, {
      hint: `install cmake and a C++ compiler, then run \`${buildCommand}\``,
    })
  }
  return findCann({ device, environment: { ASCEND_HOME_PATH: emulatorRoot } })
}

/** Opens the bundled emulator. Throws DeviceUnavailableError where it is not built. */
export function openEmulator(options: OpenNpuOptions = {}): NpuBackend {
  const device = 'emulator'
  return new NpuBackend(openCann(findEmulator(), { device }), { ...options, device })
}
