/** Kernels that compute each element of the output from one element of each input. */
import { broadcastStrides, numel } from '../../../tensor/shape.ts'
import type { TensorView } from '../../../tensor/storage.ts'
import type { KernelName } from '../kernel-names.ts'
import type { Launch } from '../launch.ts'
import type { CpuKernel } from './kernel.ts'

function map(
  launch: Launch,
  kernel: KernelName,
  input: TensorView,
  output: TensorView,
  ...attributes: number[]
): void {
  const count = numel(output.shape)
  const address = launch.float32(input)
  launch.compute(output, (result) =>
    launch.runOnElements(kernel, count, [address, result], ...attributes),
  )
}

/** The tensor read as if it had another shape. */
export function broadcastTo(input: TensorView, { shape }: TensorView): TensorView {
  const strides = broadcastStrides(input.shape, input.strides, shape)
  const { storage, dtype, offset } = input
  return { storage, dtype, shape, strides, offset }
}

/** What repeats is copied out: in RoBERTa both have the shape of the output. */
function combine(
  launch: Launch,
  kernel: 'add' | 'mul',
  inputs: readonly (TensorView | undefined)[],
  output: TensorView,
): void {
  const [a, b] = inputs.map((input) => launch.float32(broadcastTo(input!, output)))
  launch.compute(output, (result) =>
    launch.runOnElements(kernel, numel(output.shape), [a!, b!, result]),
  )
}

export const add: CpuKernel<'add'> = (launch, inputs, _attributes, output) =>
  combine(launch, 'add', inputs, output)

export const mul: CpuKernel<'mul'> = (launch, inputs, _attributes, output) =>
  combine(launch, 'mul', inputs, output)

export const scale: CpuKernel<'scale'> = (launch, [input], { factor }, output) =>
  map(launch, 'scale', input!, output, factor)

export const tanh: CpuKernel<'tanh'> = (launch, [input], _attributes, output) =>
  map(launch, 'tanh', input!, output)

export const sigmoid: CpuKernel<'sigmoid'> = (launch, [input], _attributes, output) =>
  map(launch, 'sigmoid', input!, output)

const geluForms = { none: 'gelu', tanh: 'geluTanh', sigmoid: 'geluSigmoid' } as const

export const gelu: CpuKernel<'gelu'> = (launch, [input], { approximate }, output) =>
  map(launch, geluForms[approximate], input!, output)
