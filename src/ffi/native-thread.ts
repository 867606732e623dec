/**
 * A thread of its own for sequences of native calls that belong together.
 *
 * AscendCL keeps the current context and the error text per thread, and `async` of a function runs on
 * any thread of a pool. So whoever wants to wait for a stream without blocking JavaScript needs a
 * thread that has called aclrtSetDevice:
 *
 *     const thread = new NativeThread(cann.binding)
 *     const { results } = await thread.run([
 *       step(cann.functions.aclrtSetDevice, 0),
 *       step(cann.functions.aclrtSynchronizeStream, stream),
 *     ])
 *
 * It is a worker thread that opens the same libraries again, which within one process gives the same
 * code and the same state. Sequences of one NativeThread run one after the other, in the order of
 * `run`. `native-thread-worker.ts` is the other side. It runs from the built package, or from source
 * where Node strips types.
 */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { RobertaAscendError } from '../errors.ts'
import type { BindingName, NativeFunction } from './binding.ts'
import type { NativeCall } from './native-calls.ts'
import type { Arguments, Signature } from './signature.ts'

/** One call: made of what can be sent to another thread. */
export interface Step {
  readonly library: string
  readonly symbol: string
  readonly signature: Signature
  readonly args: readonly unknown[]
}

export function step<S extends Signature>(fn: NativeFunction<S>, ...args: Arguments<S>): Step {
  return { library: fn.library, symbol: fn.symbol, signature: fn.signature, args }
}

export interface Request {
  readonly id: number
  readonly steps: readonly Step[]
  readonly onFailure: Step | undefined
}

export interface SequenceResult {
  /** The results of the calls that were made: the last one is the failure, if there was one. */
  readonly results: readonly unknown[]
  /** The result of `onFailure`; undefined where all calls succeeded. */
  readonly failure: unknown
  /** When the calls were made, that of `onFailure` too. */
  readonly calls: readonly NativeCall[]
}

export interface Reply extends SequenceResult {
  readonly id: number
  /** The arguments of every step as the calls left them. */
  readonly args: readonly (readonly unknown[])[]
}

interface Pending {
  readonly steps: readonly Step[]
  readonly resolve: (result: SequenceResult) => void
  readonly reject: (error: unknown) => void
}

/** A NativeThread cannot make the calls that it was given. */
export class NativeThreadError extends RobertaAscendError {
  override readonly kind = 'device'
  constructor(reason: string, cause?: unknown) {
    super(`the thread for native calls failed: ${reason}`, { cause })
  }
}

/** Out-parameters were written to a copy on the other thread; this brings them back. */
function copyBack(original: unknown, written: unknown): void {
  if (!ArrayBuffer.isView(original) || !ArrayBuffer.isView(written)) return
  const from = new Uint8Array(written.buffer, written.byteOffset, written.byteLength)
  new Uint8Array(original.buffer, original.byteOffset, original.byteLength).set(from)
}

export class NativeThread {
  private readonly worker: Worker
  private readonly pending = new Map<number, Pending>()
  private nextId = 0
  private ended: NativeThreadError | undefined

  constructor(binding: BindingName) {
    const file = `./native-thread-worker${extname(import.meta.url)}`
    this.worker = new Worker(new URL(file, import.meta.url), { workerData: { binding } })
    // An idle thread does not keep the program running; a sequence in flight does.
    this.worker.unref()
    this.worker.on('message', (reply: Reply) => this.settle(reply))
    this.worker.on('error', (error) => this.end(new NativeThreadError(error.message, error)))
    this.worker.on('exit', () => this.end(new NativeThreadError('it has ended')))
  }

  /**
   * Runs the steps in order on this thread and stops after the first that returns a number other
   * than 0; then runs `onFailure`, which is where CANN's error text is fetched. Views are copied to
   * the thread and back, so large memory is passed by its address.
   */
  run(steps: readonly Step[], onFailure?: Step): Promise<SequenceResult> {
    return new Promise((resolve, reject) => {
      if (this.ended !== undefined) {
        reject(this.ended)
        return
      }
      const id = this.nextId++
      this.worker.postMessage({ id, steps, onFailure } satisfies Request)
      this.pending.set(id, { steps, resolve, reject })
      this.worker.ref()
    })
  }

  /** Ends the thread. Sequences still in flight are rejected, but their current call is not undone. */
  async close(): Promise<void> {
    await this.worker.terminate()
  }

  private settle({ id, args, results, failure, calls }: Reply): void {
    const waiting = this.pending.get(id)
    this.pending.delete(id)
    if (this.pending.size === 0) this.worker.unref()
    for (const [index, { args: originals }] of (waiting?.steps ?? []).entries()) {
      for (const [at, original] of originals.entries()) copyBack(original, args[index]?.[at])
    }
    waiting?.resolve({ results, failure, calls })
  }

  private end(reason: NativeThreadError): void {
    this.ended ??= reason
    for (const { reject } of this.pending.values()) reject(this.ended)
    this.pending.clear()
  }
}
