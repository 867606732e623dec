/**
 * The CPU backend's kernels, in AssemblyScript, compiled by build.mjs.
 *
 * A kernel computes units `begin` … `end` − 1 of one operator call; what a unit is, is said at each.
 * Units are independent, so that threads share them, and a result never depends on who computed it.
 * Arguments are addresses (usize) and sizes in one flat memory. Kernels allocate nothing and keep no
 * state. Tensors are dense float32 unless said otherwise; nothing is aligned to more than its elements.
 *
 * Vectors may be read past the end of a tensor, and element-by-element kernels also write there: the
 * memory pool leaves room behind every block.
 */
export { attention } from './attention'
export { add, mul, scale, sigmoid, tanh } from './elementwise'
export { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './floats'
export { gelu, geluSigmoid, geluTanh } from './gelu'
export { addLayerNorm, layerNorm } from './layer-norm'
export { addBias, matmul } from './matmul'
export { copy1, copy2, copy4, copy8, gather } from './movement'
export { packColumns, unpackColumns } from './packing'
export { softmax } from './softmax'

/** How many pages of memory the calling thread knows of. */
export function pages(): i32 {
  return memory.size()
}
