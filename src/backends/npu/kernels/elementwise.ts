/** Element by element. */
import type { NpuKernel } from './kernel.ts'

export const add: NpuKernel<'add'> = (launch, [input, other], _attributes, output) => {
  launch.run('aclnnAdd', (make) => [
    make.tensor(input),
    make.tensor(other),
    make.scalar(1),
    make.tensor(output),
  ])
}

export const mul: NpuKernel<'mul'> = (launch, [input, other], _attributes, output) => {
  launch.run('aclnnMul', (make) => [make.tensor(input), make.tensor(other), make.tensor(output)])
}

export const scale: NpuKernel<'scale'> = (launch, [input], { factor }, output) => {
  launch.run('aclnnMuls', (make) => [make.tensor(input), make.scalar(factor), make.tensor(output)])
}

/** aclnnGeluV2 and not aclnnGelu, which is the tanh form whatever is asked. */
export const gelu: NpuKernel<'gelu'> = (launch, [input], { approximate }, output) => {
  const form = approximate === 'tanh' ? 1n : 0n
  launch.run('aclnnGeluV2', (make) => [make.tensor(input), form, make.tensor(output)])
}

export const tanh: NpuKernel<'tanh'> = (launch, [input], _attributes, output) => {
  launch.run('aclnnTanh', (make) => [make.tensor(input), make.tensor(output)])
}

export const sigmoid: NpuKernel<'sigmoid'> = (launch, [input], _attributes, output) => {
  launch.run('aclnnSigmoid', (make) => [make.tensor(input), make.tensor(output)])
}
