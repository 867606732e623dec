/** Kernels that compute each element of the output from one element of each input. */
import { broadcastStrides } from '../../tensor/shape.ts'
import { type HostTensor, read, write } from './elements.ts'
import { erfc } from './erf.ts'
import type { Kernel } from './kernel.ts'

function map(input: HostTensor, output: HostTensor, f: (x: number) => number): void {
  write(output, read(input).map(f))
}

function combine(
  inputs: readonly (HostTensor | undefined)[],
  output: HostTensor,
  f: (a: number, b: number) => number,
): void {
  const [a, b] = inputs.map((input) => read(broadcastTo(input!, output))) as [
    Float64Array,
    Float64Array,
  ]
  write(
    output,
    a.map((x, index) => f(x, b[index]!)),
  )
}

/** The tensor read as if it had the shape of `output`. */
export function broadcastTo(input: HostTensor, output: HostTensor): HostTensor {
  const { shape } = output
  return { ...input, shape, strides: broadcastStrides(input.shape, input.strides, shape) }
}

export const add: Kernel<'add'> = (inputs, _attributes, output) => {
  combine(inputs, output, (a, b) => a + b)
}

export const mul: Kernel<'mul'> = (inputs, _attributes, output) => {
  combine(inputs, output, (a, b) => a * b)
}

export const scale: Kernel<'scale'> = ([input], { factor }, output) => {
  map(input!, output, (x) => factor * x)
}

export const tanh: Kernel<'tanh'> = ([input], _attributes, output) => {
  map(input!, output, Math.tanh)
}

export const sigmoid: Kernel<'sigmoid'> = ([input], _attributes, output) => {
  map(input!, output, (x) => 1 / (1 + Math.exp(-x)))
}

/** x/2 · (1 + erf(x/√2)), written with erfc, which keeps its digits where 1 + erf cancels. */
function geluErf(x: number): number {
  return (x / 2) * erfc(-x * Math.SQRT1_2)
}

/** x/2 · (1 + tanh u) = x / (1 + exp(−2u)), which keeps its digits for negative x. */
function geluTanh(x: number): number {
  const u = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)
  return x / (1 + Math.exp(-2 * u))
}

function geluSigmoid(x: number): number {
  return x / (1 + Math.exp(-1.702 * x))
}

const geluForms = { none: geluErf, tanh: geluTanh, sigmoid: geluSigmoid }

export const gelu: Kernel<'gelu'> = ([input], { approximate }, output) => {
  map(input!, output, geluForms[approximate])
}
