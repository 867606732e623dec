/**
 * The main thread's side of the workers: commands go in, waiting comes out as promises.
 *
 * Nothing here blocks. A command that finds the ring full waits in a list until there is room.
 */
import { Worker } from 'node:worker_threads'
import { type OperatorName, operatorNames } from '../../ops/catalogue.ts'
import { IndexOutOfRangeError } from '../../tensor/errors.ts'
import { workerFile } from './built.ts'
import { CommandRing, type Fault, mostUnits } from './command-ring.ts'
import { CpuError } from './error.ts'
import { type KernelName, kernelNames } from './kernel-names.ts'
import { pageSize } from './memory.ts'
import type { Blas } from './native-blas.ts'

/** What a worker is given at its start. */
export interface WorkerSetup {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  /** Of the CommandRing. */
  readonly shared: SharedArrayBuffer
  /** What kernels whose names begin with `native` call, if there is anything. */
  readonly blas: Blas | undefined
  /** Which of the threads it is, from 0 on. */
  readonly index: number
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** A share of this many elements or so is worth being fetched. */
const worthwhile = 8192
/** Shares for each thread: more of them even out threads that are slowed down by others. */
const sharesPerThread = 8

export class CommandQueue {
  readonly #ring = new CommandRing()
  readonly #workers: readonly Worker[]
  readonly #waiting = new Map<number, Waiting>()
  readonly #late: (() => void)[] = []
  readonly #exits: Promise<unknown>[]
  #issued = 0
  #nextFence = 1
  #failure: CpuError | undefined

  constructor(
    module: WebAssembly.Module,
    readonly memory: WebAssembly.Memory,
    readonly threads: number,
    readonly blas?: Blas,
  ) {
    this.#workers = Array.from({ length: threads }, (_, index) => {
      const workerData: WorkerSetup = { module, memory, shared: this.#ring.memory, blas, index }
      // Options of this process's node, --input-type for one, can be such that no worker starts with them.
      return new Worker(workerFile, { workerData, execArgv: [] })
    })
    this.#exits = this.#workers.map((worker) => new Promise((end) => worker.once('exit', end)))
    for (const worker of this.#workers) {
      // An idle thread does not keep the program running; somebody who waits does.
      worker.unref()
      worker.on('message', (fence: number) => this.#passed(fence))
      worker.on('error', (error) => this.#fail(`a thread failed: ${error.message}`))
      worker.on('exit', () => this.#fail('a thread has ended'))
    }
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
    const pages = this.memory.buffer.byteLength / pageSize
    this.#append(() => this.#ring.append(command, units, share, pages))
  }

  /** Resolves when all commands so far are complete; rejects with the first fault since the last wait. */
  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fence = this.#nextFence++
      this.submit('fence', 1, worthwhile, [fence])
      if (this.#waiting.size === 0) for (const worker of this.#workers) worker.ref()
      this.#waiting.set(fence, { resolve, reject })
    })
  }

  /** Ends the threads. Work in flight is given up, and waits for it are rejected. */
  async close(): Promise<void> {
    this.#fail('the device was closed')
    for (const worker of this.#workers) worker.ref()
    this.#ring.close()
    await Promise.all(this.#exits)
  }

  #append(append: () => void): void {
    this.#issued += 1
    if (this.#late.length > 0) this.#late.push(append)
    else if (this.#ring.isFull) {
      this.#late.push(append)
      this.#retry()
    } else append()
  }

  /** Moves what waits into the ring as it empties. */
  #retry(): void {
    while (this.#late.length > 0 && !this.#ring.isFull) this.#late.shift()!()
    if (this.#late.length > 0 && this.#failure === undefined) setTimeout(() => this.#retry(), 1)
  }

  #passed(fence: number): void {
    const fault = this.#ring.takeFault()
    if (fault !== undefined) {
      // Whoever waits now cannot know that what was asked for does not depend on the fault.
      this.#rejectAll(errorOf(fault))
      return
    }
    this.#waiting.get(fence)?.resolve()
    this.#settled(fence)
  }

  #settled(fence: number): void {
    if (this.#waiting.delete(fence) && this.#waiting.size === 0) {
      for (const worker of this.#workers) worker.unref()
    }
  }

  #rejectAll(error: Error): void {
    for (const [fence, { reject }] of this.#waiting) {
      reject(error)
      this.#settled(fence)
    }
  }

  #fail(problem: string): void {
    this.#failure ??= new CpuError(undefined, problem)
    this.#rejectAll(this.#failure)
  }
}

function errorOf({ tag, message, index }: Fault): Error {
  const operator = operatorNames[tag]
  if (index !== undefined) return new IndexOutOfRangeError(`${operator}`, index.index, index.size)
  return new CpuError(operator, message)
}
