/** The form of a kernel of this backend. */
import type { AttributesOf, OperatorName } from '../../../ops/catalogue.ts'
import type { DeviceView } from '../device-view.ts'
import type { Launch } from '../launch.ts'

/**
 * Enqueues one validated operator call. Inputs are in the order of the schema, optional ones may be
 * missing; `output` is dense, has the inferred shape and dtype, and at least one element.
 */
export type NpuKernel<N extends OperatorName> = (
  launch: Launch,
  inputs: readonly (DeviceView | undefined)[],
  attributes: AttributesOf<N>,
  output: DeviceView,
) => void
