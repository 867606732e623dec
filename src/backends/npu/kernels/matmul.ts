/** Products of matrices. A transposed operand is a view: the matrix unit reads it without a copy. */
import { numel } from '../../../tensor/shape.ts'
import { isEmpty, permuted } from '../device-view.ts'
import type { NpuKernel } from './kernel.ts'

export const matmul: NpuKernel<'matmul'> = (launch, [input, other], _attributes, output) => {
  // Sums of no products.
  if (isEmpty(input!)) return launch.zero(output)
  const areMatrices = input!.shape.length === 2 && other!.shape.length === 2
  launch.run(areMatrices ? 'aclnnMm' : 'aclnnMatmul', (make) => [
    make.tensor(input),
    make.tensor(other),
    make.tensor(output),
    launch.cubeMathType,
  ])
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
