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

/** Somebody who waits until commands are complete, or given up. */
interface Waiting {
  /** With what has gone wrong in the stream, if anything has. */
  readonly end: (error?: Error) => void
  /** Whether faults are told to it. */
  readonly hearsFaults: boolean
}

/** A share of this many elements or so is worth being fetched. */
const worthwhile = 8192
/** Shares for each thread: more of them even out threads that are slowed down by others. */
const sharesPerThread = 8

export class CommandQueue implements Listener {
  readonly #workers: Workers
  readonly #ring: CommandRing
  /** By the fences that have not been passed; undefined once it has been told of a fault. */
  readonly #waiting = new Map<number, Waiting | undefined>()
  readonly #late: (() => void)[] = []
  #isHeld = false
  #issued = 0
  #failure: CpuError | undefined
  #closing: Promise<void> | undefined

  /** Throws CpuError where the workers have no ring left. */
  constructor(workers: Workers) {
    this.#workers = workers
    const ring = workers.takeRing(this)
    if (ring === undefined) {
      throw new CpuError(undefined, 'all of its streams are in use', {
        hint: 'close a backend that was opened beside it',
      })
    }
    this.#ring = ring
  }

  get threads(): number {
    return this.#workers.count
  }

  get blas(): Blas | undefined {
    return this.#workers.blas
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

  /** No command begins before all those of the other stream so far are complete, whatever became of them. */
  holdFor(other: CommandQueue): void {
    this.#isHeld = true
    void other.#completed().then(() => {
      this.#isHeld = false
      this.#retry()
    })
  }

  /**
   * Appends a command of `units` units; `work` is about how many elements a unit touches. Throws
   * CpuError if the threads have failed, or the stream is closed.
   */
  submit(
    kernel: KernelName,
    units: number,
    work: number,
    args: readonly number[],
    operator?: OperatorName,
  ): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closing !== undefined) throw closed()
    if (units > mostUnits) throw new CpuError(operator, `${units} pieces of work are too many`)
    const even = Math.ceil(units / (this.threads * sharesPerThread))
    const share = Math.min(units, Math.max(even, Math.ceil(worthwhile / Math.max(work, 1))))
    const tag = operator === undefined ? -1 : operatorNames.indexOf(operator)
    const command = { kernel: kernelNames.indexOf(kernel), tag, arguments: args }
    const pages = this.#workers.memory.buffer.byteLength / pageSize
    this.#append(() => this.#ring.append(command, units, share, pages))
  }

  /** Resolves when all commands so far are complete; rejects with the first fault since the last wait. */
  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error?: Error) => (error === undefined ? resolve() : reject(error))
      this.#submitFence({ end, hearsFaults: true })
    })
  }

  /** Once all commands are complete, calls `last` and lets another stream have the ring. Nobody may submit any more. */
  close(last: () => void): Promise<void> {
    this.#closing ??= this.#completed().then(() => {
      last()
      // What nobody has waited for.
      this.#ring.takeFault()
      this.#workers.giveBack(this.#ring, this)
    })
    return this.#closing
  }

  /** Fences are passed in their order, but two workers' messages may come in another. */
  passed(fence: number): void {
    if (!this.#waiting.has(fence)) return
    const isHeard = [...this.#waiting].some(
      ([number, waiting]) => number <= fence && waiting?.hearsFaults !== false,
    )
    const fault = isHeard ? this.#ring.takeFault() : undefined
    // Whoever waits now cannot know that what was asked for does not depend on the fault.
    if (fault !== undefined) this.#tellAll(errorOf(fault))
    for (const number of [...this.#waiting.keys()]) if (number <= fence) this.#end(number)
  }

  failed(problem: string): void {
    this.#failure ??= new CpuError(undefined, problem)
    this.#tellAll(this.#failure)
    for (const number of [...this.#waiting.keys()]) this.#end(number)
  }

  /** Resolves when all commands so far are complete, or never will be. */
  #completed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#failure !== undefined) resolve()
      else this.#submitFence({ end: () => resolve(), hearsFaults: false })
    })
  }

  #submitFence(waiting: Waiting): void {
    const fence = this.#workers.nextFence()
    this.submit('fence', 1, worthwhile, [fence])
    this.#waiting.set(fence, waiting)
    this.#workers.keepAlive()
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

  /** Fences stay: a later fault that is found at one of them is not for those who wait after it. */
  #tellAll(error: Error): void {
    for (const [fence, waiting] of this.#waiting) {
      if (!waiting?.hearsFaults) continue
      this.#waiting.set(fence, undefined)
      this.#workers.letEnd()
      waiting.end(error)
    }
  }

  #end(fence: number): void {
    const waiting = this.#waiting.get(fence)
    this.#waiting.delete(fence)
    if (waiting === undefined) return
    this.#workers.letEnd()
    waiting.end()
  }
}

const closed = () => new CpuError(undefined, 'the device was closed')

function errorOf({ tag, message, index }: Fault): Error {
  const operator = operatorNames[tag]
  if (index !== undefined) return new IndexOutOfRangeError(`${operator}`, index.index, index.size)
  return new CpuError(operator, message)
}
