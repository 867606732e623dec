/**
 * Graphs of AscendCL: what a plan enqueues, captured once, is a single launch from then on.
 *
 * While a stream is captured, what is enqueued there is recorded and not executed. It is a stream of
 * its own: a thread may be waiting for the one that work goes to, and waiting for a stream that is
 * captured spoils the capture. Where anything refuses there is no graph, and the steps of the plan are
 * enqueued one by one; `tally.ts` says why.
 */
import { AscendError } from '../../ffi/ascend-error.ts'
import type { AclnnCall } from './aclnn-call.ts'
import { captureThreadLocal } from './constants.ts'
import type { Runtime } from './runtime.ts'
import type { Tally } from './tally.ts'

/** Enqueues something on a stream. */
export type Step = (stream: bigint) => void

const graphFunctions = [
  'aclmdlRICaptureBegin',
  'aclmdlRICaptureEnd',
  'aclmdlRIExecuteAsync',
  'aclmdlRIDestroy',
] as const

export class Graph {
  readonly #runtime: Runtime
  readonly #handle: bigint

  constructor(runtime: Runtime, handle: bigint) {
    this.#runtime = runtime
    this.#handle = handle
  }

  /** Enqueues all of it, with the addresses of the capture. */
  launch(): void {
    const { cann, stream } = this.#runtime
    this.#runtime.enqueue(stream, 'aclmdlRIExecuteAsync', undefined, () =>
      cann.call(cann.functions.aclmdlRIExecuteAsync, [this.#handle, stream]),
    )
  }

  /** No launch may be under way that the host has not waited for. */
  destroy(): void {
    const { call, functions } = this.#runtime.cann
    call(functions.aclmdlRIDestroy, [this.#handle])
  }
}

/** The graphs of a backend. */
export class Graphs {
  readonly #runtime: Runtime
  readonly #tally: Tally
  #stream: bigint | undefined

  constructor(runtime: Runtime, tally: Tally) {
    this.#runtime = runtime
    this.#tally = tally
  }

  /** `steps`, of which `calls` are operators that have been launched before, or undefined. */
  capture(calls: readonly AclnnCall[], steps: readonly Step[]): Graph | undefined {
    const obstacle = this.#obstacle(calls)
    if (obstacle !== undefined) {
      this.#tally.refusal(obstacle)
      return undefined
    }
    try {
      const graph = new Graph(this.#runtime, this.#capture(steps))
      this.#tally.graph()
      return graph
    } catch (error) {
      if (!(error instanceof AscendError)) throw error
      this.#tally.refusal(`${error.functionName} failed with code ${error.code}`)
      return undefined
    }
  }

  /** The stream goes when the graphs that were retired before are gone. */
  close(): void {
    const stream = this.#stream
    if (stream !== undefined) this.#runtime.retire(() => this.#destroy(stream))
  }

  #obstacle(calls: readonly AclnnCall[]): string | undefined {
    const { cann } = this.#runtime
    const missing = graphFunctions.find((name) => !cann.has(name))
    if (missing !== undefined) return `there is no ${missing}`
    // What makes an executor one-shot, such as memory of the host that it reads, forbids a graph too.
    const oneShot = calls.find(({ isRepeatable }) => !isRepeatable)
    return oneShot && `${oneShot.name} cannot be repeated`
  }

  #capture(steps: readonly Step[]): bigint {
    const { call, functions } = this.#runtime.cann
    const handle = new BigUint64Array(1)
    if (this.#stream === undefined) {
      call(functions.aclrtCreateStream, [handle])
      this.#stream = handle[0]!
    }
    const stream = this.#stream
    call(functions.aclmdlRICaptureBegin, [stream, captureThreadLocal])
    try {
      for (const step of steps) step(stream)
      call(functions.aclmdlRICaptureEnd, [stream, handle])
    } catch (error) {
      this.#abandon(stream)
      throw error
    }
    return handle[0]!
  }

  /**
   * A capture that goes on would have later copies refused. A stream whose capture cannot be ended is not
   * used again: the capture is ended when the next wait is over, since AscendCL destroys no captured stream.
   */
  #abandon(stream: bigint): void {
    if (this.#endCapture(stream)) return
    this.#stream = undefined
    this.#runtime.retire(() => {
      this.#endCapture(stream)
      return this.#destroy(stream)
    })
  }

  /** Throws away what was captured; false where that fails. What stopped the capture matters more. */
  #endCapture(stream: bigint): boolean {
    const { call, functions } = this.#runtime.cann
    const handle = new BigUint64Array(1)
    try {
      call(functions.aclmdlRICaptureEnd, [stream, handle])
      call(functions.aclmdlRIDestroy, [handle[0]!])
      return true
    } catch {
      return false
    }
  }

  #destroy(stream: bigint): readonly unknown[] {
    try {
      const { call, functions } = this.#runtime.cann
      call(functions.aclrtDestroyStream, [stream])
      return []
    } catch (error) {
      return [error]
    }
  }
}
