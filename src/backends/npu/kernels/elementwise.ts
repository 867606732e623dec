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

/** aclnnGelu is the tanh form whatever is asked, so the erf form is never its business. */
export const gelu: NpuKernel<'gelu'> = (launch, [input], { approximate }, output) => {
  if (approximate === 'sigmoid') {
    launch.run('aclnnFastGelu', (make) => [make.tensor(input), make.tensor(output)])
  } else if (approximate === 'tanh' && launch.prefers('aclnnGelu')) {
    launch.run('aclnnGelu', (make) => [make.tensor(input), make.tensor(output)])
  } else {
    const form = approximate === 'tanh' ? 1n : 0n
    launch.run('aclnnGeluV2', (make) => [make.tensor(input), form, make.tensor(output)])
  }
}

export const tanh: NpuKernel<'tanh'> = (launch, [input], _attributes, output) => {
  launch.run('aclnnTanh', (make) => [make.tensor(input), make.tensor(output)])
}

export const sigmoid: NpuKernel<'sigmoid'> = (launch, [input], _attributes, output) => {
  launch.run('aclnnSigmoid', (make) => [make.tensor(input), make.tensor(output)])
}
