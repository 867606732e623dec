/** Enumerators of AscendCL (acl_base.h, acl_rt.h of CANN 8.5) that this backend passes. */
import type { OperatorName as AclnnName } from '../../ffi/functions.ts'
import type { DType } from '../../tensor/dtype.ts'

/** aclDataType. */
export const dataTypes: Readonly<Record<DType, number>> = {
  float32: 0,
  float16: 1,
  int32: 3,
  int64: 9,
  bool: 12,
  bfloat16: 27,
}

/** aclFormat: ACL_FORMAT_ND. */
export const formatND = 2

/** aclFormat: ACL_FORMAT_FRACTAL_NZ, a matrix in blocks of 16 × 16 elements, one column of blocks after another. */
export const formatNZ = 29

/** Rows and columns of a block of that format, for elements of 16 bits. */
export const blockSize = 16

/** aclrtMemcpyKind. */
export const copyKinds = { hostToDevice: 1, deviceToHost: 2 } as const

/** Asynchronous copies begin at multiples of this many bytes. */
export const copyAlignment = 64n

/** ACL_EVENT_TIME_LINE: the event has a time stamp. */
export const timedEvent = 8

/** aclprofAicoreMetrics: ACL_AICORE_PIPE_UTILIZATION, which units of the cores are busy. */
export const profiledMetrics = 1

/** ACL_PROF_ACL_API, ACL_PROF_TASK_TIME, ACL_PROF_AICORE_METRICS and ACL_PROF_AICPU. */
export const profiledData = 0b1111n

/** aclrtMemMallocPolicy: ACL_MEM_MALLOC_HUGE_FIRST. */
export const hugePagesFirst = 0

/** aclrtMemAttr: ACL_HBM_MEM. */
export const deviceMemory = 1

/** ACLNN_ERR_INNER: what aclSetAclOpExecutorRepeatable says of an executor that cannot be repeated. */
export const refusal = 561000

/**
 * aclmdlRICaptureMode: ACL_MODEL_RI_CAPTURE_MODE_THREAD_LOCAL, in which other threads may do as they like,
 * and this one is told of what does not belong into a graph.
 */
export const captureThreadLocal = 1

/** ACL_ERROR_REPEAT_INITIALIZE. */
export const alreadyInitialised = 100002

/**
 * How the matrix unit may compute (`cubeMathType`): `keep` the dtype; `allow-hf32` and `hf32` compute
 * float32 with 11 bits of fraction; `float16` computes float32 in float16.
 */
export const cubeMathTypes = { keep: 0, 'allow-hf32': 1, float16: 2, hf32: 3 } as const

export type CubeMathType = keyof typeof cubeMathTypes

/**
 * Functions of aclnn that compute what others compute that this backend uses; they run where they are
 * asked for and fit, so that both can be compared. docs/npu.md says instead of which.
 */
export const alternatives = [
  'aclnnGelu',
  'aclnnMatmul',
  'aclnnBatchMatMul',
  'aclnnPermute',
  'aclnnMatmulWeightNz',
  'aclnnFlashAttentionScore',
  'aclnnPromptFlashAttentionV3',
  'aclnnFusedInferAttentionScoreV3',
] as const satisfies readonly AclnnName[]

export type Alternative = (typeof alternatives)[number]
