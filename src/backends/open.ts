/**
 * Device strings and the backends behind them. A new backend is one line in `kinds`.
 */
import { InvalidArgumentError, RobertaAscendError } from '../errors.ts'
import type { Backend } from '../ops/index.ts'
import { CpuBackend, type CpuBackendOptions } from './cpu/cpu-backend.ts'
import { checkOneDevice, isEmulator, kindOf, parseDevice } from './device-name.ts'
import {
  countEmulators,
  countNpus,
  type OpenNpuOptions,
  openEmulator,
  openNpu,
} from './npu/open-npu.ts'
import { ReferenceBackend } from './reference/reference-backend.ts'

/** Choices that only some devices have; it is an error to make one where it means nothing. */
export type DeviceOptions = OpenNpuOptions & Pick<CpuBackendOptions, 'threads' | 'overlap'>

/** The devices that each choice means something to. */
const devicesOf: Readonly<Record<keyof DeviceOptions, readonly string[]>> = {
  threads: ['cpu'],
  cubeMathType: ['npu', 'emulator'],
  aclnn: ['npu', 'emulator'],
  plans: ['npu', 'emulator'],
  planMemory: ['npu', 'emulator'],
  graphs: ['npu', 'emulator'],
  overlap: ['cpu', 'npu', 'emulator'],
}

/** A kind of device. */
interface Kind {
  /** Opens the device number `id` of this kind, or the one that has no number. */
  open(options: DeviceOptions, id?: number): Backend
  /** How many there are; missing where devices of this kind have no numbers. */
  count?(): number
}

const kinds: Readonly<Record<string, Kind>> = {
  reference: { open: () => new ReferenceBackend() },
  cpu: { open: (options) => new CpuBackend(options) },
  npu: { open: (options, id) => openNpu(id, options), count: countNpus },
  emulator: { open: openEmulator, count: countEmulators },
}

/** The choices that were made among other options. */
export function choicesAmong(options: DeviceOptions): DeviceOptions {
  const names = Object.keys(devicesOf) as (keyof DeviceOptions)[]
  const made = names.filter((name) => options[name] !== undefined)
  return Object.fromEntries(made.map((name) => [name, options[name]]))
}

/** Throws `InvalidArgumentError` for a choice that `kind` does not have. */
function checkOptions(kind: string, options: DeviceOptions): void {
  for (const [name, devices] of Object.entries(devicesOf)) {
    if (options[name as keyof DeviceOptions] === undefined || devices.includes(kind)) continue
    throw new InvalidArgumentError(name, `means nothing to the device '${kind}'`, {
      hint: `leave it out, or use the device ${devices.join(' or ')}`,
    })
  }
}

/**
 * Those of `options` that mean something to `device`, for who opens several devices. What `auto` is
 * shows when it is opened.
 */
export function optionsFor(device: string, options: DeviceOptions): DeviceOptions {
  if (device === 'auto') return options
  return Object.fromEntries(
    Object.entries(options).filter(([name]) =>
      devicesOf[name as keyof DeviceOptions]?.includes(kindOf(device)),
    ),
  )
}

/**
 * For each of several devices those of `options` that mean something to it. Throws
 * `InvalidArgumentError` for a choice that none of them has.
 */
export function optionsForEach(
  devices: readonly string[],
  options: DeviceOptions,
): DeviceOptions[] {
  const each = devices.map((device) => optionsFor(device, options))
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || each.some((some) => Object.hasOwn(some, name))) continue
    throw new InvalidArgumentError(name, `means nothing to ${devices.join(', ')}`, {
      hint: 'leave it out, or add a device that has it',
    })
  }
  return each
}

/** The kinds of devices there are. */
export const availableDevices = Object.keys(kinds)

/** Where work goes if nobody says otherwise: the best device there is. */
export const defaultDevice = 'auto'

/**
 * Opens a device: `reference`, `cpu`, `npu`, `npu:1`, `emulator`, `emulator:1` or `auto`. Throws
 * `InvalidArgumentError` for a string that names no device or several, or an option that is not for it, and
 * `DeviceUnavailableError` for a device that cannot be had. Never opens another device than the one
 * asked for.
 */
export async function openBackend(
  device: string = defaultDevice,
  options: DeviceOptions = {},
): Promise<Backend> {
  checkOneDevice(device)
  const [backend] = await openBackends(device, options)
  return backend!
}

/**
 * Opens the devices of a string in their order: `npu:0,1`, `npu:all`, `emulator:0,1`, `emulator:all`, or any
 * of `openBackend`'s. Throws as that does; none stays open then.
 */
export async function openBackends(
  device: string = defaultDevice,
  options: DeviceOptions = {},
): Promise<Backend[]> {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(devicesOf, name))
  if (unknown !== undefined) {
    throw new InvalidArgumentError(unknown, 'there is no such option', {
      hint: `options of devices are ${Object.keys(devicesOf).join(', ')}`,
    })
  }
  if (device === 'auto') return [await openBest(options)]
  const { kind, numbers } = parseDevice(device)
  const { open, count } = (Object.hasOwn(kinds, kind) && kinds[kind]) || {}
  if (open === undefined || (numbers !== undefined && count === undefined)) {
    throw new InvalidArgumentError('device', `there is no device '${device}'`, {
      hint: `use one of ${availableDevices.join(', ')}, auto`,
    })
  }
  checkOptions(kind, options)
  const ids = numbers === 'all' ? Array(count!()).keys() : (numbers ?? [undefined])
  const opened: Backend[] = []
  try {
    for (const id of ids) opened.push(open(options, id))
  } catch (error) {
    await Promise.allSettled(opened.map((backend) => backend.close()))
    throw error
  }
  return opened
}

/** The first NPU, or else the CPU. */
async function openBest(options: DeviceOptions): Promise<Backend> {
  const npu = await installedNpu(optionsFor('npu', options))
  if (npu === undefined) return openBackend('cpu', options)
  try {
    checkOptions('npu', options)
  } catch (error) {
    await npu.close()
    throw error
  }
  return npu
}

/** The first NPU, where CANN is installed and sees one. An emulator in CANN's place is none. */
async function installedNpu(options: DeviceOptions): Promise<Backend | undefined> {
  try {
    const npu = openNpu(0, options)
    if (!isEmulator(npu.device)) return npu
    await npu.close()
  } catch (error) {
    if (!(error instanceof RobertaAscendError && error.kind === 'environment')) throw error
  }
  return undefined
}
