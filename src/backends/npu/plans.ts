/**
 * The plans of a backend: by program and by the dtypes and shapes of the inputs, the least recently
 * used ones destroyed where they hold more memory than they may.
 */
import type { HostTensor } from '../../ops/backend.ts'
import { formatShape } from '../../tensor/shape.ts'
import type { Slot } from './device-view.ts'
import type { Plan } from './plan.ts'
import type { Tally } from './tally.ts'

/** All inputs that one plan serves. */
export interface PlanClass {
  readonly program: object
  readonly shapes: string
}

export function classOf(program: object, inputs: readonly HostTensor[]): PlanClass {
  const shapes = inputs.map(({ dtype, shape }) => dtype + formatShape(shape)).join()
  return { program, shapes }
}

export class Plans {
  readonly #budget: number
  /** Least recently used first. */
  readonly #kept = new Map<Plan, PlanClass>()
  /** No longer used, and not destroyed yet. */
  readonly #retired = new Set<Plan>()
  readonly #readers = new Map<Slot, Set<Plan>>()
  /** What is not recorded again: the plan would be no use. */
  readonly #refused = new WeakMap<object, Set<string>>()
  readonly #tally: Tally

  /** @param budget Bytes of device memory. */
  constructor(budget: number, tally: Tally) {
    this.#budget = budget
    this.#tally = tally
  }

  get heldBytes(): number {
    return bytesOf(this.#kept.keys()) + bytesOf(this.#retired)
  }

  /** The plan of a class, which counts as used now. */
  find({ program, shapes }: PlanClass): Plan | undefined {
    for (const [plan, known] of this.#kept) {
      if (known.program !== program || known.shapes !== shapes) continue
      this.#kept.delete(plan)
      this.#kept.set(plan, known)
      return plan
    }
    return undefined
  }

  isRefused({ program, shapes }: PlanClass): boolean {
    return this.#refused.get(program)?.has(shapes) === true
  }

  /** Keeps a plan, at the cost of others, unless it alone is beyond the budget. */
  add(plan: Plan, of: PlanClass): void {
    if (plan.bytes > this.#budget) {
      this.refuse(plan, of)
      return
    }
    this.#kept.set(plan, of)
    for (const slot of plan.reads) {
      const readers = this.#readers.get(slot)
      if (readers === undefined) this.#readers.set(slot, new Set([plan]))
      else readers.add(plan)
    }
    this.#tally.plan(plan.calls)
    let excess = bytesOf(this.#kept.keys()) - this.#budget
    for (const other of this.#kept.keys()) {
      if (excess <= 0) break
      if (other === plan) continue
      excess -= other.bytes
      this.drop(other)
    }
  }

  /** Drops a plan, and has its class run without one from now on. */
  refuse(plan: Plan, { program, shapes }: PlanClass): void {
    const refused = this.#refused.get(program)
    if (refused === undefined) this.#refused.set(program, new Set([shapes]))
    else refused.add(shapes)
    this.drop(plan)
  }

  /** Destroys a plan as soon as nothing uses it. */
  drop(plan: Plan, atOnce = false): void {
    this.#kept.delete(plan)
    for (const slot of plan.reads) {
      const readers = this.#readers.get(slot)
      readers?.delete(plan)
      if (readers?.size === 0) this.#readers.delete(slot)
    }
    this.#retired.add(plan)
    plan.retire(() => this.#retired.delete(plan), atOnce)
  }

  /** Drops the plans that read memory which is given back. */
  forget(slot: Slot): void {
    for (const plan of this.#readers.get(slot) ?? []) this.drop(plan)
  }

  dropAll(): void {
    for (const plan of this.#kept.keys()) this.drop(plan)
  }

  /** Drops all plans, also those whose tensors live. */
  close(): void {
    for (const plan of [...this.#kept.keys(), ...this.#retired]) this.drop(plan, true)
  }
}

function bytesOf(plans: Iterable<Plan>): number {
  let sum = 0
  for (const { bytes } of plans) sum += bytes
  return sum
}
