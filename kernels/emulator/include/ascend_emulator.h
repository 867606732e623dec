/* What the emulator has beyond the AscendCL + aclnn ABI: exported by libascendcl.so for tests and tools.
 * A program that also has to run on hardware looks these up with dlsym and does without them when absent.
 *
 * Environment variables, read once at the first call:
 *   ASCEND_EMULATOR_DEVICES     how many devices there are (1, at most 64)
 *   ASCEND_EMULATOR_MEMORY      bytes of memory of each device (64 GiB, at most the machine's own memory)
 *   ASCEND_EMULATOR_ARITHMETIC  0: operators do nothing on the device, to measure host cost (1)
 *   ASCEND_EMULATOR_POISON      0: fresh memory and outputs are not filled with 0xFF, to measure kernels (1)
 *   ASCEND_EMULATOR_THREADS     threads that operators compute with (as many as processors)
 *   ASCEND_EMULATOR_FAIL        function:n:code,... as ascendEmulatorFailCall
 *   ASCEND_EMULATOR_REPORT      where the report goes at finalise: "stderr", a path, or a folder for a file
 *                               PID.json of each process; nothing if unset
 *
 * Where a function is named, here and below, "aclrtMalloc@1" means its calls by threads in which device 1 is current.
 */
#pragma once
#include "acl_emulator.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Forgets counts, violations and faults still to come. Objects that are alive stay. */
ACL_FUNC_VISIBILITY void ascendEmulatorReset(void);

/* Calls of an ABI function since the start or the last reset. */
ACL_FUNC_VISIBILITY uint64_t ascendEmulatorCallCount(const char *function);

/* Makes the n-th call of the function from now on (1 = the next) return code (NULL if it returns a pointer)
 * and do nothing else; the second phase of an operator still ends its one-shot executor, as on hardware. */
ACL_FUNC_VISIBILITY void ascendEmulatorFailCall(const char *function, uint64_t n, aclError code);

/* Makes the work enqueued by the n-th call of the function from now on fail on the device: the call succeeds,
 * the next synchronise returns code (507015, 507035, ...). */
ACL_FUNC_VISIBILITY void ascendEmulatorFaultCall(const char *function, uint64_t n, aclError code);

/* Memory of each device in bytes, for allocations from now on. */
ACL_FUNC_VISIBILITY void ascendEmulatorLimitMemory(uint64_t bytes);

/* How many devices there are; only while none is set. */
ACL_FUNC_VISIBILITY void ascendEmulatorSetDeviceCount(uint32_t count);

/* 0: operators do nothing on the device; 1: they compute. */
ACL_FUNC_VISIBILITY void ascendEmulatorSetArithmetic(int enabled);

/* 1: no stream starts a task until 0 is given; makes "work in flight" certain in tests. */
ACL_FUNC_VISIBILITY void ascendEmulatorHold(int hold);

/* Violations recorded since the start or the last reset. */
ACL_FUNC_VISIBILITY uint64_t ascendEmulatorViolationCount(void);

/* Living objects of a kind: tensor, scalar, int-array, float-array, bool-array, tensor-list, scalar-list,
 * executor, context, stream, event, graph, task-group, profiler-config, device-memory, host-memory; NULL for all. */
ACL_FUNC_VISIBILITY uint64_t ascendEmulatorLiveObjects(const char *kind);

/* The report as JSON: {"emulator":true,"violationCount":n,"violations":[{"kind","function","call","message"}],"calls":{name:n},
 * "live":{kind:n},"peakMemory":[bytes of each device]}. Writes at most size bytes with the closing NUL and
 * returns the length of the whole text without it, as snprintf does. */
ACL_FUNC_VISIBILITY size_t ascendEmulatorReport(char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
