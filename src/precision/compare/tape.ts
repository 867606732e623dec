/**
 * A tape: one forward pass of one side, written down as a list of operator calls.
 *
 * Each call says where its inputs come from: a weight, a tensor of the batch, or the output of an earlier
 * call. So any call can be made again, on another device, with other inputs, or with all that follows
 * it, and the model's code knows nothing of it.
 */
import { uploadBatch } from '../../model/forward.ts'
import type { TokenBatch } from '../../model/token-batch.ts'
import {
  type Attributes,
  catalogue,
  type ModuleEvent,
  type OperatorDefinition,
  type OperatorEvent,
  type OperatorName,
  observe,
} from '../../ops/index.ts'
import { arena, type Tensor } from '../../tensor/tensor.ts'
import type { Subject } from './subject.ts'

/** Where a tensor comes from. All uses of one tensor share one object. */
export type Source =
  | { readonly kind: 'parameter'; readonly name: string }
  /** Also any other tensor that no operator made. */
  | { readonly kind: 'batch'; readonly name: string }
  | { readonly kind: 'call'; readonly call: Call }

export interface Call {
  /** `scope/operator#occurrence`, and `scope/composite>operator#occurrence` for a part. */
  readonly id: string
  readonly position: number
  readonly operator: OperatorName
  readonly definition: OperatorDefinition<Attributes, OperatorName>
  readonly scope: string
  readonly within: OperatorName | undefined
  readonly attributes: Attributes
  readonly inputs: readonly (Source | undefined)[]
  readonly output: Tensor
  /** False for a composite operator whose parts were made just before. */
  readonly isFused: boolean
}

/** What a module returned: the output of one of the calls in it. */
export interface ModuleOutput {
  readonly scope: string
  readonly call: Call
}

export class Tape implements Disposable {
  readonly calls: Call[] = []
  readonly modules: ModuleOutput[] = []
  readonly batch = new Map<string, Tensor>()
  /** `[texts, labels]`, in row-major order. */
  logits: Float64Array = new Float64Array()

  /** Whether composite operators were decomposed, so that their parts are here as well. */
  get hasParts(): boolean {
    return this.calls.some(({ within }) => within !== undefined)
  }

  /** The tensor that a source of this tape stands for, where it is no weight. */
  tensorOf(source: Exclude<Source, { kind: 'parameter' }>): Tensor {
    return source.kind === 'call' ? source.call.output : this.batch.get(source.name)!
  }

  [Symbol.dispose](): void {
    for (const { output } of this.calls) output.dispose()
    for (const tensor of this.batch.values()) tensor.dispose()
  }
}

/**
 * Runs a batch and records it. The tape holds every intermediate tensor on the device until it is
 * disposed of. Composite operators run as the device runs them, unless `looksInside`.
 */
export async function record(
  { model, backend }: Subject,
  tokens: TokenBatch,
  { looksInside = false }: { readonly looksInside?: boolean } = {},
): Promise<Tape> {
  const tape = new Tape()
  const sources = new Map<Tensor, Source>()
  for (const { name, value } of model.parameters) sources.set(value, { kind: 'parameter', name })
  const occurrences = new Map<string, number>()
  const sourceOf = (tensor: Tensor, name: string): Source => {
    const known = sources.get(tensor)
    if (known !== undefined) return known
    const source: Source = { kind: 'batch', name }
    sources.set(tensor, source)
    tape.batch.set(name, tensor.alias())
    return source
  }
  const operator = (event: OperatorEvent): void => {
    const { scope, within, attributes, inputs, output } = event
    const name = within === undefined ? event.operator : `${within}>${event.operator}`
    const path = `${scope}/${name}`
    const occurrence = occurrences.get(path) ?? 0
    occurrences.set(path, occurrence + 1)
    const id = `${path}#${occurrence}`
    const call: Call = {
      id,
      position: tape.calls.length,
      operator: event.operator,
      definition: catalogue[event.operator],
      scope,
      within,
      attributes,
      inputs: inputs.map((input, at) => input && sourceOf(input, `${id} input ${at}`)),
      output: output.alias(),
      isFused: tape.calls.at(-1)?.within !== event.operator,
    }
    tape.calls.push(call)
    // The output of a composite operator is that of its last part; from here on it is its own.
    sources.set(output, { kind: 'call', call })
  }
  const module = ({ scope, output }: ModuleEvent): void => {
    // The root has no name; its output are the logits.
    if (scope === '') return
    const source = sources.get(output as Tensor)
    if (source?.kind === 'call') tape.modules.push({ scope, call: source.call })
  }
  const watching = observe({ looksInside, operator, module }, backend)
  try {
    using logits = arena(() => {
      const { lengths: _, ...batch } = uploadBatch(tokens, model.config, backend)
      for (const [name, tensor] of Object.entries(batch)) if (tensor) sourceOf(tensor, name)
      return model.call({ lengths: tokens.lengths, ...batch })
    })
    watching[Symbol.dispose]()
    tape.logits = await logits.numbers()
  } catch (error) {
    tape[Symbol.dispose]()
    throw error
  } finally {
    watching[Symbol.dispose]()
  }
  return tape
}
