/**
 * Initialising AscendCL once for all its users in this process, opening a device, and finalising after
 * the last one. Every `initialise` that returned wants one `finalise`.
 */
import { DeviceUnavailableError } from '../../errors.ts'
import type { Cann } from '../../ffi/open-cann.ts'
import { alreadyInitialised } from './constants.ts'

/** Users of each library, and whether it was this module that initialised it. */
const users = new Map<string, { count: number; isOurs: boolean }>()

export function initialise({ call, functions, installation }: Cann): void {
  const known = users.get(installation.root)
  if (known !== undefined) {
    known.count += 1
    return
  }
  const code = call(functions.aclInit, [null], { harmless: [alreadyInitialised] })
  users.set(installation.root, { count: 1, isOurs: code === 0 })
}

/** The last one out turns off the light, unless somebody else turned it on. */
export function finalise({ call, functions, installation }: Cann): void {
  const known = users.get(installation.root)
  if (known === undefined) return
  known.count -= 1
  if (known.count > 0) return
  users.delete(installation.root)
  if (known.isOurs) call(functions.aclFinalize, [])
}

export const noDeviceHint =
  '`npu-smi info` lists the devices; ASCEND_RT_VISIBLE_DEVICES may hide some'

/** How many devices AscendCL sees. It has to be initialised. */
export function countDevices({ call, functions }: Cann): number {
  const count = new Uint32Array(1)
  call(functions.aclrtGetDeviceCount, [count])
  return count[0]!
}

/**
 * Initialises, sets device `id` in this thread and makes a stream on it. Throws DeviceUnavailableError
 * for a device that is not there, and AscendError; nothing stays behind then.
 */
export function openDevice(
  cann: Cann,
  device: string,
  id: number,
): { readonly context: bigint; readonly stream: bigint } {
  const { call, functions } = cann
  const handle = new BigUint64Array(1)
  initialise(cann)
  let isSet = false
  try {
    const count = countDevices(cann)
    if (id >= count) {
      const there = count === 0 ? 'no device' : `${count}, counted from 0`
      throw new DeviceUnavailableError(device, `this machine has ${there}`, { hint: noDeviceHint })
    }
    call(functions.aclrtSetDevice, [id])
    isSet = true
    call(functions.aclrtGetCurrentContext, [handle])
    const context = handle[0]!
    call(functions.aclrtCreateStream, [handle])
    return { context, stream: handle[0]! }
  } catch (error) {
    if (isSet) functions.aclrtResetDevice(id)
    finalise(cann)
    throw error
  }
}
