/** The functions that workers run, by the numbers that commands carry. Add a kernel's name here. */

/** Exports of kernels/wasm/index.ts. */
const inWasm = [
  'add',
  'addLayerNorm',
  'attention',
  'bfloat16ToFloat32',
  'copy1',
  'copy2',
  'copy4',
  'copy8',
  'float16ToFloat32',
  'float32ToBfloat16',
  'float32ToFloat16',
  'gather',
  'gelu',
  'geluSigmoid',
  'geluTanh',
  'layerNorm',
  'matmul',
  'mul',
  'packColumns',
  'scale',
  'sigmoid',
  'softmax',
  'tanh',
  'unpackColumns',
] as const

/** Functions of worker.ts. */
const inWorker = [
  'cast',
  'fence',
  'nativeAttention',
  'nativeMultiply',
  'nativeMultiplyBfloat16',
] as const

export const kernelNames = [...inWasm, ...inWorker]
export type KernelName = (typeof kernelNames)[number]
/** All but the kernels in WebAssembly. */
export type WorkerKernelName = (typeof inWorker)[number]

/** Computes units `begin` … `end` − 1. Of all kernels only `gather` gives a result; see there. */
export type KernelFunction = (begin: number, end: number, ...args: number[]) => number | undefined

/** Elements of a unit of a kernel that goes element by element; also in kernels/wasm/elementwise.ts. */
export const block = 4096
