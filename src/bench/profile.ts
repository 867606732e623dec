/**
 * Where the time of a forward goes, operator by operator.
 *
 * Operators are enqueued without waiting, so they cannot be timed as they pass. An observer keeps each
 * call of one forward; then the calls are made again one at a time, each with a wait for the device
 * after it. That perturbs: nothing overlaps, and each call pays for its wait.
 */
import type { SequenceClassifier } from '../model/sequence-classifier.ts'
import { dispatch } from '../ops/dispatch.ts'
import {
  type Attributes,
  catalogue,
  type OperatorDefinition,
  type OperatorEvent,
  type OperatorName,
  observe,
} from '../ops/index.ts'
import { bytesMoved } from '../ops/operator.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Encoding } from '../tokenizer/tokenizer.ts'
import type { ModuleReport, OperatorReport, ProfileReport } from './report.ts'
import { median } from './statistics.ts'
import type { Batch } from './workload.ts'

/** The part of a classifier that is needed here. */
export type Profiled = Pick<SequenceClassifier, 'backend' | 'encode' | 'forward'>

type AnyDefinition = OperatorDefinition<Attributes, OperatorName>

/** One operator call of a forward, with handles of its own on its inputs. */
interface RecordedCall {
  readonly definition: AnyDefinition
  readonly module: string
  readonly operator: string
  readonly inputs: readonly (Tensor | undefined)[]
  readonly attributes: Attributes
  readonly flops: number
  readonly bytes: number
  /** One for each round. */
  readonly seconds: number[]
}

/** Times the operators of one batch; each time is the median of `rounds`, after one to warm up. */
export async function profile(
  classifier: Profiled,
  texts: Batch,
  rounds: number,
): Promise<ProfileReport> {
  const { backend } = classifier
  const encodings = texts.map((text) => classifier.encode(text))
  const calls = await record(classifier, encodings)
  try {
    const forwards: number[] = []
    const waits: number[] = []
    for (let round = 0; round <= rounds; round++) {
      const forward = await secondsOf(() => classifier.forward(encodings))
      const wait = await secondsOf(() => backend.synchronize())
      for (const call of calls) {
        const seconds = await secondsOf(async () => {
          using _output = dispatch(call.definition, call.inputs, call.attributes)
          await backend.synchronize()
        })
        if (round > 0) call.seconds.push(seconds)
      }
      if (round === 0) continue
      forwards.push(forward)
      waits.push(wait)
    }
    const byModule = group(calls, ({ module, operator }) => `${module} ${operator}`)
    return {
      texts: texts.length,
      tokens: encodings.reduce((sum, { inputIds }) => sum + inputIds.length, 0),
      forwardSeconds: median(forwards),
      operatorSeconds: calls.reduce((sum, call) => sum + median(call.seconds), 0),
      waitSeconds: median(waits),
      byOperator: group(calls, ({ operator }) => operator).map(({ module: _, ...rest }) => rest),
      byModule,
    }
  } finally {
    for (const call of calls) release(call)
  }
}

async function secondsOf(body: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await body()
  return (performance.now() - begin) / 1000
}

/**
 * The operator calls of a forward that a device executes: views are none, and a composite operator
 * counts by its parts where the device has no kernel for it.
 */
async function record(
  classifier: Profiled,
  encodings: readonly Encoding[],
): Promise<RecordedCall[]> {
  const calls: RecordedCall[] = []
  // Parts are seen just before the composite operator that they make up.
  let lastPartOf: OperatorName | undefined
  const keep = ({ operator, scope, within, inputs, attributes, output }: OperatorEvent): void => {
    const definition: AnyDefinition = catalogue[operator]
    const wasDecomposed = lastPartOf === operator
    lastPartOf = within
    if (definition.view !== undefined || wasDecomposed) return
    calls.push({
      definition,
      module: scope.replace(/(?<=\.)\d+(?=\.)/g, '*'),
      operator: within === undefined ? operator : `${within} > ${operator}`,
      inputs: inputs.map((input) => input?.alias()),
      attributes,
      flops: definition.flops(inputs, attributes, output),
      bytes: bytesMoved(definition, inputs, output),
      seconds: [],
    })
  }
  const watching = observe({ operator: keep }, classifier.backend)
  try {
    await classifier.forward(encodings)
  } catch (error) {
    for (const call of calls) release(call)
    throw error
  } finally {
    watching[Symbol.dispose]()
  }
  return calls
}

function release({ inputs }: RecordedCall): void {
  for (const input of inputs) input?.dispose()
}

/** Sums calls with the same key; most time first. */
function group(
  calls: readonly RecordedCall[],
  keyOf: (call: RecordedCall) => string,
): ModuleReport[] {
  const sums = new Map<string, ModuleReport>()
  for (const call of calls) {
    const { module, operator } = call
    const sum = sums.get(keyOf(call)) ?? { module, operator, ...nothing }
    sums.set(keyOf(call), {
      module,
      operator,
      calls: sum.calls + 1,
      seconds: sum.seconds + median(call.seconds),
      flops: sum.flops + call.flops,
      bytes: sum.bytes + call.bytes,
    })
  }
  return [...sums.values()].sort((a, b) => b.seconds - a.seconds)
}

const nothing: Omit<OperatorReport, 'operator'> = { calls: 0, seconds: 0, flops: 0, bytes: 0 }
