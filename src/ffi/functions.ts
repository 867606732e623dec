/**
 * The C functions of AscendCL and aclnn that this package calls, one row each: name and signature.
 *
 * Nothing else lists them: the types of the callables are derived from these rows, and both bindings
 * read them. Order, names and types of the arguments are those of the CANN 8.5 headers, and a test
 * compares every row with them. Opaque handles (aclTensor, aclrtStream …) are `pointer`, enums are
 * `int32`, `size_t` is `uint64`. A host buffer fits only where it says `memory`; the asynchronous
 * copies say `pointer`, since a buffer of JavaScript may move or die before they are done.
 *
 * "Not in 8.1" means that the function is absent from the headers of CANN 8.1; callers ask
 * `Cann.has` first. Add a function by adding a row and running `test/ffi/functions.test.ts`: among the
 * first rows of its library if the backend needs it, else among the further ones.
 */
import type { Signature } from './signature.ts'

/** libascendcl.so: runtime, devices, memory, streams, events, graph capture. */
const ascendcl = {
  aclInit: 'int32 (configPath: string)',
  aclFinalize: 'int32 ()',
  aclGetRecentErrMsg: 'string ()',
  aclrtGetSocName: 'string ()',

  aclrtSetDevice: 'int32 (deviceId: int32)',
  aclrtResetDevice: 'int32 (deviceId: int32)',
  aclrtGetDeviceCount: 'int32 (count: uint32*)',

  aclrtSetCurrentContext: 'int32 (context: pointer)',
  aclrtGetCurrentContext: 'int32 (context: pointer*)',

  aclrtCreateStream: 'int32 (stream: pointer*)',
  aclrtDestroyStream: 'int32 (stream: pointer)',
  aclrtSynchronizeStream: 'int32 (stream: pointer)',

  aclrtMalloc: 'int32 (devPtr: pointer*, size: uint64, policy: int32)',
  aclrtFree: 'int32 (devPtr: pointer)',
  aclrtMallocHost: 'int32 (hostPtr: pointer*, size: uint64)',
  aclrtFreeHost: 'int32 (hostPtr: pointer)',
  aclrtMemcpy: 'int32 (dst: memory, destMax: uint64, src: memory, count: uint64, kind: int32)',
  aclrtMemcpyAsync:
    'int32 (dst: pointer, destMax: uint64, src: pointer, count: uint64, kind: int32, stream: pointer)',
  aclrtMemsetAsync:
    'int32 (devPtr: pointer, maxCount: uint64, value: int32, count: uint64, stream: pointer)',
  aclrtGetMemInfo: 'int32 (attr: int32, free: uint64*, total: uint64*)',
} as const satisfies Record<string, Signature>

/** Of the same library; the backend works where these are missing. */
const furtherAscendcl = {
  aclsysGetCANNVersion: 'int32 (name: int32, version: memory)',

  aclrtCreateEventExWithFlag: 'int32 (event: pointer*, flag: uint32)',
  aclrtDestroyEvent: 'int32 (event: pointer)',
  aclrtRecordEvent: 'int32 (event: pointer, stream: pointer)',
  aclrtSynchronizeEvent: 'int32 (event: pointer)',
  aclrtEventElapsedTime: 'int32 (ms: float*, startEvent: pointer, endEvent: pointer)',

  aclmdlRICaptureBegin: 'int32 (stream: pointer, mode: int32)',
  aclmdlRICaptureEnd: 'int32 (stream: pointer, modelRI: pointer*)',
  aclmdlRIExecuteAsync: 'int32 (modelRI: pointer, stream: pointer)',
  aclmdlRIDestroy: 'int32 (modelRI: pointer)',
} as const satisfies Record<string, Signature>

/** libnnopbase.so: descriptors of tensors, scalars and arrays, and executors. */
const nnopbase = {
  aclCreateTensor:
    'pointer (viewDims: int64*, viewDimsNum: uint64, dataType: int32, stride: int64*, offset: int64, format: int32, storageDims: int64*, storageDimsNum: uint64, tensorData: pointer)',
  aclDestroyTensor: 'int32 (tensor: pointer)',
  aclCreateScalar: 'pointer (value: memory, dataType: int32)',
  aclDestroyScalar: 'int32 (scalar: pointer)',
  aclCreateIntArray: 'pointer (value: int64*, size: uint64)',
  aclDestroyIntArray: 'int32 (array: pointer)',

  aclDestroyAclOpExecutor: 'int32 (executor: pointer)',
} as const satisfies Record<string, Signature>

/** Of the same library; the backend works where these are missing. */
const furtherNnopbase = {
  aclCreateTensorList: 'pointer (value: pointer*, size: uint64)',
  aclDestroyTensorList: 'int32 (array: pointer)', // destroys the tensors in it too

  aclSetAclOpExecutorRepeatable: 'int32 (executor: pointer)',
} as const satisfies Record<string, Signature>

/**
 * libopapi_*.so, or the umbrella libopapi.so: operators. A row holds the arguments of the operator;
 * the two C functions of every operator follow from it, see `OperatorFunctions`.
 */
const neededOperators = {
  aclnnEmbedding: 'weight: pointer, indices: pointer, out: pointer',
  aclnnIndexSelect: 'self: pointer, dim: int64, index: pointer, out: pointer',
  aclnnAdd: 'self: pointer, other: pointer, alpha: pointer, out: pointer',
  aclnnMul: 'self: pointer, other: pointer, out: pointer',
  aclnnMuls: 'self: pointer, other: pointer, out: pointer',
  aclnnMatmul: 'self: pointer, mat2: pointer, out: pointer, cubeMathType: int8',
  aclnnMm: 'self: pointer, mat2: pointer, out: pointer, cubeMathType: int8',
  aclnnAddmm:
    'self: pointer, mat1: pointer, mat2: pointer, beta: pointer, alpha: pointer, out: pointer, cubeMathType: int8',
  aclnnLayerNorm:
    'input: pointer, normalizedShape: pointer, weightOptional: pointer, biasOptional: pointer, eps: double, out: pointer, meanOutOptional: pointer, rstdOutOptional: pointer',
  aclnnAddLayerNorm:
    'x1: pointer, x2: pointer, gamma: pointer, beta: pointer, biasOptional: pointer, epsilon: double, additionalOutput: bool, yOut: pointer, meanOut: pointer, rstdOut: pointer, xOut: pointer',
  aclnnSoftmax: 'self: pointer, dim: int64, out: pointer',
  aclnnScaledMaskedSoftmax:
    'x: pointer, mask: pointer, scale: double, fixedTriuMask: bool, y: pointer',
  aclnnGeluV2: 'x: pointer, approximate: int64, y: pointer',
  aclnnTanh: 'self: pointer, out: pointer',
  aclnnSigmoid: 'self: pointer, out: pointer',
  aclnnCast: 'self: pointer, dtype: int32, out: pointer',
  aclnnInplaceCopy: 'selfRef: pointer, src: pointer',
} as const

/** Of the same libraries; the backend works where these are missing. */
const furtherOperators = {
  aclnnBatchMatMul: 'self: pointer, mat2: pointer, out: pointer, cubeMathType: int8',
  aclnnGelu: 'self: pointer, out: pointer',
  aclnnFastGelu: 'self: pointer, out: pointer', // not in 8.1
  aclnnPermute: 'self: pointer, dims: pointer, out: pointer',
  aclnnTransMatmulWeight: 'mmWeightRef: pointer',
  aclnnMatmulWeightNz: 'self: pointer, mat2: pointer, out: pointer, cubeMathType: int8', // not in 8.1
  // not in 8.1
  aclnnAddmmWeightNz:
    'self: pointer, mat1: pointer, mat2: pointer, beta: pointer, alpha: pointer, out: pointer, cubeMathType: int8',
  aclnnFlashAttentionScore:
    'query: pointer, key: pointer, value: pointer, realShiftOptional: pointer, dropMaskOptional: pointer, paddingMaskOptional: pointer, attenMaskOptional: pointer, prefixOptional: pointer, scaleValue: double, keepProb: double, preTokens: int64, nextTokens: int64, headNum: int64, inputLayout: string, innerPrecise: int64, sparseMode: int64, softmaxMaxOut: pointer, softmaxSumOut: pointer, softmaxOutOut: pointer, attentionOutOut: pointer',
  aclnnPromptFlashAttentionV3:
    'query: pointer, key: pointer, value: pointer, pseShift: pointer, attenMask: pointer, actualSeqLengths: pointer, actualSeqLengthsKv: pointer, deqScale1: pointer, quantScale1: pointer, deqScale2: pointer, quantScale2: pointer, quantOffset2: pointer, numHeads: int64, scaleValue: double, preTokens: int64, nextTokens: int64, inputLayout: string, numKeyValueHeads: int64, sparseMode: int64, innerPrecise: int64, attentionOut: pointer',
  aclnnFusedInferAttentionScoreV3:
    'query: pointer, key: pointer, value: pointer, pseShiftOptional: pointer, attenMaskOptional: pointer, actualSeqLengthsOptional: pointer, actualSeqLengthsKvOptional: pointer, deqScale1Optional: pointer, quantScale1Optional: pointer, deqScale2Optional: pointer, quantScale2Optional: pointer, quantOffset2Optional: pointer, antiquantScaleOptional: pointer, antiquantOffsetOptional: pointer, blockTableOptional: pointer, queryPaddingSizeOptional: pointer, kvPaddingSizeOptional: pointer, keyAntiquantScaleOptional: pointer, keyAntiquantOffsetOptional: pointer, valueAntiquantScaleOptional: pointer, valueAntiquantOffsetOptional: pointer, keySharedPrefixOptional: pointer, valueSharedPrefixOptional: pointer, actualSharedPrefixLenOptional: pointer, queryRopeOptional: pointer, keyRopeOptional: pointer, keyRopeAntiquantScaleOptional: pointer, numHeads: int64, scaleValue: double, preTokens: int64, nextTokens: int64, inputLayout: string, numKeyValueHeads: int64, sparseMode: int64, innerPrecise: int64, blockSize: int64, antiquantMode: int64, softmaxLseFlag: bool, keyAntiquantMode: int64, valueAntiquantMode: int64, attentionOut: pointer, softmaxLse: pointer',
} as const

export const operators = { ...neededOperators, ...furtherOperators } as const

export type OperatorName = keyof typeof operators

const runSignature =
  'int32 (workspace: pointer, workspaceSize: uint64, executor: pointer, stream: pointer)'

/** `aclnnXGetWorkspaceSize(arguments…, workspaceSize, executor)` plans, `aclnnX` enqueues. */
type OperatorFunctions = {
  readonly [K in OperatorName as `${K}GetWorkspaceSize`]: `int32 (${(typeof operators)[K]}, workspaceSize: uint64*, executor: pointer*)`
} & { readonly [K in OperatorName]: typeof runSignature }

const opapi = Object.fromEntries(
  Object.entries(operators).flatMap(([name, list]) => [
    [`${name}GetWorkspaceSize`, `int32 (${list}, workspaceSize: uint64*, executor: pointer*)`],
    [name, runSignature],
  ]),
) as OperatorFunctions

/** Of the same libraries: what is asked before an operator; the backend works where these are missing. */
const furtherOpapi = {
  aclnnCalculateMatmulWeightSizeV2:
    'int32 (tensorShape: pointer, dataType: int32, weightTensorSize: uint64*)',
} as const satisfies Record<string, Signature>

/** libmsprofiler.so: CANN's own profiler, which is opened for those who ask for it. */
const msprofiler = {
  aclprofInit: 'int32 (profilerResultPath: string, length: uint64)',
  aclprofFinalize: 'int32 ()',
  aclprofCreateConfig:
    'pointer (deviceIdList: uint32*, deviceNums: uint32, aicoreMetrics: int32, aicoreEvents: pointer, dataTypeConfig: uint64)',
  aclprofDestroyConfig: 'int32 (profilerConfig: pointer)',
  aclprofStart: 'int32 (profilerConfig: pointer)',
  aclprofStop: 'int32 (profilerConfig: pointer)',
} as const satisfies Record<string, Signature>

/** All functions by the library that has them. */
export const functions = {
  ascendcl: { ...ascendcl, ...furtherAscendcl },
  nnopbase: { ...nnopbase, ...furtherNnopbase },
  opapi: { ...opapi, ...furtherOpapi },
  msprofiler,
} as const

/** The functions without which the backend cannot do all its operators. */
export const neededFunctions: ReadonlySet<string> = new Set([
  ...Object.keys(ascendcl),
  ...Object.keys(nnopbase),
  ...Object.keys(neededOperators).flatMap((name) => [`${name}GetWorkspaceSize`, name]),
])

export type CannLibrary = keyof typeof functions

type AllFunctions = (typeof functions)['ascendcl'] &
  (typeof functions)['nnopbase'] &
  typeof furtherOpapi &
  (typeof functions)['msprofiler'] &
  OperatorFunctions

export type CannFunctionName = keyof AllFunctions
export type CannSignature<K extends CannFunctionName> = AllFunctions[K] & Signature
