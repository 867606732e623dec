/**
 * CANN's own profiler (aclprof…, libmsprofiler.so) around what a device does. It has no other user in
 * this process, and its results are for CANN's tools (`msprof --export=on --output=DIR`).
 */
import { DeviceUnavailableError } from '../../errors.ts'
import { AscendError } from '../../ffi/ascend-error.ts'
import type { Cann } from '../../ffi/open-cann.ts'
import { profiledData, profiledMetrics } from './constants.ts'
import { noHandle } from './descriptors.ts'

/** ACL_ERROR_PROFILING_FAILURE, for a configuration that is NULL without a code. */
const profilingFailure = 500005

/**
 * Starts to profile device `id`. Returns what stops it: that does all it can and returns what went wrong.
 * Throws DeviceUnavailableError where the library is missing, and AscendError; nothing runs then.
 */
export function startProfiler(
  { call, functions, installation }: Cann,
  device: string,
  id: number,
  directory: string,
): () => readonly unknown[] {
  if (installation.libraries.msprofiler.length === 0) {
    const reason = `there is no libmsprofiler.so, CANN's profiler, in ${installation.root}`
    throw new DeviceUnavailableError(device, reason, {
      hint: 'install the whole CANN toolkit, or leave its profiler out',
    })
  }
  const undo: (() => void)[] = []
  const stop = () =>
    undo.splice(0).flatMap((step) => {
      try {
        step()
        return []
      } catch (error) {
        return [error]
      }
    })
  try {
    call(functions.aclprofInit, [directory, BigInt(Buffer.byteLength(directory))])
    undo.unshift(() => call(functions.aclprofFinalize, []))
    const { aclprofCreateConfig } = functions
    const devices = Uint32Array.of(id)
    const config = aclprofCreateConfig(devices, 1, profiledMetrics, noHandle, profiledData)
    if (config === noHandle) {
      const message = functions.aclGetRecentErrMsg()
      throw new AscendError(aclprofCreateConfig.symbol, profilingFailure, undefined, message)
    }
    undo.unshift(() => call(functions.aclprofDestroyConfig, [config]))
    call(functions.aclprofStart, [config])
    undo.unshift(() => call(functions.aclprofStop, [config]))
  } catch (error) {
    stop()
    throw error
  }
  return stop
}
