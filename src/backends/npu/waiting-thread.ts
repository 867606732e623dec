/**
 * A thread that waits for a device, so that the event loop does not: it has bound the device by itself,
 * since the current context is per thread.
 */
import { AscendError } from '../../ffi/ascend-error.ts'
import { NativeThread, type Step, step } from '../../ffi/native-thread.ts'
import type { Cann } from '../../ffi/open-cann.ts'

export class WaitingThread {
  readonly #cann: Cann
  readonly #id: number
  readonly #thread: NativeThread
  #isBound = false

  /** @param id Which of the devices of this machine. */
  constructor(cann: Cann, id: number) {
    this.#cann = cann
    this.#id = id
    this.#thread = new NativeThread(cann.binding)
  }

  /** Whether the device counts this thread among those that have set it. */
  get isBound(): boolean {
    return this.#isBound
  }

  /** Waits for all work enqueued on a stream so far; throws the device's fault. */
  async synchronize(stream: bigint): Promise<void> {
    const { aclrtSetDevice, aclrtSynchronizeStream } = this.#cann.functions
    const steps = [step(aclrtSynchronizeStream, stream)]
    if (!this.#isBound) steps.unshift(step(aclrtSetDevice, this.#id))
    this.#isBound = true
    try {
      await this.#run(steps)
    } catch (error) {
      if (error instanceof AscendError && error.functionName === aclrtSetDevice.symbol) {
        this.#isBound = false
      }
      throw error
    }
  }

  /** Gives the device back and ends the thread, whatever happens on the way; returns what went wrong. */
  async close(): Promise<readonly unknown[]> {
    const failures: unknown[] = []
    const fail = (error: unknown) => void failures.push(error)
    if (this.#isBound) {
      await this.#run([step(this.#cann.functions.aclrtResetDevice, this.#id)]).catch(fail)
    }
    await this.#thread.close().catch(fail)
    return failures
  }

  async #run(steps: readonly Step[]): Promise<void> {
    const message = step(this.#cann.functions.aclGetRecentErrMsg)
    const { results, failure, calls } = await this.#thread.run(steps, message)
    for (const made of calls) this.#cann.callWatcher?.(made)
    const code = results.at(-1) as number
    if (code === 0) return
    const failed = steps[results.length - 1]!.symbol
    throw new AscendError(failed, code, undefined, (failure as string | null) ?? null)
  }
}
