/** Which operators and modules of a forward are traced. */
import { InvalidArgumentError } from '../../errors.ts'
import { catalogue, type OperatorEvent, type OperatorName } from '../../ops/index.ts'
import { layerOf } from '../compare/scope.ts'

export interface TraceSelection {
  /** Only what is in these layers of the encoder. */
  readonly layers?: readonly number[] | undefined
  /** Only where the module's path matches. */
  readonly scope?: RegExp | undefined
  /** Operators by name; `all` that compute anything, which views do not. */
  readonly operators?: readonly OperatorName[] | 'all' | undefined
  /** Whether outputs of modules are recorded; if missing, where no operators are asked for. */
  readonly modules?: boolean | undefined
  /** Whether modules' inputs are recorded too; those of operators always are. */
  readonly inputs?: boolean | undefined
  /** Looks into composite operators, which backends then do not fuse. */
  readonly inside?: boolean | undefined
}

export class Selection {
  readonly looksInside: boolean
  readonly moduleInputs: boolean
  readonly #selection: TraceSelection
  readonly #hasModules: boolean
  readonly #missing: { readonly layers: Set<number>; readonly operators: Set<OperatorName> }

  constructor(selection: TraceSelection) {
    const { layers, operators, modules = operators === undefined, inputs, inside } = selection
    this.#selection = selection
    this.#hasModules = modules
    this.looksInside = inside === true
    this.moduleInputs = inputs === true
    this.#missing = {
      layers: new Set(layers),
      operators: new Set(operators === 'all' ? [] : operators),
    }
  }

  /** Whether a module's output is recorded. The root has no name; its output is the classifier's. */
  hasModule(scope: string): boolean {
    const isIn = this.#hasModules && scope !== '' && this.#isIn(scope)
    if (isIn) this.#found(scope)
    return isIn
  }

  /** Whether an operator is recorded. */
  hasOperator(event: OperatorEvent): boolean {
    return this.#selection.operators !== undefined && this.watches(event)
  }

  /** Whether an operator is watched for NaN: those that are selected, or all if none are by name. */
  watches({ operator, scope, within }: OperatorEvent): boolean {
    // A device without a kernel for a composite operator runs its parts, asked for or not.
    if (within !== undefined && !this.looksInside) return false
    const { operators = 'all' } = this.#selection
    const isChosen =
      operators === 'all' ? !('view' in catalogue[operator]) : operators.includes(operator)
    if (!isChosen || !this.#isIn(scope)) return false
    this.#found(scope)
    this.#missing.operators.delete(operator)
    return true
  }

  /** Throws `InvalidArgumentError` if something that was asked for by name did not run. */
  checkFound(hasAny: boolean): void {
    const [operator] = this.#missing.operators
    if (operator !== undefined) {
      throw new InvalidArgumentError('ops', `no ${operator} ran in what is selected`, {
        hint: this.looksInside
          ? 'take the operators from a trace of all'
          : 'it may run inside of a composite operator, where --inside looks',
      })
    }
    const [layer] = this.#missing.layers
    if (layer !== undefined) {
      throw new InvalidArgumentError('layers', `nothing in layer ${layer} is selected`, {
        hint: 'layers count from 0',
      })
    }
    if (hasAny) return
    throw new InvalidArgumentError('scope', 'nothing is selected', {
      hint: 'paths of modules are like roberta.encoder.layer.0.output.dense',
    })
  }

  #isIn(path: string): boolean {
    const { layers, scope } = this.#selection
    const layer = layerOf(path)
    if (layers !== undefined && (layer === undefined || !layers.includes(layer))) return false
    // Not test(), which remembers where it stopped if the expression is global.
    return scope === undefined || path.search(scope) >= 0
  }

  #found(scope: string): void {
    this.#missing.layers.delete(layerOf(scope) ?? -1)
  }
}
