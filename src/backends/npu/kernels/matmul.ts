/** Products of matrices. A transposed operand is a view: the matrix unit reads it without a copy. */
import { numel, sameShape } from '../../../tensor/shape.ts'
import { type DeviceView, isEmpty, permuted } from '../device-view.ts'
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
