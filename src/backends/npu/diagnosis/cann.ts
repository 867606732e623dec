/**
 * CANN as this process meets it: binding, installation, libraries, functions, devices. What runs here
 * may bring the process down, so `examination.ts` runs it in one of its own.
 */
import { basename } from 'node:path'
import type { Binding } from '../../../ffi/binding.ts'
import { LibraryLoadError } from '../../../ffi/binding.ts'
import { type CannInstallation, findCann } from '../../../ffi/find-cann.ts'
import { type CannFunctionName, functions, neededFunctions } from '../../../ffi/functions.ts'
import { loadBinding } from '../../../ffi/load-binding.ts'
import { explainLoadFailure } from '../../../ffi/load-failure.ts'
import { type Cann, missingFunctionHint, openCann } from '../../../ffi/open-cann.ts'
import { countDevices, finalise, initialise, noDeviceHint } from '../initialisation.ts'
import { findEmulator, isEmulatorVersion } from '../open-npu.ts'
import { type Check, ok, problem, problemOf, warning } from './check.ts'
import { examineDevice } from './device.ts'

export interface Target {
  readonly device: 'npu' | 'emulator'
  /** Which of its devices; all if undefined. */
  readonly ids?: readonly number[]
}

export interface Reporter {
  /** Says what is examined next, which is at fault if nothing is heard any more. */
  begin(name: string): void
  /** A later check of the same name replaces the earlier one. */
  report(check: Check): void
}

/** The checks of this file in their order, but one for each device. */
export const cannChecks = ['binding', 'cann', 'libraries', 'functions', 'devices'] as const

/** Examines CANN step by step, as far as each step allows the next. */
export async function examineCann(target: Target, reporter: Reporter): Promise<void> {
  const { device } = target
  async function attempt<T>(name: string, examine: () => T | Promise<T>): Promise<T | undefined> {
    reporter.begin(name)
    try {
      return await examine()
    } catch (error) {
      reporter.report(problemOf(name, error))
      return undefined
    }
  }

  const binding = await attempt('binding', () => {
    const loaded = loadBinding()
    const { name, version } = loaded
    reporter.report(ok('binding', `${name} ${version}`, { name, version }))
    return loaded
  })
  const installation = await attempt('cann', () => {
    const found = device === 'emulator' ? findEmulator() : findCann({ device })
    reporter.report(installationCheck(device, found, found.version))
    return found
  })
  if (binding === undefined || installation === undefined) return

  const cann = await attempt('libraries', () => {
    const check = examineLibraries(device, installation, binding)
    const opened = openCann(installation, { device, binding })
    reporter.report(installationCheck(device, installation, opened.version))
    reporter.report(check)
    return opened
  })
  if (cann === undefined) return

  await attempt('functions', () => reporter.report(examineFunctions(cann)))
  await attempt('devices', async () => {
    initialise(cann)
    try {
      const count = countDevices(cann)
      reporter.report(
        count === 0
          ? problem('devices', 'CANN sees none', noDeviceHint, { count })
          : ok('devices', String(count), { count }),
      )
      for (const id of target.ids ?? Array(count).keys()) {
        const name = `device ${id}`
        await attempt(name, async () => reporter.report(await examineDevice(name, cann, id)))
      }
      reporter.begin('devices')
    } finally {
      finalise(cann)
    }
  })
}

function installationCheck(
  device: Target['device'],
  { root, foundBy }: CannInstallation,
  version: string | undefined,
): Check {
  const isBundled = device === 'emulator'
  const facts = {
    version: version ?? null,
    emulator: isBundled || isEmulatorVersion(version),
    root,
    foundBy: isBundled ? 'bundled' : foundBy,
  }
  const how = { bundled: 'bundled', 'usual place': 'in its usual place' }[facts.foundBy as string]
  const summary = `${version ?? 'of unknown version'}, in ${root}, ${how ?? `found by ${foundBy}`}`
  return ok('cann', summary, facts)
}

/** Opens each library by itself. Those that are needed fail again in `openCann`, which throws. */
function examineLibraries(device: string, installation: CannInstallation, binding: Binding): Check {
  const files = Object.values(installation.libraries).flat()
  const failures = files.flatMap((path) => {
    try {
      binding.open(path)
      return []
    } catch (error) {
      if (!(error instanceof LibraryLoadError)) throw error
      return [explainLoadFailure(device, installation, error)]
    }
  })
  const facts = { files, failures: failures.map(({ reason }) => reason) }
  const [first] = failures
  return first === undefined
    ? ok('libraries', files.map((path) => basename(path)).join(', '), facts)
    : warning('libraries', first.reason, first.hint ?? '', facts)
}

function examineFunctions(cann: Cann): Check {
  const names = Object.values(functions).flatMap((rows) => Object.keys(rows)) as CannFunctionName[]
  const absent = names.filter((name) => !has(cann, name))
  const missing = absent.filter((name) => neededFunctions.has(name))
  const optional = absent.filter((name) => !neededFunctions.has(name))
  const facts = { count: names.length, missing, missingButNotNeeded: optional }
  if (missing.length > 0) {
    const summary = `missing of ${names.length}: ${shorten(missing)}`
    return problem('functions', summary, missingFunctionHint, facts)
  }
  return ok(
    'functions',
    optional.length === 0
      ? `all ${names.length}`
      : `all that are needed; not there of ${names.length}: ${shorten(optional)}`,
    facts,
  )
}

/** A library that does not load has no function, and has been reported. */
function has(cann: Cann, name: CannFunctionName): boolean {
  try {
    return cann.has(name)
  } catch {
    return false
  }
}

function shorten(names: readonly string[]): string {
  const most = 4
  const rest = names.length - most
  return names.slice(0, most).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
