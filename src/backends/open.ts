/**
 * Device strings and the backends behind them. A new backend is one line in `backends`.
 */
import { DeviceUnavailableError, InvalidArgumentError, RobertaAscendError } from '../errors.ts'
import type { Backend } from '../ops/index.ts'
import { CpuBackend, type CpuBackendOptions } from './cpu/cpu-backend.ts'
import { type OpenNpuOptions, openEmulator, openNpu } from './npu/open-npu.ts'
import { ReferenceBackend } from './reference/reference-backend.ts'

/** Choices that only some devices have; it is an error to make one where it means nothing. */
export type DeviceOptions = OpenNpuOptions & Pick<CpuBackendOptions, 'threads'>

/** The devices that each choice means something to. */
const devicesOf: Readonly<Record<keyof DeviceOptions, readonly string[]>> = {
  threads: ['cpu'],
  cubeMathType: ['npu', 'emulator'],
  aclnn: ['npu', 'emulator'],
  plans: ['npu', 'emulator'],
  planMemory: ['npu', 'emulator'],
  graphs: ['npu', 'emulator'],
}

/** What follows `npu:`, and the choices made. */
type Open = (options: DeviceOptions, numbers?: string) => Backend

/** How to open each device. */
const backends: Readonly<Record<string, Open>> = {
  reference: () => new ReferenceBackend(),
  cpu: (options) => new CpuBackend(options),
  npu: openNpus,
  emulator: openEmulator,
}

function openNpus(options: DeviceOptions, numbers = '0'): Backend {
  if (/^\d+$/.test(numbers)) return openNpu(Number(numbers), options)
  throw new DeviceUnavailableError(`npu:${numbers}`, 'several NPUs at once are not built yet', {
    hint: 'name one of them, for example npu:0',
  })
}

/** `npu:1` is of the kind `npu`. */
function kindOf(device: string): string {
  return device.replace(/:.*/, '')
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

/** The devices there are. */
export const availableDevices = Object.keys(backends)

/** Where work goes if nobody says otherwise: the best device there is. */
export const defaultDevice = 'auto'

/**
 * Opens a device: `reference`, `cpu`, `npu`, `npu:1`, `npu:0,1`, `npu:all`, `emulator`, or `auto`.
 * Throws `InvalidArgumentError` for a string that names no device, or an option that is not for it, and
 * `DeviceUnavailableError` for a device that cannot be had. Never opens another device than the one
 * asked for.
 */
export async function openBackend(
  device: string = defaultDevice,
  options: DeviceOptions = {},
): Promise<Backend> {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(devicesOf, name))
  if (unknown !== undefined) {
    throw new InvalidArgumentError(unknown, 'there is no such option', {
      hint: `options of devices are ${Object.keys(devicesOf).join(', ')}`,
    })
  }
  if (device === 'auto') return openBest(options)
  const numbers = /^npu:(\d+(?:,\d+)*|all)$/.exec(device)?.[1]
  const kind = numbers === undefined ? device : 'npu'
  const open = Object.hasOwn(backends, kind) ? backends[kind] : undefined
  if (open === undefined) {
    throw new InvalidArgumentError('device', `there is no device '${device}'`, {
      hint: `use one of ${availableDevices.join(', ')}, auto`,
    })
  }
  checkOptions(kind, options)
  return open(options, numbers)
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
    if (npu.device !== 'emulator') return npu
    await npu.close()
  } catch (error) {
    if (!(error instanceof RobertaAscendError && error.kind === 'environment')) throw error
  }
  return undefined
}
