/**
 * Device strings and the backends behind them. A new backend is one line in `backends`.
 */
import { DeviceUnavailableError, InvalidArgumentError } from '../errors.ts'
import type { Backend } from '../ops/index.ts'
import { ReferenceBackend } from './reference/reference-backend.ts'

/** How to open each device, or why this version cannot. */
const backends: Readonly<Record<string, (() => Backend) | string>> = {
  reference: () => new ReferenceBackend(),
  cpu: 'the fast CPU backend is not built yet',
  npu: 'the Ascend NPU backend is not built yet',
  emulator: 'the Ascend emulator is not built yet',
}

/** The devices that this version can open. */
export const availableDevices = Object.keys(backends).filter(
  (device) => typeof backends[device] !== 'string',
)

/** Where work goes if nobody says otherwise: the best device there is. */
export const defaultDevice = 'auto'

/**
 * Opens a device: `reference`, `cpu`, `npu`, `npu:1`, `npu:0,1`, `npu:all`, `emulator`, or `auto`.
 * Throws `InvalidArgumentError` for a string that names no device and `DeviceUnavailableError` for a
 * device that cannot be had. Never opens another device than the one asked for.
 */
export async function openBackend(device: string = defaultDevice): Promise<Backend> {
  if (device === 'auto') return openBackend('reference')
  const kind = /^npu:(\d+(,\d+)*|all)$/.test(device) ? 'npu' : device
  const open = Object.hasOwn(backends, kind) ? backends[kind] : undefined
  if (open === undefined) {
    throw new InvalidArgumentError('device', `there is no device '${device}'`, {
      hint: `use one of ${availableDevices.join(', ')}, auto`,
    })
  }
  if (typeof open === 'string') {
    throw new DeviceUnavailableError(device, open, {
      hint: `use one of ${availableDevices.join(', ')}, auto`,
    })
  }
  return open()
}
