/** The form of a reference kernel. */
import type { AttributesOf, OperatorName } from '../../ops/catalogue.ts'
import type { HostTensor } from './elements.ts'

/**
 * Computes one operator call. Inputs are in the order of the schema, optional ones may be missing,
 * and all were validated; `output` is dense and has the inferred shape and dtype.
 */
export type Kernel<N extends OperatorName> = (
  inputs: readonly (HostTensor | undefined)[],
  attributes: AttributesOf<N>,
  output: HostTensor,
) => void
