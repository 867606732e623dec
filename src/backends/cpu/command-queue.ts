/**
 * The main thread's side of a stream of commands: they go in, waiting comes out as promises.
 *
 * Nothing here blocks. A command that finds the ring full waits in a list until there is room.
 */
import { type OperatorName, operatorNames } from '../../ops/catalogue.ts'
import { IndexOutOfRangeError } from '../../tensor/errors.ts'
import { type CommandRing, type Fault, mostUnits } from './command-ring.ts'
import { CpuError } from './error.ts'
import { type KernelName, kernelNames } from './kernel-names.ts'
import { pageSize } from './memory.ts'
import type { Blas } from './native-blas.ts'
import type { Listener, Workers } from './workers.ts'

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** A share of this many elements or so is worth being fetched. */
const worthwhile = 8192
/** Shares for each thread: more of them even out threads that are slowed down by others. */
const sharesPerThread = 8

export class CommandQueue implements Listener {
  readonly #ring: CommandRing
  readonly #waiting = new Map<number, Waiting>()
  /** Who only wants to know that commands are over. */
  readonly #watching = new Map<number, () => void>()
  readonly #late: (() => void)[] = []
  #isHeld = false
  #issued = 0
  #failure: CpuError | undefined

  /** Throws CpuError where the workers have no ring left. */
  constructor(readonly workers: Workers) {
    const ring = workers.takeRing(this)
    if (ring === undefined) {
      throw new CpuError(undefined, 'all of its streams are in use', {
        hint: 'close a backend that was opened beside it',
      })
    }
    this.#ring = ring
  }

  get threads(): number {
    return this.workers.count
  }

  get blas(): Blas | undefined {
    return this.workers.blas
  }

  /** Where the stream of commands is; a later command has a larger number. */
  get issued(): number {
    return this.#issued
  }

  /** All commands up to this one are complete. */
  get done(): number {
    const pending = (this.#ring.submitted - this.#ring.completed) >>> 0
    return this.#issued - this.#late.length - pending
  }

  /** No command begins before all those of the other stream so far are over, whatever became of them. */
  holdFor(other: CommandQueue): void {
    this.#isHeld = true
    other.#watch(() => {
      this.#isHeld = false
      this.#retry()
    })
  }

  /**
   * Appends a command of `units` units; `work` is about how many elements a unit touches. Throws
   * CpuError if the threads have failed.
   */
  submit(
    kernel: KernelName,
    units: number,
    work: number,
    args: readonly number[],
    operator?: OperatorName,
  ): void {
    if (this.#failure !== undefined) throw this.#failure
    if (units > mostUnits) throw new CpuError(operator, `${units} pieces of work are too many`)
    const even = Math.ceil(units / (this.threads * sharesPerThread))
    const share = Math.min(units, Math.max(even, Math.ceil(worthwhile / Math.max(work, 1))))
    const tag = operator === undefined ? -1 : operatorNames.indexOf(operator)
    const command = { kernel: kernelNames.indexOf(kernel), tag, arguments: args }
    const pages = this.workers.memory.buffer.byteLength / pageSize
    this.#append(() => this.#ring.append(command, units, share, pages))
  }

  /** Resolves when all commands so far are complete; rejects with the first fault since the last wait. */
  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(this.#submitFence(), { resolve, reject })
    })
  }

  /** Lets another stream have the ring once all commands are complete. Nobody may submit any more. */
  async close(): Promise<void> {
    await new Promise<void>((over) => this.#watch(over))
    // What nobody has waited for.
    this.#ring.takeFault()
    this.workers.giveBack(this.#ring, this)
    this.#failure ??= new CpuError(undefined, 'the device was closed')
  }

  passed(fence: number): void {
    if (this.#watching.has(fence)) this.#settle(this.#watching, fence, (over) => over())
    if (!this.#waiting.has(fence)) return
    const fault = this.#ring.takeFault()
    if (fault !== undefined) {
      // Whoever waits now cannot know that what was asked for does not depend on the fault.
      this.#rejectAll(errorOf(fault))
      return
    }
    this.#settle(this.#waiting, fence, ({ resolve }) => resolve())
  }

  failed(problem: string): void {
    this.#failure ??= new CpuError(undefined, problem)
    this.#rejectAll(this.#failure)
    for (const fence of [...this.#watching.keys()])
      this.#settle(this.#watching, fence, (over) => over())
  }

  #watch(over: () => void): void {
    if (this.#failure === undefined) this.#watching.set(this.#submitFence(), over)
    else over()
  }

  #submitFence(): number {
    const fence = this.workers.nextFence()
    this.submit('fence', 1, worthwhile, [fence])
    this.workers.keepAlive()
    return fence
  }

  #append(append: () => void): void {
    this.#issued += 1
    if (this.#late.length > 0) this.#late.push(append)
    else if (this.#isHeld || this.#ring.isFull) {
      this.#late.push(append)
      this.#retry()
    } else append()
  }

  /** Moves what waits into the ring as it empties. */
  #retry(): void {
    if (this.#isHeld) return
    while (this.#late.length > 0 && !this.#ring.isFull) this.#late.shift()!()
    if (this.#late.length > 0 && this.#failure === undefined) setTimeout(() => this.#retry(), 1)
  }

  #rejectAll(error: Error): void {
    for (const fence of [...this.#waiting.keys()])
      this.#settle(this.#waiting, fence, ({ reject }) => reject(error))
  }

  #settle<W>(waits: Map<number, W>, fence: number, settle: (wait: W) => void): void {
    settle(waits.get(fence)!)
    waits.delete(fence)
    this.workers.letEnd()
  }
}

function errorOf({ tag, message, index }: Fault): Error {
  const operator = operatorNames[tag]
  if (index !== undefined) return new IndexOutOfRangeError(`${operator}`, index.index, index.size)
  return new CpuError(operator, message)
}
