/** Which calls of two tapes are the same call on both sides. */
import type { AttributeValue } from '../../ops/index.ts'
import { formatShape, sameShape } from '../../tensor/shape.ts'
import type { Call, Tape } from './tape.ts'

export class Pairs {
  readonly #own = new Map<Call, Call>()
  /** What has no counterpart, or one of another shape; for people. */
  readonly unmatched: string[] = []

  /** Pairs calls by id, views too; of parts of composite operators only if both sides have some. */
  constructor(device: Tape, reference: Tape) {
    const hasParts = device.hasParts && reference.hasParts
    const relevant = ({ calls }: Tape): Call[] =>
      calls.filter(({ within }) => within === undefined || hasParts)
    const others = new Map(relevant(device).map((call) => [call.id, call]))
    for (const call of relevant(reference)) {
      const own = others.get(call.id)
      others.delete(call.id)
      if (own === undefined) this.unmatched.push(`${call.id} (only on the reference)`)
      else if (!sameShape(own.output.shape, call.output.shape)) {
        const [a, b] = [own, call].map(({ output }) => formatShape(output.shape))
        this.unmatched.push(`${call.id} (${a} on the device, ${b} on the reference)`)
      } else this.#own.set(call, own)
    }
    for (const id of others.keys()) this.unmatched.push(`${id} (only on the device)`)
  }

  /** The device's call, for one of the reference's. */
  get(call: Call): Call | undefined {
    return this.#own.get(call)
  }
}

type Values = Readonly<Record<string, { device: AttributeValue; reference: AttributeValue }>>

/** The attributes whose values differ. */
export function differingAttributes(device: Call, reference: Call): Values {
  return Object.fromEntries(
    Object.keys(reference.attributes)
      .map((name) => {
        const [own, other] = [device.attributes[name]!, reference.attributes[name]!]
        return [name, { device: own, reference: other }] as const
      })
      .filter(([, values]) => String(values.device) !== String(values.reference)),
  )
}
