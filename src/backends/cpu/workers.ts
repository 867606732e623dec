/**
 * The threads that compute, and the rings from which they take commands: one for each stream. Commands of a stream
 * run in their order, those of two streams beside each other.
 */
import { Worker } from 'node:worker_threads'
import { Bell } from './bell.ts'
import { workerFile } from './built.ts'
import { CommandRing } from './command-ring.ts'
import type { Blas } from './native-blas.ts'

/** What a worker is given at its start. */
export interface WorkerSetup {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  /** Of the Bell. */
  readonly bell: SharedArrayBuffer
  /** Of the CommandRings. */
  readonly rings: readonly SharedArrayBuffer[]
  /** What kernels whose names begin with `native` call, if there is anything. */
  readonly blas: Blas | undefined
  /** Which of the threads it is, from 0 on. */
  readonly index: number
}

/** Who is told what the workers tell. */
export interface Listener {
  /** A command `fence` with this number has been reached. */
  passed(fence: number): void
  /** Nothing is computed any more. */
  failed(problem: string): void
}

/** A second one fills what the first leaves idle, and a third would find little left. */
const streams = 2

export class Workers {
  readonly #bell = new Bell()
  readonly #free = Array.from({ length: streams }, () => new CommandRing(this.#bell))
  readonly #threads: readonly Worker[]
  readonly #exits: readonly Promise<unknown>[]
  readonly #listeners = new Set<Listener>()
  #awaited = 0
  #fences = 0
  #problem: string | undefined

  constructor(
    module: WebAssembly.Module,
    readonly memory: WebAssembly.Memory,
    readonly count: number,
    readonly blas?: Blas,
  ) {
    const rings = this.#free.map((ring) => ring.memory)
    this.#threads = Array.from({ length: count }, (_, index) => {
      const bell = this.#bell.memory
      const workerData: WorkerSetup = { module, memory, bell, rings, blas, index }
      // Options of this process's node, --input-type for one, can be such that no worker starts with them.
      return new Worker(workerFile, { workerData, execArgv: [] })
    })
    this.#exits = this.#threads.map((thread) => new Promise((end) => thread.once('exit', end)))
    for (const thread of this.#threads) {
      // An idle thread does not keep the program running; somebody who waits does.
      thread.unref()
      thread.on('message', (fence: number) => {
        for (const listener of [...this.#listeners]) listener.passed(fence)
      })
      thread.on('error', (error) => this.#fail(`a thread failed: ${error.message}`))
      thread.on('exit', () => this.#fail('a thread has ended'))
    }
  }

  /** The ring of a stream that begins, and who listens for it; undefined where there are enough. */
  takeRing(listener: Listener): CommandRing | undefined {
    const ring = this.#free.shift()
    if (ring === undefined) return undefined
    this.#listeners.add(listener)
    if (this.#problem !== undefined) listener.failed(this.#problem)
    return ring
  }

  /** Its commands must be complete. */
  giveBack(ring: CommandRing, listener: Listener): void {
    if (this.#listeners.delete(listener)) this.#free.push(ring)
  }

  /** A number for a command `fence`. */
  nextFence(): number {
    this.#fences += 1
    return this.#fences
  }

  /** Somebody waits for the threads. */
  keepAlive(): void {
    if (this.#awaited === 0) for (const thread of this.#threads) thread.ref()
    this.#awaited += 1
  }

  letEnd(): void {
    this.#awaited -= 1
    if (this.#awaited === 0) for (const thread of this.#threads) thread.unref()
  }

  /** Ends the threads. Work in flight is given up. */
  async close(): Promise<void> {
    this.#fail('the device was closed')
    for (const thread of this.#threads) thread.ref()
    this.#bell.close()
    await Promise.all(this.#exits)
  }

  #fail(problem: string): void {
    this.#problem ??= problem
    for (const listener of [...this.#listeners]) listener.failed(this.#problem)
  }
}
