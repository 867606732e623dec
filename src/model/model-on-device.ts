/**
 * A model on one device, with one or two streams in which its forwards run.
 *
 * Where the device has it, a second forward goes to a second stream, with the weights of the first: it is
 * uploaded and enqueued while the first still computes, so that the device always has work. Each has a wait of its
 * own, which is where the faults of its own work surface. That stream is opened when it is first needed.
 */
import { type Backend, isObserved } from '../ops/index.ts'
import { Tensor } from '../tensor/tensor.ts'
import { forwardLogits } from './forward.ts'
import { RobertaForSequenceClassification } from './roberta.ts'

/** A model whose weights are a backend's. */
export interface LoadedModel {
  readonly backend: Backend
  readonly model: RobertaForSequenceClassification
}

export class ModelOnDevice {
  /** The first has the weights. */
  readonly #streams: LoadedModel[]
  readonly #busy = new Set<LoadedModel>()
  /** Weights of the first that the others use. */
  #lent: readonly Tensor[] = []

  /** This closes what it is given. */
  constructor(readonly first: LoadedModel) {
    this.#streams = [first]
  }

  get device(): string {
    return this.first.backend.device
  }

  get heldBytes(): number {
    return this.#streams.reduce((sum, { backend }) => sum + backend.heldBytes, 0)
  }

  /** How many forwards are under way. */
  get underWay(): number {
    return this.#busy.size
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

  /** See `forwardLogits`. */
  async forward(sequences: readonly ArrayLike<number>[]): Promise<Float64Array[]> {
    const stream = this.#streams.find((one) => !this.#busy.has(one)) ?? this.#openStream()
    this.#busy.add(stream)
    try {
      return await forwardLogits(stream.model, stream.backend, sequences)
    } finally {
      this.#busy.delete(stream)
    }
  }

  /** Loading copies weights to memory that no work has used, and waits for that: they are there. */
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
    for (const { backend, model } of this.#streams.toReversed()) {
      for (const parameter of model.parameters) parameter.dispose()
      await backend.close().catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
  }
}
