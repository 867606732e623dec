/**
 * Where CANN is installed: which library files to open, and which version they are.
 *
 * Only the file system is looked at; `open-cann.ts` opens what is found here. The places, in this
 * order: ASCEND_HOME_PATH, ASCEND_TOOLKIT_HOME (both set by CANN's set_env.sh), the loader path
 * LD_LIBRARY_PATH, then the usual places of an installation. The first place that is named or that
 * has the runtime decides; a variable that leads nowhere is an error, never a reason to look further.
 *
 * Two layouts are known. Up to 8.3, `ascend-toolkit/latest` has libascendcl.so and the umbrella
 * libopapi.so. From 8.5, `cann` has the runtime in libacl_rt.so, with libascendcl.so as an optional
 * shim over it, and the operators split into libopapi_nn.so, libopapi_math.so and more. The umbrella
 * and the split libraries must not be mixed, so the split ones win where they are.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { DeviceUnavailableError } from '../errors.ts'
import type { CannLibrary } from './functions.ts'

export interface CannInstallation {
  readonly foundBy: 'ASCEND_HOME_PATH' | 'ASCEND_TOOLKIT_HOME' | 'LD_LIBRARY_PATH' | 'usual place'
  /** The folder with `lib64`, `opp` and the version files. */
  readonly root: string
  /** The folders in which its libraries were looked for. */
  readonly directories: readonly string[]
  /** The files that may have a function of each library, in the order in which to ask them. */
  readonly libraries: Readonly<Record<CannLibrary, readonly string[]>>
  /** For example `8.5.0` or `8.1.RC1`; undefined where no file of the installation says it. */
  readonly version: string | undefined
}

export interface FindCannOptions {
  /** The device to name in errors; `npu` if not given. */
  readonly device?: string
  readonly environment?: NodeJS.ProcessEnv
  /** Folders in which CANN is installed by default. */
  readonly usualPlaces?: readonly string[]
}

const architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64'

const runtimeFiles = ['libascendcl.so', 'libacl_rt.so']
const splitOperatorFiles = ['libopapi_nn.so', 'libopapi_math.so', 'libopapi_transformer.so']

function libraryDirectories(root: string): string[] {
  return [
    join(root, 'lib64'),
    join(root, `${architecture}-linux`, 'lib64'),
    join(root, 'opp/built-in/op_impl/ai_core/tbe/op_api/lib/linux', architecture),
  ]
}

function findFile(file: string, directories: readonly string[]): string | undefined {
  return directories.map((directory) => join(directory, file)).find((path) => existsSync(path))
}

function hasRuntime(directories: readonly string[]): boolean {
  return runtimeFiles.some((file) => findFile(file, directories) !== undefined)
}

/** The folders of a name like `8.3.RC1` or `cann-8.5.0` in `folder`, newest first. */
function versionedFolders(folder: string, pattern: RegExp): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((name) => join(folder, name))
}

/** The possible roots in a folder such as /usr/local/Ascend, most wanted first. */
function rootsIn(place: string): string[] {
  const toolkit = join(place, 'ascend-toolkit')
  return [
    join(place, 'cann'),
    join(toolkit, 'latest'),
    ...versionedFolders(place, /^cann-\d+\.\d/),
    ...versionedFolders(toolkit, /^\d+\.\d/),
  ]
}

const versionPatterns = [
  /^version=(\S+)/m, // ascend_toolkit_install.info
  /^\w+_running_version=\[[^:\]]*:([^\]]+)\]/m, // version.cfg
  /^version_dir=(\S+)/m, // version.info
  /^Version=(\S+)/m, // version.info; the component's own number
]

function readVersion(root: string): string | undefined {
  const files = [
    `${architecture}-linux/ascend_toolkit_install.info`,
    'version.cfg',
    'version.info',
    'toolkit/version.info',
    'runtime/version.info',
    'share/info/runtime/version.info',
  ].map((file) => join(root, file))
  for (const text of files.filter((file) => existsSync(file)).map((f) => readFileSync(f, 'utf8'))) {
    for (const pattern of versionPatterns) {
      const version = pattern.exec(text)?.[1]
      if (version !== undefined) return version
    }
  }
  return undefined
}

/** The root that a folder of the loader path belongs to: `root/lib64` or `root/<arch>-linux/lib64`. */
function rootOfLibraryDirectory(directory: string): string {
  const parent = dirname(directory)
  return basename(parent).endsWith('-linux') ? dirname(parent) : parent
}

type Place = Pick<CannInstallation, 'foundBy' | 'root' | 'directories'>

function locate(options: Required<FindCannOptions>): Place {
  const { device, environment, usualPlaces } = options
  for (const foundBy of ['ASCEND_HOME_PATH', 'ASCEND_TOOLKIT_HOME'] as const) {
    const root = environment[foundBy]
    if (!root) continue
    const directories = libraryDirectories(root)
    if (hasRuntime(directories)) {
      return { foundBy, root, directories }
    }
    throw new DeviceUnavailableError(
      device,
      `${foundBy} is '${root}', but neither ${runtimeFiles.join(' nor ')} is in its lib64`,
      { hint: `source the set_env.sh of the CANN installation, or unset ${foundBy}` },
    )
  }
  const loaderPath = (environment.LD_LIBRARY_PATH ?? '').split(':').filter(isAbsolute)
  const onLoaderPath = loaderPath.find((directory) => hasRuntime([directory]))
  if (onLoaderPath !== undefined) {
    const root = rootOfLibraryDirectory(onLoaderPath)
    return { foundBy: 'LD_LIBRARY_PATH', root, directories: loaderPath }
  }
  for (const root of usualPlaces.flatMap(rootsIn)) {
    const directories = libraryDirectories(root)
    if (hasRuntime(directories)) {
      return { foundBy: 'usual place', root, directories }
    }
  }
  throw new DeviceUnavailableError(
    device,
    `CANN is not installed: ASCEND_HOME_PATH is not set, and neither ${runtimeFiles.join(' nor ')} is on LD_LIBRARY_PATH or under ${usualPlaces.join(' or ')}`,
    {
      hint: "install the CANN toolkit and the operator package of the chip, or choose the device 'cpu' or 'emulator'",
    },
  )
}

/** Link stubs resolve every symbol and do nothing; CANN keeps them in folders named so. */
function isLinkStub(path: string): boolean {
  return [path, realpathSync(path)].some((name) => /\/(devlib|stub)\//.test(name))
}

/** Finds CANN. Throws DeviceUnavailableError where there is none, or only a part or a stub of it. */
export function findCann({
  device = 'npu',
  environment = process.env,
  usualPlaces = [
    '/usr/local/Ascend',
    ...(environment.HOME ? [join(environment.HOME, 'Ascend')] : []),
  ],
}: FindCannOptions = {}): CannInstallation {
  const { foundBy, root, directories } = locate({ device, environment, usualPlaces })
  const present = (files: readonly string[]) =>
    files.map((file) => findFile(file, directories)).filter((path) => path !== undefined)
  const split = present(splitOperatorFiles)
  const libraries = {
    ascendcl: present(runtimeFiles),
    nnopbase: present(['libnnopbase.so']),
    opapi: split[0]?.endsWith('libopapi_nn.so') ? split : present(['libopapi.so']),
    msprofiler: present(['libmsprofiler.so']),
  }
  const stub = Object.values(libraries).flat().find(isLinkStub)
  if (stub !== undefined) {
    throw new DeviceUnavailableError(device, `${stub} is a link stub, not the real library`, {
      hint:
        foundBy === 'LD_LIBRARY_PATH'
          ? 'take the devlib and stub folders out of LD_LIBRARY_PATH'
          : 'reinstall the CANN toolkit, whose lib64 must hold real libraries',
    })
  }
  if (libraries.nnopbase.length === 0 || libraries.opapi.length === 0) {
    const missing =
      libraries.nnopbase.length === 0 ? 'libnnopbase.so' : 'libopapi_nn.so or libopapi.so'
    throw new DeviceUnavailableError(
      device,
      `the CANN installation in ${root} is incomplete: there is no ${missing}`,
      { hint: 'install the CANN toolkit and the operator package of the chip' },
    )
  }
  return { foundBy, root, directories, libraries, version: readVersion(root) }
}
