/** NPUs of this machine, and the emulator bundled with this package, as backends. */
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DeviceUnavailableError } from '../../errors.ts'
import { type CannInstallation, findCann } from '../../ffi/find-cann.ts'
import { type Cann, openCann } from '../../ffi/open-cann.ts'
import { countDevices, finalise, initialise, noDeviceHint } from './initialisation.ts'
import { NpuBackend, type NpuBackendOptions } from './npu-backend.ts'

export type OpenNpuOptions = Omit<NpuBackendOptions, 'device' | 'id'>

/** Whether a version of CANN is that of an emulator, also one that stands in CANN's place. */
export function isEmulatorVersion(version: string | undefined): boolean {
  return version?.includes('emulator') === true
}

/** Where the libraries come from that this process has loaded, which are never closed. */
let loadedRoot: string | undefined

/**
 * Opens an installation, and never a second one beside it: their libraries have the same names, and
 * the loader would let the operators of one call the runtime of the other.
 */
function openOnly(installation: CannInstallation, device: string): Cann {
  const root = realpathSync(installation.root)
  if (loadedRoot !== undefined && root !== loadedRoot) {
    const reason = `this process has loaded the libraries of ${loadedRoot} already, and those of ${root} would mix with them`
    throw new DeviceUnavailableError(device, reason, { hint: 'use a process for each' })
  }
  const cann = openCann(installation, { device })
  loadedRoot = root
  return cann
}

/** Opens the NPU number `id`, 0 if not given, through the installed CANN. Throws DeviceUnavailableError. */
export function openNpu(id?: number, options: OpenNpuOptions = {}): NpuBackend {
  const device = `npu:${id ?? 0}`
  const cann = openOnly(findCann({ device }), device)
  const name = isEmulatorVersion(cann.version) ? emulatorName(id) : device
  return new NpuBackend(cann, { ...options, device: name, id: id ?? 0 })
}

/** How many NPUs the installed CANN sees. Throws DeviceUnavailableError for none. */
export function countNpus(): number {
  return countIn(openOnly(findCann({ device: 'npu' }), 'npu'), 'npu')
}

function countIn(cann: Cann, device: string): number {
  initialise(cann)
  try {
    const count = countDevices(cann)
    if (count > 0) return count
    throw new DeviceUnavailableError(device, 'this machine has none', { hint: noDeviceHint })
  } finally {
    finalise(cann)
  }
}

/** Where kernels/emulator/build.mjs puts it: beside `src` and `dist` alike. */
export const emulatorRoot = fileURLToPath(
  new URL('../../../kernels/emulator/build/root', import.meta.url),
)

/** Whether all of it is there: a build that was interrupted leaves a part. */
export const isEmulatorBuilt = (): boolean => existsSync(join(emulatorRoot, 'lib64/libopapi.so'))

/** In a checkout, and where this package is installed as a dependency. */
export const buildCommand = emulatorRoot.includes('/node_modules/')
  ? 'npm explore roberta-ascend -- npm run build:emulator'
  : 'npm run build:emulator'

/** Finds the bundled emulator. Throws DeviceUnavailableError where it is not built. */
export function findEmulator(): CannInstallation {
  const device = 'emulator'
  if (!isEmulatorBuilt()) {
    const reason = `it is not built: there is no lib64/libopapi.so in ${emulatorRoot}`
    throw new DeviceUnavailableError(device, reason, {
      hint: `install cmake and a C++ compiler, then run \`${buildCommand}\``,
    })
  }
  return findCann({ device, environment: { ASCEND_HOME_PATH: emulatorRoot } })
}

/** Opens the device `id` of the bundled emulator, 0 if not given. Throws DeviceUnavailableError where it is not built. */
export function openEmulator(options: OpenNpuOptions = {}, id?: number): NpuBackend {
  const device = emulatorName(id)
  return new NpuBackend(openOnly(findEmulator(), device), { ...options, device, id: id ?? 0 })
}

/** How many devices the bundled emulator pretends to have. */
export function countEmulators(): number {
  return countIn(openOnly(findEmulator(), 'emulator'), 'emulator')
}

function emulatorName(id: number | undefined): string {
  return id === undefined ? 'emulator' : `emulator:${id}`
}
