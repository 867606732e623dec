/**
 * What to do about a library of CANN that dlopen refused, read from the loader's words (glibc).
 *
 * Add a case by adding a row to `cases`; the first pattern that fits decides.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DeviceUnavailableError } from '../errors.ts'
import type { LibraryLoadError } from './binding.ts'
import type { CannInstallation } from './find-cann.ts'

export const driverHint =
  'install the driver; in a container, mount /usr/local/Ascend/driver with the device files; and put its lib64/driver into LD_LIBRARY_PATH before node starts'

interface Explanation {
  readonly reason: string
  readonly hint: string
}

/** The command that sets the loader path, as exactly as the installation allows. */
function setEnv({ root }: CannInstallation): string {
  const script = [root, dirname(root)]
    .map((folder) => join(folder, 'set_env.sh'))
    .find((path) => existsSync(path))
  return script === undefined ? "the installation's set_env.sh" : `\`source ${script}\``
}

function missingDependency(dependency: string, installation: CannInstallation): Explanation {
  // The driver brings these; CANN itself does not.
  if (/^lib(ascend_hal|drv|dcmi)/.test(dependency)) {
    return {
      reason: `the Ascend driver is not visible: ${dependency} is nowhere on the loader path`,
      hint: driverHint,
    }
  }
  if (installation.directories.some((directory) => existsSync(join(directory, dependency)))) {
    return {
      reason: `the environment of CANN is not set: ${dependency} is installed, but not on the loader path`,
      hint: `run ${setEnv(installation)} before node starts`,
    }
  }
  return {
    reason: `it needs ${dependency}, which is neither installed with CANN nor on the loader path`,
    hint: `run ${setEnv(installation)} before node starts, and if that does not help, reinstall CANN`,
  }
}

type Case = readonly [
  pattern: RegExp,
  explain: (found: string, installation: CannInstallation) => Explanation,
]

const cases: readonly Case[] = [
  [/^(\S+\.so[\w.]*): cannot open shared object file/, missingDependency],
  [
    /undefined symbol: (\S+?),?( |$)/,
    (symbol) => ({
      reason: `its libraries do not fit together: no library has ${symbol}`,
      hint: 'let LD_LIBRARY_PATH lead to one version of CANN only',
    }),
  ],
  [
    /version `(.+?)' not found/,
    (version) => ({
      reason: `it needs ${version}, and the libraries of this system are older`,
      hint: 'use a system that this version of CANN supports',
    }),
  ],
  [
    /(invalid ELF header|wrong ELF class|file too short|^cannot open shared object file)/,
    () => ({
      reason: `the file is damaged or not for ${process.arch}`,
      hint: 'reinstall CANN for this kind of machine',
    }),
  ],
]

export function explainLoadFailure(
  device: string,
  installation: CannInstallation,
  error: LibraryLoadError,
): DeviceUnavailableError {
  for (const [pattern, explain] of cases) {
    const found = pattern.exec(error.loaderMessage)?.[1]
    if (found === undefined) continue
    const { reason, hint } = explain(found, installation)
    const problem = `${error.path} cannot be loaded: ${reason}`
    return new DeviceUnavailableError(device, problem, { hint, cause: error })
  }
  return new DeviceUnavailableError(device, error.problem, {
    hint: `run ${setEnv(installation)} before node starts`,
    cause: error,
  })
}
