/**
 * Device strings and the backends behind them. A new backend is one line in `backends`.
 */
import { DeviceUnavailableError, InvalidArgumentError, RobertaAscendError } from '../errors.ts'
import type { Backend } from '../ops/index.ts'
import { CpuBackend } from './cpu/cpu-backend.ts'
import { openEmulator, openNpu } from './npu/open-npu.ts'
import { ReferenceBackend } from './reference/reference-backend.ts'

export interface OpenOptions {
  /** How many threads compute, on `cpu` alone; all cores that this process may use if missing. */
  readonly threads?: number | undefined
}

/** How to open each device. */
const backends: Readonly<
  Record<string, (numbers: string | undefined, options: OpenOptions) => Backend>
> = {
  reference: () => new ReferenceBackend(),
  cpu: (_numbers, { threads }) => new CpuBackend({ threads }),
  npu: openNpus,
  emulator: () => openEmulator(),
}

/** `numbers` is what follows `npu:`. */
function openNpus(numbers = '0'): Backend {
  if (/^\d+$/.test(numbers)) return openNpu(Number(numbers))
  throw new DeviceUnavailableError(`npu:${numbers}`, 'several NPUs at once are not built yet', {
    hint: 'name one of them, for example npu:0',
  })
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
  options: OpenOptions = {},
): Promise<Backend> {
  if (device === 'auto') {
    const npu = await installedNpu()
    if (npu === undefined) return openBackend('cpu', options)
    if (options.threads === undefined) return npu
    await npu.close()
    return refuseThreads(npu.device)
  }
  const numbers = /^npu:(\d+(?:,\d+)*|all)$/.exec(device)?.[1]
  const kind = numbers === undefined ? device : 'npu'
  const open = Object.hasOwn(backends, kind) ? backends[kind] : undefined
  if (open === undefined) {
    throw new InvalidArgumentError('device', `there is no device '${device}'`, {
      hint: `use one of ${availableDevices.join(', ')}, auto`,
    })
  }
  if (options.threads !== undefined && kind !== 'cpu') refuseThreads(device)
  return open(numbers, options)
}

function refuseThreads(device: string): never {
  throw new InvalidArgumentError('threads', `${device} has no threads to set`, {
    hint: 'give it with device cpu only',
  })
}

/** The first NPU, where CANN is installed and sees one. An emulator in CANN's place is none. */
async function installedNpu(): Promise<Backend | undefined> {
  try {
    const npu = openNpu()
    if (npu.device !== 'emulator') return npu
    await npu.close()
  } catch (error) {
    if (!(error instanceof RobertaAscendError && error.kind === 'environment')) throw error
  }
  return undefined
}
