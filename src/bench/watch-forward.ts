/** A forward, and the operator calls that a device executes for it: what both ways of timing start from. */
import type { SequenceClassifier } from '../model/sequence-classifier.ts'
import {
  type Attributes,
  catalogue,
  type OperatorDefinition,
  type OperatorEvent,
  type OperatorName,
  observe,
} from '../ops/index.ts'
import { bytesMoved } from '../ops/operator.ts'
import type { Encoding } from '../tokenizer/tokenizer.ts'

/** The part of a classifier that is needed here. */
export type Profiled = Pick<SequenceClassifier, 'backend' | 'encode' | 'forward'>

export type AnyDefinition = OperatorDefinition<Attributes, OperatorName>

/** One operator call of a forward. */
export interface Call {
  readonly module: string
  readonly operator: string
  readonly flops: number
  readonly bytes: number
}

/** What the calls of a forward took, in their order. */
export interface CallTimes {
  readonly calls: readonly Call[]
  /** Of each round, of each call. */
  readonly seconds: readonly (readonly number[])[]
  /** Of each round: what timing nothing gives. */
  readonly empty: readonly number[]
}

export async function secondsOf(body: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await body()
  return (performance.now() - begin) / 1000
}

/**
 * Runs a forward and shows `see` the operator calls that a device executes: views are none, and a
 * composite operator counts by its parts where the device has no kernel for it.
 */
export async function watchForward(
  classifier: Profiled,
  encodings: readonly Encoding[],
  see: (call: Call, definition: AnyDefinition, event: OperatorEvent) => void,
): Promise<void> {
  // Parts are seen just before the composite operator that they make up.
  let lastPartOf: OperatorName | undefined
  const operator = (event: OperatorEvent): void => {
    const { operator: name, scope, within, inputs, attributes, output } = event
    const definition: AnyDefinition = catalogue[name]
    const wasDecomposed = lastPartOf === name
    lastPartOf = within
    if (definition.view !== undefined || wasDecomposed) return
    const call = {
      module: scope.replace(/(?<=\.)\d+(?=\.)/g, '*'),
      operator: within === undefined ? name : `${within} > ${name}`,
      flops: definition.flops(inputs, attributes, output),
      bytes: bytesMoved(definition, inputs, output),
    }
    see(call, definition, event)
  }
  using _watching = observe({ operator }, classifier.backend)
  await classifier.forward(encodings)
}
