/**
 * What the file system says of the NPU and its driver: the PCI bus, the files of the driver and the
 * device files. Nothing of the driver is run or opened.
 *
 * That a device file may be opened is not certain from its mode alone: in a container the control
 * group decides too, and then the device itself says so (207006).
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { driverHint } from '../../../ffi/load-failure.ts'
import { type Check, ok, problem, warning } from './check.ts'

export interface DriverOptions {
  readonly environment: NodeJS.ProcessEnv
  /** Where the file system begins. */
  readonly root?: string
}

const halLibrary = 'libascend_hal.so'

/** Device files without which no NPU works, beside one for each NPU. */
const sharedFiles = ['davinci_manager', 'devmm_svm', 'hisi_hdc']

const list = (folder: string) => (existsSync(folder) ? readdirSync(folder) : [])
const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '')

/** PCI ids of the accelerators of Huawei (vendor 19e5, class 12); undefined where none can be seen. */
function accelerators(root: string): string[] | undefined {
  const bus = join(root, 'sys/bus/pci/devices')
  if (!existsSync(bus)) return undefined
  return list(bus)
    .map((slot) => join(bus, slot))
    .filter((slot) => read(join(slot, 'vendor')) === '0x19e5')
    .filter((slot) => read(join(slot, 'class')).startsWith('0x12'))
    .map((slot) => `19e5:${read(join(slot, 'device')).replace('0x', '')}`)
}

function examineFiles(driver: string, { environment, root = '/' }: DriverOptions): Check {
  const name = 'driver'
  const folder = join(root, driver)
  const version = /^Version=(\S+)/m.exec(read(join(folder, 'version.info')))?.[1] ?? null
  const places = [
    ...(environment.LD_LIBRARY_PATH ?? '').split(':').filter(isAbsolute),
    ...['lib64/driver', 'lib64/common', 'lib64'].map((below) => join(folder, below)),
  ]
  const hal =
    places.map((place) => join(place, halLibrary)).find((path) => existsSync(path)) ?? null
  const facts = { version, hal }
  if (version === null && hal === null) {
    const summary = `there is none in /${driver}, and no ${halLibrary} on LD_LIBRARY_PATH`
    return problem(name, summary, driverHint, facts)
  }
  if (hal === null) {
    return warning(name, `${version}, but no ${halLibrary} was found`, driverHint, facts)
  }
  return ok(name, `${version ?? 'of unknown version'}, ${hal}`, facts)
}

function isAccessible(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

function examineDeviceFiles(root: string): Check {
  const name = 'device files'
  const devices = list(join(root, 'dev'))
    .filter((file) => /^davinci\d+$/.test(file))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  const wanted = [...(devices.length === 0 ? ['davinci0'] : devices), ...sharedFiles]
  const missing = wanted.filter((file) => !existsSync(join(root, 'dev', file)))
  const denied = wanted.filter(
    (file) => !missing.includes(file) && !isAccessible(join(root, 'dev', file)),
  )
  const facts = { devices, missing, denied }
  const named = (files: readonly string[]) => files.map((file) => `/dev/${file}`).join(', ')
  if (missing.length > 0) {
    const options = wanted.map((file) => `--device /dev/${file}`).join(' ')
    const hint = `load the driver; in a container, pass the files: ${options}`
    return problem(name, `there is no ${named(missing)}`, hint, facts)
  }
  if (denied.length > 0) {
    const hint =
      'join the group HwHiAiUser (`sudo usermod -aG HwHiAiUser $USER`) and log in again; in a container, run as a user of that group'
    return problem(name, `no permission to read and write ${named(denied)}`, hint, facts)
  }
  return ok(name, named(wanted), facts)
}

/** Checks `pci`, `driver` and `device files`. */
export function examineDriver(options: DriverOptions): Check[] {
  const root = options.root ?? '/'
  const checks = [examineFiles('usr/local/Ascend/driver', options), examineDeviceFiles(root)]
  const found = accelerators(root)
  if (found === undefined) return checks
  const facts = { accelerators: found }
  if (found.length > 0) return [ok('pci', `NPUs: ${found.join(', ')}`, facts), ...checks]
  const summary = 'no accelerator of Huawei is on the PCI bus'
  const hint =
    "use the device 'cpu' or 'emulator'; if there is an NPU, pass it through to this system"
  // An NPU may be part of the processor; then its driver shows.
  const isNpuLikely = checks.some(({ status }) => status !== 'problem')
  return [(isNpuLikely ? warning : problem)('pci', summary, hint, facts), ...checks]
}
