/**
 * What the return codes of AscendCL and aclnn mean, for those that a user of this package can meet.
 *
 * Codes and names are those of the CANN 8.5 headers; meanings and hints are ours. A code without a
 * row is described by its family, the leading digit. Add a code by adding a row.
 */
import type { ErrorKind } from '../errors.ts'

type Row = readonly [name: string, meaning: string, hint: string | undefined, kind?: ErrorKind]

// biome-ignore format: one line per code
export const errorCodes: Readonly<Record<number, Row>> = {
  100000: ['ACL_ERROR_INVALID_PARAM', 'bad argument', 'check pointers, sizes and enums'],
  100001: ['ACL_ERROR_UNINITIALIZE', 'not initialised', 'call aclInit or aclnnInit first'],
  100002: ['ACL_ERROR_REPEAT_INITIALIZE', 'already initialised', 'treat it as success and keep the finalise calls balanced'],
  100003: ['ACL_ERROR_INVALID_FILE', 'configuration file unreadable', 'pass NULL to aclInit or correct the path'],
  100037: ['ACL_ERROR_REPEAT_FINALIZE', 'finalised twice', 'ignore it at exit'],
  100039: ['ACL_ERROR_COMPILING_STUB_MODE', 'link stub loaded in place of the real library', 'take devlib and stub directories out of LD_LIBRARY_PATH', 'environment'],
  100042: ['ACL_ERROR_PROF_ALREADY_RUN', 'a profiler runs already', 'start the program without another profiler, such as msprof'],
  100043: ['ACL_ERROR_PROF_NOT_RUN', 'the profiler was not initialised', 'call aclprofInit first'],
  107000: ['ACL_ERROR_RT_PARAM_INVALID', 'the runtime rejected an argument', undefined],
  107001: ['ACL_ERROR_RT_INVALID_DEVICEID', 'no such device', 'compare the id with aclrtGetDeviceCount and ASCEND_RT_VISIBLE_DEVICES', 'environment'],
  107002: ['ACL_ERROR_RT_CONTEXT_NULL', 'no current context in this thread', 'call aclrtSetDevice in the thread that makes the call'],
  107003: ['ACL_ERROR_RT_STREAM_CONTEXT', 'the stream belongs to another context', 'use and destroy a stream under the context that made it'],
  107006: ['ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID', 'an event has no time stamp', 'record both events with the TIME_LINE flag and synchronise first'],
  107007: ['ACL_ERROR_RT_EVENT_TIMESTAMP_REVERSAL', 'time stamps of the events are reversed', 'swap start and end'],
  107008: ['ACL_ERROR_RT_ADDR_UNALIGNED', 'address not aligned', 'align device addresses to 64 bytes'],
  107017: ['ACL_ERROR_RT_INVALID_HANDLE', 'stale handle', 'look for a use after destroy'],
  107019: ['ACL_ERROR_RT_WAIT_TIMEOUT', 'wait timed out', 'retry or raise the timeout'],
  107020: ['ACL_ERROR_RT_TASK_TIMEOUT', 'task timed out', 'raise the timeout or split the work'],
  107021: ['ACL_ERROR_RT_SYSPARAMOPT_NOT_SET', 'context option never set', 'set it before reading it'],
  107026: ['ACL_ERROR_RT_MODEL_CAPTURED', 'the model is being captured', 'end the capture first'],
  107027: ['ACL_ERROR_RT_STREAM_CAPTURED', 'the stream is being captured', 'move synchronising and blocking copies out of the capture'],
  107030: ['ACL_ERROR_RT_CAPTURE_MODE_NOT_SUPPORT', 'call not allowed in this capture mode', 'allocate and copy before the capture, or use the relaxed mode'],
  107031: ['ACL_ERROR_RT_STREAM_CAPTURE_IMPLICIT', 'default stream used while capturing', 'capture on an explicitly created stream'],
  107037: ['ACL_ERROR_RT_MODEL_RUNNING', 'the graph is still running', 'synchronise before destroying it'],
  107038: ['ACL_ERROR_RT_STREAM_CAPTURE_WRONG_THREAD', 'capture ended on another thread', 'begin and end on one thread, or use the relaxed mode'],
  148049: ['ACL_ERROR_INVALID_OPP_PATH', 'ASCEND_OPP_PATH unset or wrong', 'run `source set_env.sh` of the CANN installation before node starts', 'environment'],
  161001: ['ACLNN_ERR_PARAM_NULLPTR', 'a parameter is NULL', 'look for a missing tensor, scalar or output, or a NULL workspace with a size above 0'],
  161002: ['ACLNN_ERR_PARAM_INVALID', 'a parameter is invalid', "check dtype, shape, rank, format and attributes against the operator's limits"],
  200000: ['ACL_ERROR_BAD_ALLOC', 'allocation failed', 'free memory or lower the batch size'],
  207000: ['ACL_ERROR_RT_FEATURE_NOT_SUPPORT', 'feature not supported', 'check that the driver is not older than CANN needs'],
  207001: ['ACL_ERROR_RT_MEMORY_ALLOCATION', 'out of memory', 'lower the batch size; `npu-smi info` shows what other processes hold'],
  207004: ['ACL_ERROR_RT_NO_DEVICE', 'no device available', 'check `npu-smi info` and, in a container, that the device files are mounted', 'environment'],
  207005: ['ACL_ERROR_RT_RESOURCE_ALLOC_FAIL', 'resource shortage', 'use fewer streams and contexts'],
  207006: ['ACL_ERROR_RT_NO_PERMISSION', 'no permission', 'join the group HwHiAiUser or give the container access to /dev/davinci*', 'environment'],
  207008: ['ACL_ERROR_RT_NO_STREAM_RESOURCE', 'no streams left', 'destroy unused ones; a device has 1984'],
  207018: ['ACL_ERROR_RT_DEVICE_OOM', 'device memory exhausted', 'lower the batch size or the sequence length'],
  361001: ['ACLNN_ERR_RUNTIME_ERROR', 'a runtime call inside the operator failed', 'look for the code 1070xx or 2070xx in the message'],
  500000: ['ACL_ERROR_INTERNAL_ERROR', 'unknown internal error', "read CANN's log (plog)"],
  500005: ['ACL_ERROR_PROFILING_FAILURE', 'the profiler failed', "read CANN's log (plog)"],
  507000: ['ACL_ERROR_RT_INTERNAL_ERROR', 'internal error of the runtime', "read CANN's log (plog); check that driver and CANN match"],
  507008: ['ACL_ERROR_RT_SOC_VERSION', 'SoC version not available', 'check that driver and firmware are loaded and visible', 'environment'],
  507010: ['ACL_ERROR_RT_LOST_HEARTBEAT', 'the task scheduler lost its heartbeat', 'reset the device'],
  507011: ['ACL_ERROR_RT_MODEL_EXECUTE', 'a task of a captured graph failed', 'run without capture to find the operator'],
  507014: ['ACL_ERROR_RT_AICORE_TIMEOUT', 'AI core timeout', 'use smaller shapes; check the device for hung tasks'],
  507015: ['ACL_ERROR_RT_AICORE_EXCEPTION', 'AI core exception', 'synchronise after each operator to find it; usual causes are freed memory, a wrong size and an index out of range'],
  507016: ['ACL_ERROR_RT_AICORE_TRAP_EXCEPTION', 'AI core trap', 'synchronise after each operator to find it; usual causes are freed memory, a wrong size and an index out of range'],
  507017: ['ACL_ERROR_RT_AICPU_TIMEOUT', 'AI CPU timeout', 'find the operator that fell back to the AI CPU'],
  507018: ['ACL_ERROR_RT_AICPU_EXCEPTION', 'AI CPU exception', 'check the arguments of the operator that runs on the AI CPU'],
  507033: ['ACL_ERROR_RT_DEV_SETUP_ERROR', 'the device did not start', 'check driver and firmware', 'environment'],
  507034: ['ACL_ERROR_RT_VECTOR_CORE_TIMEOUT', 'vector core timeout', 'use smaller shapes; check the device for hung tasks'],
  507035: ['ACL_ERROR_RT_VECTOR_CORE_EXCEPTION', 'vector core exception', 'synchronise after each operator to find it; usual causes are freed memory, a wrong size and an index out of range'],
  507046: ['ACL_ERROR_RT_STREAM_SYNC_TIMEOUT', 'synchronising a stream timed out', 'raise the timeout or find the operator that hangs'],
  507053: ['ACL_ERROR_RT_DEVICE_MEM_ERROR', 'uncorrectable memory error', 'reset the device; if it comes back, the hardware is faulty'],
  507054: ['ACL_ERROR_RT_HBM_MULTI_BIT_ECC_ERROR', 'multi-bit ECC error in device memory', 'reset the device; if it comes back, the hardware is faulty'],
  507899: ['ACL_ERROR_RT_DRV_INTERNAL_ERROR', 'internal error of the driver', 'check dmesg and `npu-smi info`'],
  507901: ['ACL_ERROR_RT_SOCKET_CLOSE', 'connection between host and device closed', 'check whether the device was reset or another process crashed it'],
  507903: ['ACL_ERROR_RT_STREAM_CAPTURE_INVALIDATED', 'the capture was invalidated', 'look for the illegal call between CaptureBegin and CaptureEnd'],
  561000: ['ACLNN_ERR_INNER', 'internal error of aclnn', undefined],
  561001: ['ACLNN_ERR_INNER_INFERSHAPE_ERROR', 'shape inference failed', 'check that the shapes fit the operator'],
  561002: ['ACLNN_ERR_INNER_TILING_ERROR', 'tiling failed', 'use another shape or dtype: the kernel on this chip does not support this one'],
  561003: ['ACLNN_ERR_INNER_FIND_KERNEL_ERROR', 'kernel not found', 'install the ops (kernels) package that matches the SoC and the CANN version, and check that it has a kernel for the dtype', 'environment'],
  561101: ['ACLNN_ERR_INNER_CREATE_EXECUTOR', 'the executor could not be created', 'free host memory'],
  561103: ['ACLNN_ERR_INNER_NULLPTR', 'a handle is NULL', 'look for a NULL executor or tensor'],
  561107: ['ACLNN_ERR_INNER_OPP_PATH_NOT_FOUND', 'ASCEND_OPP_PATH is not set', 'run `source set_env.sh` of the CANN installation before node starts', 'environment'],
  561108: ['ACLNN_ERR_INNER_LOAD_JSON_FAILED', 'operator information cannot be loaded', 'reinstall CANN: the installation is incomplete', 'environment'],
  561112: ['ACLNN_ERR_INNER_OPP_KERNEL_PKG_NOT_FOUND', 'operator kernel package missing', 'install the ops (kernels) package that matches the SoC and the CANN version', 'environment'],
  561113: ['ACLNN_ERR_INNER_OP_FILE_INVALID', 'operator file invalid', 'reinstall the ops package', 'environment'],
}

/** Codes of calls that ran out of device memory. */
export const outOfMemoryCodes: readonly number[] = [200000, 207001, 207018]

const families: Readonly<Record<string, string>> = {
  1: 'mistake of the caller or the environment',
  2: 'shortage of a resource, or not supported by the hardware',
  3: 'state that does not allow the call',
  5: 'internal failure of software or hardware',
}

export interface CodeDescription {
  readonly name: string | undefined
  readonly meaning: string
  readonly hint: string | undefined
  readonly kind: ErrorKind
}

export function describeCode(code: number): CodeDescription {
  const [name, meaning, hint, kind] = errorCodes[code] ?? []
  if (meaning !== undefined) return { name, meaning, hint, kind: kind ?? 'device' }
  const family = code >= 100_000 ? families[String(code).charAt(0)] : undefined
  return {
    name,
    meaning: family ?? 'unknown code',
    hint: 'look the code up in the documentation of CANN',
    kind: 'device',
  }
}
