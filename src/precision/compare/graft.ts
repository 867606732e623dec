/**
 * Grafts: the reference's forward with one output in it that the device made. Only what comes after it
 * is computed again. What that does to the logits is what this output's error costs.
 */
import type { RobertaConfig } from '../../model/config.ts'
import { probabilities } from '../../model/scores.ts'
import { dispatch } from '../../ops/dispatch.ts'
import type { HostTensor } from '../../ops/index.ts'
import { arena, type Tensor } from '../../tensor/tensor.ts'
import { inputValues, type Player, toHost } from './replay.ts'
import type { Graft } from './result.ts'
import type { Call, ModuleOutput, Source, Tape } from './tape.ts'

/** What a graft in one batch gives; `merge` makes one of several. */
export interface GraftSums {
  readonly maxLogitError: number
  readonly maxProbabilityError: number
  readonly squares: number
  readonly count: number
}

export class Grafter {
  /** Parts of composite operators are left out: the operator is made as a whole. */
  readonly #calls: readonly Call[]
  /** The last call that reads an output. */
  readonly #lastReader = new Map<Call, Call>()

  constructor(
    readonly tape: Tape,
    readonly device: Player,
    readonly reference: Player,
    readonly config: RobertaConfig,
  ) {
    this.#calls = tape.calls.filter(({ within }) => within === undefined)
    for (const call of this.#calls) {
      for (const source of call.inputs) {
        if (source?.kind === 'call') this.#lastReader.set(source.call, call)
      }
    }
  }

  /** One operator on the device, with the reference's inputs. */
  async operator(call: Call): Promise<GraftSums> {
    return this.#graft([call])
  }

  /** A whole module on the device, with the reference's inputs. */
  async module(module: ModuleOutput): Promise<GraftSums> {
    return this.#graft(this.callsOf(module))
  }

  /** The calls that a module is made of. */
  callsOf({ scope, call }: ModuleOutput): readonly Call[] {
    const isInside = (path: string): boolean => path === scope || path.startsWith(`${scope}.`)
    const calls = this.#calls.filter((one) => isInside(one.scope))
    return calls.slice(0, calls.indexOf(call) + 1)
  }

  async #graft(calls: readonly Call[]): Promise<GraftSums> {
    const values = await inputValues(calls, this.tape)
    using output = this.device.play(calls, values)
    return this.#effect(await this.#logitsWith(calls.at(-1)!, await toHost(output)))
  }

  async #logitsWith(call: Call, output: HostTensor): Promise<Float64Array> {
    using logits = arena(() => {
      const { parameters } = this.reference
      const made = new Map<Call, Tensor>([[call, this.reference.upload(output)]])
      const tensorOf = (source: Source | undefined): Tensor | undefined => {
        if (source === undefined) return undefined
        if (source.kind === 'parameter') return parameters.get(source.name)!
        const fresh = source.kind === 'call' ? made.get(source.call) : undefined
        return fresh ?? this.tape.tensorOf(source)
      }
      for (const next of this.#calls) {
        const changed = next.inputs.filter(
          (source) => source?.kind === 'call' && made.has(source.call),
        ) as readonly (Source & { kind: 'call' })[]
        if (next.position <= call.position || changed.length === 0) continue
        made.set(next, dispatch(next.definition, next.inputs.map(tensorOf), next.attributes))
        for (const { call: read } of changed) {
          if (this.#lastReader.get(read) === next) made.get(read)!.dispose()
        }
      }
      return made.get(this.#calls.at(-1)!)
    })
    return logits === undefined ? this.tape.logits : logits.numbers()
  }

  #effect(logits: Float64Array): GraftSums {
    const before = this.tape.logits
    const { labels, head } = this.config
    const errors = Array.from(logits, (logit, i) => Math.abs(logit - before[i]!))
    const scores = (all: Float64Array): number[] =>
      Array.from({ length: all.length / labels.length }, (_, text) =>
        probabilities(all.subarray(text * labels.length, (text + 1) * labels.length), head),
      ).flat()
    const [with_, without] = [scores(logits), scores(before)]
    return {
      maxLogitError: largest(errors),
      maxProbabilityError: largest(with_.map((score, i) => Math.abs(score - without[i]!))),
      squares: errors.reduce((sum, error) => sum + error * error, 0),
      count: errors.length,
    }
  }
}

/** NaN where one is NaN. */
function largest(values: readonly number[]): number {
  return values.reduce((max, value) => Math.max(max, value), 0)
}

export const noEffect: GraftSums = {
  maxLogitError: 0,
  maxProbabilityError: 0,
  squares: 0,
  count: 1,
}

export function mergeGrafts(
  a: GraftSums | undefined,
  b: GraftSums | undefined,
): GraftSums | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return {
    maxLogitError: Math.max(a.maxLogitError, b.maxLogitError),
    maxProbabilityError: Math.max(a.maxProbabilityError, b.maxProbabilityError),
    squares: a.squares + b.squares,
    count: a.count + b.count,
  }
}

export function graftOf({ maxLogitError, maxProbabilityError, squares, count }: GraftSums): Graft {
  return { maxLogitError, rmsLogitError: Math.sqrt(squares / count), maxProbabilityError }
}
