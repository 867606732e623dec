/**
 * One model on one or several devices, which share its batches: the one with the least to do takes the next.
 *
 * A device that fails is taken out with a warning, and what it had not finished is run by the others.
 * The last one stays whatever happens, so that its errors are the caller's, as those of a single device are.
 */
import { joinDevices } from '../backends/device-name.ts'
import { InvalidArgumentError, RobertaAscendError } from '../errors.ts'
import { type LoadedModel, ModelOnDevice } from './model-on-device.ts'
import type { Warn } from './warnings.ts'

/** A batch, and who waits for it. */
interface Job {
  readonly sequences: readonly ArrayLike<number>[]
  readonly resolve: (logits: Float64Array[]) => void
  readonly reject: (error: unknown) => void
}

export class DeviceGroup {
  /** The device string of all together. */
  readonly device: string
  readonly #devices: readonly ModelOnDevice[]
  /** Those that have not failed. */
  readonly #working: Set<ModelOnDevice>
  readonly #waiting: Job[] = []
  readonly #running = new Set<Promise<void>>()
  readonly #warn: Warn
  #closing: Promise<void> | undefined

  /** @param models At least one; the same model on each device. This closes them. */
  constructor(models: readonly LoadedModel[], warn: Warn) {
    this.#devices = models.map((model) => new ModelOnDevice(model, warn))
    this.#working = new Set(this.#devices)
    this.device = joinDevices(this.#devices.map(({ device }) => device))
    this.#warn = warn
  }

  /** The only one. Throws `InvalidArgumentError` where there are several. */
  get only(): LoadedModel {
    const [device, ...others] = this.#devices
    if (others.length === 0) return device!.first
    throw new InvalidArgumentError('device', `'${this.device}' is several devices`, {
      hint: `load the model on one of them, for example ${device!.device}`,
    })
  }

  /** How many batches can be under way at a time. */
  get concurrency(): number {
    return [...this.#working].reduce((sum, { concurrency }) => sum + concurrency, 0)
  }

  /** What all of them were opened with. */
  get settings(): Readonly<Record<string, string>> {
    return this.#devices[0]!.first.backend.settings
  }

  /** What they hold together. */
  get heldBytes(): number {
    return this.#devices.reduce((sum, { heldBytes }) => sum + heldBytes, 0)
  }

  /** Waits for all of them. */
  async synchronize(): Promise<void> {
    await Promise.all([...this.#working].map((device) => device.synchronize()))
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
    while (this.#waiting.length > 0) {
      const [device] = [...this.#working]
        .filter(({ hasRoom }) => hasRoom)
        .sort((a, b) => a.underWay - b.underWay)
      if (device === undefined) return
      const running = this.#run(device, this.#waiting.shift()!)
      this.#running.add(running)
      void running.then(() => this.#running.delete(running))
    }
  }

  async #run(device: ModelOnDevice, job: Job): Promise<void> {
    try {
      job.resolve(await device.forward(job.sequences))
    } catch (error) {
      this.#failed(device, job, error)
    }
    this.#start()
  }

  /** Has another device do the work, or tells whoever waits for it. */
  #failed(device: ModelOnDevice, job: Job, error: unknown): void {
    try {
      if (this.#isForAnother(device, error)) this.#waiting.unshift(job)
      else job.reject(error)
    } catch (thrown) {
      // By who was warned.
      job.reject(thrown)
    }
  }

  /** Whether the error is the device's own, which is taken out then, and another can do its work. */
  #isForAnother(device: ModelOnDevice, error: unknown): boolean {
    if (!(error instanceof RobertaAscendError) || error.kind === 'input') return false
    // A second batch of a device that was taken out before.
    if (!this.#working.has(device)) return !this.#isClosed
    if (this.#isClosed || this.#working.size === 1) return false
    this.#working.delete(device)
    this.#warn(
      `device '${device.device}' is used no more, the others do its work: ${error.message}`,
    )
    return true
  }

  /** Waits for what is under way, gives the weights back and closes the devices. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  get #isClosed(): boolean {
    return this.#closing !== undefined
  }

  async #close(): Promise<void> {
    for (const { reject } of this.#waiting.splice(0)) reject(closed())
    await Promise.all(this.#running)
    const outcomes = await Promise.allSettled(this.#devices.map((device) => device.close()))
    // A device that was taken out has failed once, which has been said.
    const failed = outcomes.find(
      ({ status }, at) => status === 'rejected' && this.#working.has(this.#devices[at]!),
    )
    if (failed?.status === 'rejected') throw failed.reason
  }
}

function closed(): RobertaAscendError {
  return new RobertaAscendError('this classifier is closed', { hint: 'load another one' })
}
