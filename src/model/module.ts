/**
 * Modules and parameters: the tree whose paths are the checkpoint's keys.
 *
 * A module declares its parameters when it is made and computes when it is called. Calling it opens
 * the scope with its path, so that traces can be matched with PyTorch's by name.
 */
import { RobertaAscendError } from '../errors.ts'
import { addLayerNorm, embedding, layerNorm, linear, scope } from '../ops/index.ts'
import type { Shape } from '../tensor/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** A weight of the model: declared with its name and shape, given its values by the loader. */
export class Parameter {
  #value: Tensor | undefined

  constructor(
    /** The checkpoint's key. */
    readonly name: string,
    readonly shape: Shape,
  ) {}

  get value(): Tensor {
    if (this.#value === undefined) throw new RobertaAscendError(`${this.name} was not loaded`)
    return this.#value
  }

  load(value: Tensor): void {
    this.#value = value
  }

  dispose(): void {
    this.#value?.dispose()
    this.#value = undefined
  }
}

/** A place in the tree: a path, and the list that parameters declared at or below it join. */
export class ModulePath {
  constructor(
    readonly path: string,
    readonly parameters: Parameter[],
  ) {}

  child(name: string | number): ModulePath {
    return new ModulePath(this.path === '' ? `${name}` : `${this.path}.${name}`, this.parameters)
  }

  parameter(name: string, shape: Shape): Parameter {
    const parameter = new Parameter(`${this.path}.${name}`, shape)
    this.parameters.push(parameter)
    return parameter
  }
}

export abstract class Module<Inputs extends readonly unknown[]> {
  readonly path: string

  constructor(at: ModulePath) {
    this.path = at.path
  }

  protected abstract forward(...inputs: Inputs): Tensor

  /** Runs the module in its scope; all intermediate tensors are freed. */
  call(...inputs: Inputs): Tensor {
    return scope(this.path, () => this.forward(...inputs), inputs)
  }
}

/** A table of `[rows, width]`. */
export class Embedding extends Module<[indices: Tensor]> {
  readonly weight: Parameter

  constructor(at: ModulePath, rows: number, width: number) {
    super(at)
    this.weight = at.parameter('weight', [rows, width])
  }

  protected forward(indices: Tensor): Tensor {
    return embedding(indices, this.weight.value)
  }
}

/** `[…, inFeatures]` to `[…, outFeatures]`. */
export class Linear extends Module<[input: Tensor]> {
  readonly weight: Parameter
  readonly bias: Parameter

  constructor(at: ModulePath, inFeatures: number, outFeatures: number) {
    super(at)
    this.weight = at.parameter('weight', [outFeatures, inFeatures])
    this.bias = at.parameter('bias', [outFeatures])
  }

  protected forward(input: Tensor): Tensor {
    return linear(input, this.weight.value, this.bias.value)
  }
}

/** Layer norm of the input, or of the input plus a residual. */
export class LayerNorm extends Module<[input: Tensor, residual?: Tensor]> {
  readonly weight: Parameter
  readonly bias: Parameter
  readonly eps: number

  constructor(at: ModulePath, width: number, eps: number) {
    super(at)
    this.weight = at.parameter('weight', [width])
    this.bias = at.parameter('bias', [width])
    this.eps = eps
  }

  protected forward(input: Tensor, residual?: Tensor): Tensor {
    const { eps } = this
    return residual === undefined
      ? layerNorm(input, this.weight.value, this.bias.value, { eps })
      : addLayerNorm(input, residual, this.weight.value, this.bias.value, { eps })
  }
}
