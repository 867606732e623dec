/** layer_norm and add_layer_norm. */
import type { DeviceView } from '../device-view.ts'
import type { Launch } from '../launch.ts'
import type { NpuKernel } from './kernel.ts'

function normalize(
  launch: Launch,
  [input, weight, bias]: readonly [DeviceView, DeviceView, DeviceView],
  eps: number,
  output: DeviceView,
): void {
  // Nobody asks for mean and reciprocal deviation.
  launch.run('aclnnLayerNorm', (make) => [
    make.tensor(input),
    make.integers(input.shape.slice(-1)),
    make.tensor(weight),
    make.tensor(bias),
    eps,
    make.tensor(output),
    0n,
    0n,
  ])
}

export const layerNorm: NpuKernel<'layer_norm'> = (launch, inputs, { eps }, output) => {
  const [input, weight, bias] = inputs as readonly [DeviceView, DeviceView, DeviceView]
  normalize(launch, [input, weight, bias], eps, output)
}

/** The only epsilon that the documentation of aclnnAddLayerNorm allows. */
const fusedEps = 1e-5

/**
 * Fused for the epsilon of RoBERTa; else the sum and its normalisation, both in float32, since the
 * definition does not round the sum in between.
 */
export const addLayerNorm: NpuKernel<'add_layer_norm'> = (launch, inputs, { eps }, output) => {
  const views = inputs as readonly [DeviceView, DeviceView, DeviceView, DeviceView]
  if (eps !== fusedEps) return addThenNormalize(launch, views, eps, output)
  const [input, residual, weight, bias] = views
  const rows = input.shape.with(-1, 1)
  const mean = launch.temporary('float32', rows)
  const reciprocalDeviation = launch.temporary('float32', rows)
  const sum = launch.temporary(input.dtype, input.shape)
  launch.run('aclnnAddLayerNorm', (make) => [
    make.tensor(input),
    make.tensor(residual),
    make.tensor(weight),
    make.tensor(bias),
    0n,
    eps,
    false,
    make.tensor(output),
    make.tensor(mean),
    make.tensor(reciprocalDeviation),
    make.tensor(sum),
  ])
}

function addThenNormalize(
  launch: Launch,
  inputs: readonly [DeviceView, DeviceView, DeviceView, DeviceView],
  eps: number,
  output: DeviceView,
): void {
  const isFloat32 = output.dtype === 'float32'
  const exact = (view: DeviceView) => (isFloat32 ? view : launch.cast(view, 'float32'))
  const [input, residual, weight, bias] = inputs
  const [x, other] = [exact(input), exact(residual)]
  const sum = launch.temporary('float32', input.shape)
  launch.run('aclnnAdd', (make) => [
    make.tensor(x),
    make.tensor(other),
    make.scalar(1),
    make.tensor(sum),
  ])
  const result = isFloat32 ? output : launch.temporary('float32', output.shape)
  normalize(launch, [sum, exact(weight), exact(bias)], eps, result)
  if (!isFloat32) launch.cast(result, output.dtype, output)
}
