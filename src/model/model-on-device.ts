/**
 * A model on one device, with one or two streams in which its forwards run.
 *
 * Where the device has it, a second forward goes to a second stream, with the weights of the first: it is
 * uploaded and enqueued while the first still computes, so that the device always has work. Each has a wait of its
 * own, which is where the faults of its own work surface. That stream is opened when it is first needed.
 *
 * What has no memory beside another forward runs again alone: the other ends, the second stream is closed, which
 * gives back all that it held, and the first gives back what it keeps as it runs out.
 */
import { RobertaAscendError } from '../errors.ts'
import { type Backend, isObserved } from '../ops/index.ts'
import { Tensor } from '../tensor/tensor.ts'
import { forwardLogits } from './forward.ts'
import { RobertaForSequenceClassification } from './roberta.ts'
import type { Warn } from './warnings.ts'

/** A model whose weights are a backend's. */
export interface LoadedModel {
  readonly backend: Backend
  readonly model: RobertaForSequenceClassification
}

type Sequences = readonly ArrayLike<number>[]

export class ModelOnDevice {
  readonly #warn: Warn
  /** The first has the weights. */
  readonly #streams: LoadedModel[]
  /** What each stream is at. */
  readonly #running = new Map<LoadedModel, Promise<Float64Array[]>>()
  #underWay = 0
  /** Forwards that run alone, one after the other. */
  #alone: Promise<unknown> = Promise.resolve()
  #countAlone = 0
  /** Weights of the first that the others use. */
  #lent: readonly Tensor[] = []

  /** This closes what it is given. */
  constructor(
    readonly first: LoadedModel,
    warn: Warn,
  ) {
    this.#streams = [first]
    this.#warn = warn
  }

  get device(): string {
    return this.first.backend.device
  }

  get heldBytes(): number {
    return this.#streams.reduce((sum, { backend }) => sum + backend.heldBytes, 0)
  }

  /** How many forwards are under way. */
  get underWay(): number {
    return this.#underWay
  }

  /** Whether another forward may begin. */
  get hasRoom(): boolean {
    return this.#countAlone === 0 && this.#underWay < this.concurrency
  }

  /**
   * How many can be. Whoever observes the backend is to see them all, and a model that was given other weights
   * after they were lent goes on in the first stream alone, which has them.
   */
  get concurrency(): number {
    const { backend, model } = this.first
    const { parameters } = model
    const hasOthers = this.#lent.some((weight, at) => weight !== parameters[at]!.value)
    return backend.beside === undefined || isObserved(backend) || hasOthers ? 1 : 2
  }

  /** See `forwardLogits`. Only where there is room. */
  async forward(sequences: Sequences): Promise<Float64Array[]> {
    this.#underWay += 1
    const beganAlone = this.#isAlone
    try {
      return await this.#run(sequences)
    } catch (error) {
      const wasAlone = beganAlone && this.#isAlone
      if (wasAlone || !(error instanceof RobertaAscendError && error.isOutOfMemory)) throw error
      return await this.#runAlone(sequences)
    } finally {
      this.#underWay -= 1
    }
  }

  /** Whether nothing is there that could give memory back. */
  get #isAlone(): boolean {
    return this.#streams.length === 1 && this.#running.size === 0
  }

  #run(sequences: Sequences): Promise<Float64Array[]> {
    const stream = this.#streams.find((one) => !this.#running.has(one)) ?? this.#openStream()
    const running = forwardLogits(stream.model, stream.backend, sequences).finally(() =>
      this.#running.delete(stream),
    )
    this.#running.set(stream, running)
    return running
  }

  async #runAlone(sequences: Sequences): Promise<Float64Array[]> {
    const run = this.#alone.then(async () => {
      await Promise.allSettled(this.#running.values())
      this.#lent = []
      for (const stream of this.#streams.splice(1)) await closeStream(stream)
      return this.#run(sequences)
    })
    this.#alone = run.catch(() => {})
    this.#countAlone += 1
    try {
      const logits = await run
      this.#warn(
        `device '${this.device}' has no memory for two batches at a time, and runs what fails again alone; ` +
          'make batches smaller, or switch overlap off',
      )
      return logits
    } finally {
      this.#countAlone -= 1
    }
  }

  /** The weights are there, since loading waits for them; `beside` knows of forms that forwards keep them in. */
  #openStream(): LoadedModel {
    const { backend, model } = this.first
    const weights = model.parameters.map(({ value }) => value)
    const opened = backend.beside!(weights)
    this.#lent = weights
    const stream = {
      backend: opened.backend,
      model: new RobertaForSequenceClassification(model.config),
    }
    for (const [at, { storage, dtype, shape, strides, offset }] of opened.views.entries()) {
      const weight = new Tensor(storage, dtype, shape, strides, offset)
      stream.model.parameters[at]!.load(weight)
    }
    this.#streams.push(stream)
    return stream
  }

  async synchronize(): Promise<void> {
    await Promise.all(this.#streams.map(({ backend }) => backend.synchronize()))
  }

  /** Gives the weights back, closes the device and throws the first failure, if there was one. */
  async close(): Promise<void> {
    const failures: unknown[] = []
    this.#lent = []
    // The first has the weights that the others use.
    for (const stream of this.#streams.toReversed()) {
      await closeStream(stream).catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
  }
}

async function closeStream({ backend, model }: LoadedModel): Promise<void> {
  for (const parameter of model.parameters) parameter.dispose()
  await backend.close()
}
