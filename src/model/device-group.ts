/**
 * One model on one or several devices, which share its batches: whichever is free takes the next.
 *
 * A device that fails is taken out with a warning, and what it had not finished is run by the others.
 * The last one stays whatever happens, so that its errors are the caller's, as those of a single device are.
 */
import { joinDevices } from '../backends/device-name.ts'
import { InvalidArgumentError, RobertaAscendError } from '../errors.ts'
import type { Backend } from '../ops/index.ts'
import { forwardLogits } from './forward.ts'
import type { RobertaForSequenceClassification } from './roberta.ts'
import type { Warn } from './warnings.ts'

/** A model on a device. */
export interface Replica {
  readonly backend: Backend
  readonly model: RobertaForSequenceClassification
}

/** A batch, and who waits for it. */
interface Job {
  readonly sequences: readonly ArrayLike<number>[]
  readonly resolve: (logits: Float64Array[]) => void
  readonly reject: (error: unknown) => void
}

export class DeviceGroup {
  /** The device string of all together. */
  readonly device: string
  readonly #replicas: readonly Replica[]
  /** Devices that have not failed. */
  readonly #working: Set<Replica>
  /** Those of them that have nothing to do. */
  readonly #free: Replica[]
  readonly #waiting: Job[] = []
  readonly #running = new Set<Promise<void>>()
  readonly #warn: Warn
  #isClosed = false

  /** @param replicas At least one; the same model on each. This closes them. */
  constructor(replicas: readonly Replica[], warn: Warn) {
    this.device = joinDevices(replicas.map(({ backend }) => backend.device))
    this.#replicas = replicas
    this.#working = new Set(replicas)
    this.#free = [...replicas]
    this.#warn = warn
  }

  /** The only one. Throws `InvalidArgumentError` where there are several. */
  get only(): Replica {
    const [first, ...others] = this.#replicas
    if (others.length === 0) return first!
    throw new InvalidArgumentError('device', `'${this.device}' is several devices`, {
      hint: `load the model on one of them, for example ${first!.backend.device}`,
    })
  }

  /** How many batches can be under way at a time. */
  get concurrency(): number {
    return this.#working.size
  }

  /** What all of them were opened with. */
  get settings(): Readonly<Record<string, string>> {
    return this.#replicas[0]!.backend.settings
  }

  /** What they hold together. */
  get heldBytes(): number {
    return this.#replicas.reduce((sum, { backend }) => sum + backend.heldBytes, 0)
  }

  /** Waits for all of them. */
  async synchronize(): Promise<void> {
    await Promise.all([...this.#working].map(({ backend }) => backend.synchronize()))
  }

  /** Logits of each sequence of a batch; see `forwardLogits`. */
  forward(sequences: readonly ArrayLike<number>[]): Promise<Float64Array[]> {
    if (this.#isClosed) return Promise.reject(closed())
    return new Promise((resolve, reject) => {
      this.#waiting.push({ sequences, resolve, reject })
      this.#start()
    })
  }

  #start(): void {
    while (this.#waiting.length > 0 && this.#free.length > 0) {
      const running = this.#run(this.#free.shift()!, this.#waiting.shift()!)
      this.#running.add(running)
      void running.then(() => this.#running.delete(running))
    }
  }

  async #run(replica: Replica, job: Job): Promise<void> {
    try {
      job.resolve(await forwardLogits(replica.model, replica.backend, job.sequences))
    } catch (error) {
      if (this.#takesOut(replica, error)) this.#waiting.unshift(job)
      else job.reject(error)
    }
    if (this.#working.has(replica)) this.#free.push(replica)
    this.#start()
  }

  /** Whether the error is one of the device's own, and another can do its work. */
  #takesOut(replica: Replica, error: unknown): boolean {
    if (!(error instanceof RobertaAscendError) || error.kind === 'input') return false
    if (this.#isClosed || this.#working.size === 1) return false
    this.#working.delete(replica)
    const { device } = replica.backend
    this.#warn(`device '${device}' is used no more, the others do its work: ${error.message}`)
    return true
  }

  /** Waits for what is under way, gives the weights back and closes the devices. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const { reject } of this.#waiting.splice(0)) reject(closed())
    await Promise.all(this.#running)
    const closings = this.#replicas.map(async ({ model, backend }) => {
      for (const parameter of model.parameters) parameter.dispose()
      await backend.close()
    })
    const outcomes = await Promise.allSettled(closings)
    // A device that was taken out has failed once, which has been said.
    const failed = outcomes.find(
      ({ status }, at) => status === 'rejected' && this.#working.has(this.#replicas[at]!),
    )
    if (failed?.status === 'rejected') throw failed.reason
  }
}

function closed(): RobertaAscendError {
  return new RobertaAscendError('this classifier is closed', { hint: 'load another one' })
}
