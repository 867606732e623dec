/**
 * Records the first forward of a program for some shapes as a plan, and replays it for the later ones.
 * Which plans there are is `plans.ts`'s, what one does `plan.ts`'s, one launch of all of it `graph.ts`'s.
 */
import { InvalidArgumentError } from '../../errors.ts'
import type { Backend, HostTensor } from '../../ops/backend.ts'
import { dtypes } from '../../tensor/dtype.ts'
import { Storage, type TensorView } from '../../tensor/storage.ts'
import { Arrays } from './arrays.ts'
import type { Slot } from './device-view.ts'
import { Graphs } from './graph.ts'
import { Plan } from './plan.ts'
import { classOf, type PlanClass, Plans } from './plans.ts'
import type { Runtime } from './runtime.ts'
import type { Tally } from './tally.ts'

/** 4 GiB, a sixteenth of a 910B3's memory: some plans of long texts, or hundreds of short ones. */
const defaultPlanMemory = 4 * 1024 ** 3

export interface RecorderOptions {
  /** Whether forwards are recorded and replayed; true if not given. */
  readonly plans?: boolean | undefined
  /** Bytes of device memory that plans may hold together; 4 GiB if not given. */
  readonly planMemory?: number | undefined
  /** Whether plans are captured as graphs; true if not given. */
  readonly graphs?: boolean | undefined
}

/** Throws `InvalidArgumentError`. */
export function checkRecorderOptions({ planMemory = defaultPlanMemory }: RecorderOptions): void {
  if (planMemory >= 0) return
  throw new InvalidArgumentError('planMemory', `${planMemory} is not a number of bytes`)
}

type Forward = (slots: readonly Slot[]) => TensorView

export class Recorder {
  readonly #backend: Backend
  readonly #runtime: Runtime
  readonly #plans: Plans | undefined
  readonly #graphs: Graphs | undefined
  readonly #tally: Tally
  #recording: Plan | undefined

  /** @param backend Where results live. */
  constructor(backend: Backend, runtime: Runtime, options: RecorderOptions, tally: Tally) {
    const { plans = true, planMemory = defaultPlanMemory, graphs = true } = options
    this.#backend = backend
    this.#runtime = runtime
    this.#tally = tally
    this.#plans = plans ? new Plans(planMemory, tally) : undefined
    this.#graphs = plans && graphs ? new Graphs(runtime, tally) : undefined
  }

  /** The plan that what is enqueued belongs to, while a forward is recorded. */
  get recording(): Plan | undefined {
    return this.#recording
  }

  get settings(): Readonly<Record<string, string>> {
    const { plans, graphs } = this.#tally
    return {
      plans: this.#plans === undefined ? 'off' : plans,
      graphs: this.#graphs === undefined ? 'off' : graphs,
    }
  }

  get heldBytes(): number {
    return this.#plans?.heldBytes ?? 0
  }

  replay(program: object, inputs: readonly HostTensor[], forward: Forward): TensorView {
    const plans = this.#plans
    const of = classOf(program, inputs)
    const plan = plans?.find(of)
    if (
      plans === undefined ||
      this.#recording !== undefined ||
      plan?.isBusy ||
      plans.isRefused(of)
    ) {
      return forward(this.#backend.upload(inputs) as readonly Slot[])
    }
    if (plan === undefined) return this.#record(plans, of, inputs, forward)
    plan.accept(inputs)
    try {
      const { slot, dtype, shape, strides, offset } = plan.replay(inputs, this.#graphs)
      const storage = new Storage(this.#backend, slot, slot.length * dtypes[dtype].itemsize)
      return { storage, dtype, shape, strides, offset }
    } catch (error) {
      plans.drop(plan)
      throw error
    }
  }

  #record(
    plans: Plans,
    of: PlanClass,
    inputs: readonly HostTensor[],
    forward: Forward,
  ): TensorView {
    const plan = new Plan(this.#runtime)
    this.#recording = plan
    try {
      const placed = Arrays.placed(this.#runtime, plan, inputs)
      const output = forward(placed.slots)
      if (plan.finish(placed, output)) plans.add(plan, of)
      else plans.refuse(plan, of)
      return output
    } catch (error) {
      plans.drop(plan)
      throw error
    } finally {
      this.#recording = undefined
    }
  }

  /** Drops the plans that read memory which is given back. */
  forget(slot: Slot): void {
    this.#plans?.forget(slot)
  }

  /** Drops all plans: they can be made anew. */
  dropAll(): void {
    this.#plans?.dropAll()
  }

  close(): void {
    this.#plans?.close()
    this.#graphs?.close()
  }
}
