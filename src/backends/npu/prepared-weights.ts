/**
 * Other forms of weights, such as one in the NZ format, each made once and kept beside the memory of its
 * weight for as long. They go all after a wait that failed, since nobody knows whether they were made right.
 */
import type { DeviceView, Slot } from './device-view.ts'

export class PreparedWeights {
  readonly #forms = new Map<Slot, DeviceView>()

  of(weight: Slot): DeviceView | undefined {
    return this.#forms.get(weight)
  }

  /** Keeps a form, whose memory is given back with it. */
  keep(weight: Slot, form: DeviceView): void {
    this.#forms.set(weight, form)
  }

  /** The weight is given back, and its form with it. */
  forget(weight: Slot): void {
    const { block, memory } = this.#forms.get(weight)?.slot ?? {}
    if (block === undefined) return
    this.#forms.delete(weight)
    memory!.put(block)
  }

  dropAll(): void {
    for (const weight of this.#forms.keys()) this.forget(weight)
  }
}
