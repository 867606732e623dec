/** Kernels that compute each element from one element of each input. A unit is a block of elements. */
import { hyperbolicTangent, logistic } from './exp'

/** Elements of a unit, a multiple of those that a step computes; also in src/backends/cpu/kernel-names.ts. */
export const block: i32 = 4096

export function add(begin: i32, end: i32, a: usize, b: usize, output: usize, count: i32): void {
  const stop = min(end * block, count)
  for (let i = begin * block; i < stop; i += 4) {
    const at = (<usize>i) << 2
    v128.store(output + at, f32x4.add(v128.load(a + at), v128.load(b + at)))
  }
}

export function mul(begin: i32, end: i32, a: usize, b: usize, output: usize, count: i32): void {
  const stop = min(end * block, count)
  for (let i = begin * block; i < stop; i += 4) {
    const at = (<usize>i) << 2
    v128.store(output + at, f32x4.mul(v128.load(a + at), v128.load(b + at)))
  }
}

/** `factor` is a float64, and the product is rounded once. */
export function scale(
  begin: i32,
  end: i32,
  input: usize,
  output: usize,
  count: i32,
  factor: f64,
): void {
  const stop = min(end * block, count)
  for (let i = begin * block; i < stop; i++) {
    const at = (<usize>i) << 2
    store<f32>(output + at, <f32>(<f64>load<f32>(input + at) * factor))
  }
}

export function sigmoid(begin: i32, end: i32, input: usize, output: usize, count: i32): void {
  const stop = min(end * block, count)
  for (let i = begin * block; i < stop; i += 4) {
    const at = (<usize>i) << 2
    v128.store(output + at, logistic(v128.load(input + at)))
  }
}

export function tanh(begin: i32, end: i32, input: usize, output: usize, count: i32): void {
  const stop = min(end * block, count)
  for (let i = begin * block; i < stop; i += 4) {
    const at = (<usize>i) << 2
    v128.store(output + at, hyperbolicTangent(v128.load(input + at)))
  }
}
