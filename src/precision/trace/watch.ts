/** The NaN watch: whether an operator's output is finite, and all that is known of it if not. */
import type { Attributes, OperatorName } from '../../ops/index.ts'
import { type DType, isFloatDType } from '../../tensor/dtype.ts'
import type { Shape } from '../../tensor/shape.ts'
import type { CapturedOperator, CapturedTensor } from './capture.ts'
import { type BadElement, firstBadElement, type Statistics, statisticsOf } from './statistics.ts'

export interface WatchedTensor {
  /** `output`, or the input's name in the catalogue. */
  readonly part: string
  readonly name: string
  readonly dtype: DType
  readonly shape: Shape
  readonly statistics: Statistics
  /** Undefined where all elements are finite. */
  readonly firstBad: BadElement | undefined
}

/** An operator whose output has a NaN or an infinity. */
export interface BadOperator {
  readonly id: string
  readonly operator: OperatorName
  /** The module that it ran in. */
  readonly scope: string
  readonly within: OperatorName | undefined
  readonly attributes: Attributes
  readonly inputs: readonly WatchedTensor[]
  readonly output: WatchedTensor
}

/** What is wrong with an operator's output; undefined if every element is finite. */
export async function findBad(captured: CapturedOperator): Promise<BadOperator | undefined> {
  const { id, operator, scope, within, attributes, inputs, output } = captured
  if (!isFloatDType(output.tensor.dtype)) return undefined
  const seen = await look('output', output)
  if (seen.firstBad === undefined) return undefined
  const shown: WatchedTensor[] = []
  for (const { input, tensor } of inputs) shown.push(await look(input, tensor))
  return { id, operator, scope, within, attributes, inputs: shown, output: seen }
}

async function look(part: string, { name, tensor }: CapturedTensor): Promise<WatchedTensor> {
  const { dtype, shape } = tensor
  const values = await tensor.numbers()
  const firstBad = firstBadElement(values, shape)
  return { part, name, dtype, shape, statistics: statisticsOf(values), firstBad }
}
