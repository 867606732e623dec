/** One of the two sides of a comparison: a model on a device. A `SequenceClassifier` is one. */
import { isEmulator } from '../../backends/device-name.ts'
import type { SequenceClassifier } from '../../model/sequence-classifier.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { Side } from './result.ts'

export type Subject = Pick<SequenceClassifier, 'name' | 'model' | 'backend' | 'dtype' | 'encode'>

/** The weights on the subject's device, by their names in the checkpoint. */
export function parametersOf({ model }: Subject): ReadonlyMap<string, Tensor> {
  return new Map(model.parameters.map(({ name, value }) => [name, value]))
}

export function sideOf({ backend, dtype }: Subject): Side {
  const { device, settings } = backend
  return { device, dtype, settings, isEmulated: isEmulator(device) }
}
