/** Products of matrices. A transposed operand is a view: the matrix unit reads it without a copy. */
import { contiguousStrides, numel, sameShape } from '../../../tensor/shape.ts'
import { type DeviceView, isDense, isEmpty, permuted } from '../device-view.ts'
import type { Launch } from '../launch.ts'
import type { NpuKernel } from './kernel.ts'

export const matmul: NpuKernel<'matmul'> = (launch, [input, other], _attributes, output) => {
  // Sums of no products.
  if (isEmpty(input!)) return launch.zero(output)
  const areMatrices = input!.shape.length === 2 && other!.shape.length === 2
  const multiply = (name: Product, views: readonly (DeviceView | undefined)[]) =>
    launch.run(name, (make) => {
      const [self, mat2, out] = views.map((view) => make.tensor(view)) as [bigint, bigint, bigint]
      return [self, mat2, out, launch.cubeMathType]
    })
  if (areMatrices && !launch.prefers('aclnnMatmul')) {
    return multiply('aclnnMm', [input, other, output])
  }
  const areStacks = sameShape(input!.shape.slice(0, -2), other!.shape.slice(0, -2))
  if (!areMatrices && areStacks && launch.prefers('aclnnBatchMatMul')) {
    const stacks = [input!, other!, output].map((view) => asStack(launch, view))
    return multiply('aclnnBatchMatMul', stacks)
  }
  multiply('aclnnMatmul', [input, other, output])
}

type Product = 'aclnnMm' | 'aclnnMatmul' | 'aclnnBatchMatMul'

/** On three axes, which is what aclnnBatchMatMul takes. */
function asStack(launch: Launch, view: DeviceView): DeviceView {
  const { shape } = view
  return launch.reshape(view, [numel(shape.slice(0, -2)), ...shape.slice(-2)])
}

/** On two axes, since aclnnAddmm takes no more. With factors of 1 the bias is part of the product. */
export const linear: NpuKernel<'linear'> = (launch, [input, weight, bias], _attributes, output) => {
  const [outFeatures, inFeatures] = weight!.shape as readonly [number, number]
  if (inFeatures === 0) {
    if (bias === undefined) launch.zero(output)
    else launch.copy(bias, output)
    return
  }
  const rows = numel(output.shape) / outFeatures
  const x = launch.reshape(input!, [rows, inFeatures])
  const y = launch.reshape(output, [rows, outFeatures])
  const blocks = launch.prefers('aclnnMatmulWeightNz') ? nzWeight(launch, weight!) : undefined
  if (blocks !== undefined) return linearNz(launch, x, blocks, bias, y)
  const turned = permuted(weight!, [1, 0])
  if (bias === undefined) {
    launch.run('aclnnMm', (make) => [
      make.tensor(x),
      make.tensor(turned),
      make.tensor(y),
      launch.cubeMathType,
    ])
    return
  }
  launch.run('aclnnAddmm', (make) => [
    make.tensor(bias),
    make.tensor(x),
    make.tensor(turned),
    make.scalar(1),
    make.scalar(1),
    make.tensor(y),
    launch.cubeMathType,
  ])
}

/**
 * The weight of `linear` in the NZ format, as [in, out]: phase 1 of the products changes the descriptor of a
 * transposed one. Undefined for what the format does not take, and for a part of a tensor.
 */
function nzWeight(launch: Launch, weight: DeviceView): DeviceView | undefined {
  const { dtype, shape, slot } = weight
  const [outFeatures, inFeatures] = shape as readonly [number, number]
  const isWhole = isDense(weight) && slot.length === outFeatures * inFeatures
  if (dtype === 'float32' || outFeatures === 1 || inFeatures === 1 || !isWhole) return undefined
  const turned = [inFeatures, outFeatures]
  const blocks = launch.prepared(weight, (once) => {
    const memory = once.temporary(dtype, [once.nzLength(dtype, turned)])
    const matrix = { ...memory, shape: turned, strides: contiguousStrides(turned) }
    once.copy(permuted(weight, [1, 0]), matrix)
    once.run('aclnnTransMatmulWeight', (make) => [make.tensor(matrix)])
    return matrix
  })
  // The same memory may have been another matrix before.
  return blocks && sameShape(blocks.shape, turned) ? blocks : undefined
}

function linearNz(
  launch: Launch,
  x: DeviceView,
  blocks: DeviceView,
  bias: DeviceView | undefined,
  y: DeviceView,
): void {
  if (bias === undefined) {
    launch.run('aclnnMatmulWeightNz', (make) => [
      make.tensor(x),
      make.nz(blocks),
      make.tensor(y),
      launch.cubeMathType,
    ])
    return
  }
  launch.run('aclnnAddmmWeightNz', (make) => [
    make.tensor(bias),
    make.tensor(x),
    make.nz(blocks),
    make.scalar(1),
    make.scalar(1),
    make.tensor(y),
    launch.cubeMathType,
  ])
}
