/**
 * An opened CANN: its functions, ready to call.
 *
 * Functions are looked up when first used, so a function that an older CANN lacks costs nothing until
 * somebody needs it, and then its absence is an error that names it. Nothing is initialised here;
 * that, and all order of calls, is the backend's.
 */
import { DeviceUnavailableError } from '../errors.ts'
import type { CheckedCall } from './ascend-error.ts'
import { createCheckedCall } from './ascend-error.ts'
import type { Binding, BindingName, NativeFunction, NativeLibrary } from './binding.ts'
import { LibraryLoadError } from './binding.ts'
import type { CannInstallation } from './find-cann.ts'
import type { CannFunctionName, CannLibrary, CannSignature } from './functions.ts'
import { functions } from './functions.ts'
import { loadBinding } from './load-binding.ts'
import { explainLoadFailure } from './load-failure.ts'
import { type CallWatcher, now } from './native-calls.ts'
import type { Arguments, Result, Signature } from './signature.ts'

export type CannFunctions = {
  readonly [K in CannFunctionName]: NativeFunction<CannSignature<K>>
}

export interface Cann {
  readonly installation: CannInstallation
  readonly binding: BindingName
  /** As the installation's files say, or else as the library says. */
  readonly version: string | undefined
  /** Reading a function that the libraries do not have throws DeviceUnavailableError. */
  readonly functions: CannFunctions
  has(name: CannFunctionName): boolean
  /** Calls a function that returns a status; throws AscendError. */
  readonly call: CheckedCall
  /** Of memory of the host; see `Binding.view`. */
  readonly view: Binding['view']
  /** Told of every call of `functions` while it is set; of calls on other threads by those who make them. */
  callWatcher: CallWatcher | undefined
}

export interface OpenCannOptions {
  /** The device to name in errors; `npu` if not given. */
  readonly device?: string
  readonly binding?: Binding
}

export const missingFunctionHint = 'install CANN 8.1 or newer, complete and of one version'

/** aclCANNPackageVersion begins with the version, 128 characters, and has 512 bytes in all. */
function askVersion(ask: NativeFunction<CannSignature<'aclsysGetCANNVersion'>>) {
  const struct = Buffer.alloc(512)
  const wholeCann = 0 // ACL_PKG_NAME_CANN
  if (ask(wholeCann, struct) !== 0) return undefined
  const text = struct.toString('latin1', 0, 128)
  return text.slice(0, text.indexOf('\0')) || undefined
}

/** Opens the libraries of an installation. Throws DeviceUnavailableError where they do not load. */
export function openCann(
  installation: CannInstallation,
  { device = 'npu', binding = loadBinding() }: OpenCannOptions = {},
): Cann {
  const opened = new Map<string, NativeLibrary>()
  function open(path: string): NativeLibrary {
    const known = opened.get(path)
    if (known !== undefined) return known
    try {
      const library = binding.open(path)
      opened.set(path, library)
      return library
    } catch (error) {
      if (!(error instanceof LibraryLoadError)) throw error
      throw explainLoadFailure(device, installation, error)
    }
  }
  // The further libraries of a group are opened only for a function that the first one lacks, and the
  // profiler for those who ask for it.
  const { msprofiler: _, ...needed } = installation.libraries
  for (const [first] of Object.values(needed)) {
    if (first !== undefined) open(first)
  }

  function find<S extends Signature>(library: CannLibrary, name: string, signature: S) {
    for (const path of installation.libraries[library]) {
      const fn = open(path).find(name, signature)
      if (fn !== undefined) return fn
    }
    return undefined
  }
  function versionFromLibrary(): string | undefined {
    const ask = find('ascendcl', 'aclsysGetCANNVersion', functions.ascendcl.aclsysGetCANNVersion)
    return ask === undefined ? undefined : askVersion(ask)
  }
  const version = installation.version ?? versionFromLibrary()

  /** The function, which tells `callWatcher`. */
  function watched<S extends Signature>(fn: NativeFunction<S>): NativeFunction<S> {
    const { async, library, symbol, signature } = fn
    const call = (...args: Arguments<S>): Result<S> => {
      const { callWatcher } = cann
      if (callWatcher === undefined) return fn(...args)
      const begin = now()
      const result = fn(...args)
      callWatcher({ symbol, isBeside: false, begin, end: now() })
      return result
    }
    return Object.assign(call, { async, library, symbol, signature })
  }

  const bound = {}
  const lookups = new Map<string, () => NativeFunction | undefined>()
  for (const [library, rows] of Object.entries(functions) as [CannLibrary, object][]) {
    for (const [name, signature] of Object.entries(rows) as [string, Signature][]) {
      const lookup = () => find(library, name, signature)
      lookups.set(name, lookup)
      const get = () => {
        const fn = lookup()
        if (fn === undefined) {
          const files = installation.libraries[library].join(' or ')
          const ofVersion = version === undefined ? '' : ` of CANN ${version}`
          throw new DeviceUnavailableError(device, `there is no ${name} in ${files}${ofVersion}`, {
            hint: missingFunctionHint,
          })
        }
        const value = watched(fn)
        // From now on a plain property, so that the next use costs nothing.
        Object.defineProperty(bound, name, { value, enumerable: true })
        return value
      }
      Object.defineProperty(bound, name, { get, enumerable: true, configurable: true })
    }
  }
  const all = bound as CannFunctions

  const cann: Cann = {
    installation,
    binding: binding.name,
    version,
    functions: all,
    has: (name) => lookups.get(name)?.() !== undefined,
    call: createCheckedCall(() => all.aclGetRecentErrMsg()),
    view: binding.view,
    callWatcher: undefined,
  }
  return cann
}
