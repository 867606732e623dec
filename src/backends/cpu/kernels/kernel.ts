/** The form of a kernel of the CPU backend: what turns one operator call into commands. */
import type { AttributesOf, OperatorName } from '../../../ops/catalogue.ts'
import type { TensorView } from '../../../tensor/storage.ts'
import type { Launch } from '../launch.ts'

/**
 * Inputs are in the order of the schema, optional ones may be missing, and all were validated; `output`
 * is dense, at the beginning of its storage, and has at least one element.
 */
export type CpuKernel<N extends OperatorName> = (
  launch: Launch,
  inputs: readonly (TensorView | undefined)[],
  attributes: AttributesOf<N>,
  output: TensorView,
) => void
