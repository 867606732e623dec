/**
 * An operator's exact result: what the reference computes in float64, before it rounds. It is the
 * truth that three-way verdicts measure errors from.
 */
import { hostTensor, read } from '../backends/reference/elements.ts'
import { ReferenceBackend } from '../backends/reference/reference-backend.ts'
import type { HostTensor } from '../ops/backend.ts'
import { tensors } from '../ops/create.ts'
import { dispatch } from '../ops/dispatch.ts'
import {
  type Attributes,
  catalogue,
  type OperatorDefinition,
  type OperatorInputs,
  type OperatorName,
} from '../ops/index.ts'
import { type DType, decodeAll, encodeAll, isFloatDType } from '../tensor/dtype.ts'
import type { Shape } from '../tensor/shape.ts'
import { arena } from '../tensor/tensor.ts'

export interface ExactResult {
  readonly shape: Shape
  readonly dtype: DType
  /** Not rounded, but infinite where rounding to the dtype overflows. */
  readonly truth: Float64Array
  /** What the reference gives, rounded to the dtype by each of the operators it is made of. */
  readonly sameDType: Float64Array
}

/**
 * Runs one operator on the host, on inputs in the order of its schema. Throws what `dispatch` throws
 * for inputs or attributes that it does not take.
 */
export function exactResult(
  operator: OperatorName,
  inputs: OperatorInputs<HostTensor>,
  attributes: Attributes = {},
): ExactResult {
  const definition: OperatorDefinition<Attributes, OperatorName> = catalogue[operator]
  const exact = runOn(new ReferenceBackend({ rounded: false }), definition, inputs, attributes)
  const { shape, dtype, elements } = exact
  if (!isFloatDType(dtype)) return { shape, dtype, truth: elements, sameDType: elements }
  const rounded = decodeAll(dtype, encodeAll(dtype, elements))
  const truth = elements.map((value, i) => (Number.isFinite(rounded[i]) ? value : rounded[i]!))
  // An operator with a kernel of its own rounds once; others round between their parts.
  const sameDType =
    definition.decompose === undefined
      ? rounded
      : runOn(new ReferenceBackend(), definition, inputs, attributes).elements
  return { shape, dtype, truth, sameDType }
}

function runOn(
  backend: ReferenceBackend,
  definition: OperatorDefinition<Attributes, OperatorName>,
  inputs: OperatorInputs<HostTensor>,
  attributes: Attributes,
): { shape: Shape; dtype: DType; elements: Float64Array } {
  using output = arena(() => {
    const given = inputs.map((input) => input && tensors(backend, [input])[0]!)
    return dispatch(definition, given, attributes)
  })
  const { shape, dtype } = output
  return { shape, dtype, elements: read(hostTensor(output)) }
}
