/** Calls of a tape made again, on either side, one alone or a range of them. */
import { dispatch } from '../../ops/dispatch.ts'
import { type HostTensor, tensors } from '../../ops/index.ts'
import { isFloatDType } from '../../tensor/dtype.ts'
import { arena, type Tensor } from '../../tensor/tensor.ts'
import type { CommonPrecision } from './precision.ts'
import { parametersOf, type Subject } from './subject.ts'
import type { Call, Source, Tape } from './tape.ts'

/** Values on the host for sources of a tape, in the dtype of the side that they are from. */
export type Values = ReadonlyMap<Source, HostTensor>

export async function toHost(tensor: Tensor): Promise<HostTensor> {
  const { dtype, shape } = tensor
  return { dtype, shape, data: await tensor.data() }
}

/**
 * What `calls` read on their tape from outside of them, weights left out. Views are traced back to what
 * they look at, so that they can be made anew: a kernel may treat a transposed input differently.
 */
export async function inputValues(
  calls: readonly Call[],
  tape: Tape,
): Promise<Map<Source, HostTensor>> {
  const values = new Map<Source, HostTensor>()
  const add = async ({ inputs }: Call): Promise<void> => {
    for (const source of inputs) {
      if (source === undefined || source.kind === 'parameter' || values.has(source)) continue
      if (source.kind === 'call' && calls.includes(source.call)) continue
      if (source.kind === 'call' && source.call.definition.view !== undefined) {
        await add(source.call)
      } else values.set(source, await toHost(tape.tensorOf(source)))
    }
  }
  for (const call of calls) await add(call)
  return values
}

/** One side, ready to make calls of the reference's tape. */
export class Player {
  readonly parameters: ReadonlyMap<string, Tensor>

  constructor(
    readonly subject: Subject,
    readonly precision: CommonPrecision,
    /** The call of this side that is the same as one of the reference's: its attributes are used. */
    readonly ownOf: (call: Call) => Call,
  ) {
    this.parameters = parametersOf(subject)
  }

  /**
   * Makes `calls` in their order, with this side's weights and with `values`, in the common precision,
   * and returns the output of the last.
   */
  play(calls: readonly Call[], values: Values): Tensor {
    return arena(() => {
      const read = new Map<Source, Tensor>()
      const outputs = new Map<Call, Tensor>()
      const resolve = (source: Source | undefined): Tensor | undefined => {
        if (source === undefined) return undefined
        const made = source.kind === 'call' ? outputs.get(source.call) : undefined
        const known = made ?? read.get(source)
        if (known !== undefined) return known
        const fresh = this.#make(source, values, resolve)
        read.set(source, fresh)
        return fresh
      }
      for (const call of calls) {
        const { attributes } = this.ownOf(call)
        outputs.set(call, dispatch(call.definition, call.inputs.map(resolve), attributes))
      }
      return outputs.get(calls.at(-1)!)!
    })
  }

  #make(
    source: Source,
    values: Values,
    resolve: (source: Source | undefined) => Tensor | undefined,
  ): Tensor {
    if (source.kind === 'parameter') return this.precision.round(this.parameters.get(source.name)!)
    const value = values.get(source)
    if (value !== undefined) return this.upload(value)
    const { definition, inputs, attributes } = (source as Source & { kind: 'call' }).call
    return dispatch(definition, inputs.map(resolve), attributes)
  }

  upload({ dtype, shape, data }: HostTensor): Tensor {
    const { backend, dtype: own } = this.subject
    const to = isFloatDType(dtype) ? own : dtype
    const converted = this.precision.convert(data, dtype, to)
    return tensors(backend, [{ dtype: to, shape, data: converted }])[0]!
  }
}
