/**
 * What an operator is: the form of an entry in the catalogue.
 *
 * An entry holds everything there is to know of an operator but its kernels. Validation, tests, the
 * op-debugging command, the support matrix and the benchmarks are derived from it.
 */
import { type DType, dtypes } from '../tensor/dtype.ts'
import { numel } from '../tensor/shape.ts'
import type { TensorView } from '../tensor/storage.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Attributes, AttributeValue, OperatorInputs, TensorSpec } from './backend.ts'
import type { InvalidSample, Sample } from './samples.ts'
import type { ErrorClass } from './tolerance.ts'

export interface InputSchema {
  readonly name: string
  readonly dtypes: readonly DType[]
  readonly optional?: true
  /** This input stands for one tensor or more; it is then the only one. */
  readonly variadic?: true
}

export interface AttributeSchema {
  readonly type: 'number' | 'integer' | 'integers' | 'choice'
  readonly summary: string
  /** Missing where the caller has to give the attribute. */
  readonly default?: AttributeValue
  /** The values a `choice` may have. */
  readonly choices?: readonly string[]
}

type ValueOf<S extends AttributeSchema> = S extends { choices: readonly (infer C)[] }
  ? C
  : S['type'] extends 'integers'
    ? readonly number[]
    : number

/** The values that attributes with these schemas have. */
export type AttributeValues<S extends Readonly<Record<string, AttributeSchema>>> = {
  readonly [K in keyof S]: ValueOf<S[K]>
}

/** A shape, strides and an offset into the storage of the input. */
export type ViewGeometry = Pick<TensorView, 'shape' | 'strides' | 'offset'>

export interface OperatorDefinition<A extends Attributes = Attributes, N extends string = string> {
  readonly name: N
  /** What it computes, as a formula, with the source where the formula has rivals. */
  readonly summary: string
  readonly inputs: readonly InputSchema[]
  readonly attributes: { readonly [K in keyof A]: AttributeSchema }
  /** Names of the inputs that must share one dtype; all inputs where this is missing. */
  readonly sameDType?: readonly string[]
  readonly errorClass: ErrorClass
  /** Shape and dtype of the output; throws `ShapeError` where the inputs do not fit. */
  infer(inputs: OperatorInputs<TensorSpec>, attributes: A): TensorSpec
  /** Floating-point operations, a multiply-add counted as two. */
  flops(inputs: OperatorInputs<TensorSpec>, attributes: A, output: TensorSpec): number
  /** The dtypes that `samples` can be asked for. */
  readonly dtypes: readonly DType[]
  samples(dtype: DType): readonly Sample[]
  readonly invalid: readonly InvalidSample[]
  /** For an operator that moves nothing: where in its input's storage the output lies. */
  view?(input: TensorView, attributes: A): ViewGeometry
  /** For a composite operator: the same result from other operators. */
  decompose?(inputs: OperatorInputs<Tensor>, attributes: A): Tensor
}

/** Checks an entry's types; the types of its attributes' values follow from their schemas. */
export function defineOperator<
  const S extends Readonly<Record<string, AttributeSchema>>,
  const N extends string,
>(
  definition: { readonly attributes: S } & OperatorDefinition<AttributeValues<S>, N>,
): OperatorDefinition<AttributeValues<S>, N> {
  return definition
}

/** Bytes read and written if every operand moves once; none for a view. */
export function bytesMoved(
  definition: OperatorDefinition,
  inputs: OperatorInputs<TensorSpec>,
  output: TensorSpec,
): number {
  if (definition.view !== undefined) return 0
  const bytes = (spec: TensorSpec): number => numel(spec.shape) * dtypes[spec.dtype].itemsize
  return inputs.reduce((sum, spec) => sum + (spec === undefined ? 0 : bytes(spec)), bytes(output))
}
