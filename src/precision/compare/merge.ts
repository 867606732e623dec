/** The comparisons of several batches as one: of each operator and module the worst batch is kept. */
import type { Verdict } from '../standards/index.ts'
import { severities } from '../standards/standard.ts'
import type { BatchComparison, BatchModule } from './batch.ts'
import { graftOf, mergeGrafts } from './graft.ts'
import { worse } from './judge.ts'
import type { BatchOperator, Setting } from './operator.ts'
import type { InputComparison, ModuleComparison, OperatorComparison } from './result.ts'
import { layerOf } from './scope.ts'

export interface Merged {
  readonly inputs: readonly InputComparison[]
  readonly operators: readonly (Omit<OperatorComparison, 'rerun'> & { readonly setting: Setting })[]
  readonly modules: readonly ModuleComparison[]
  readonly unmatched: readonly string[]
}

export class Merger {
  readonly #inputs = new Map<string, InputComparison>()
  readonly #operators = new Map<string, BatchOperator>()
  readonly #modules = new Map<string, BatchModule>()
  readonly #unmatched = new Set<string>()

  add({ inputs, operators, modules, unmatched }: BatchComparison): void {
    for (const input of inputs) {
      const known = this.#inputs.get(input.name)
      if (known === undefined || isWorse(input.verdict, known.verdict)) {
        this.#inputs.set(input.name, input)
      }
    }
    for (const operator of operators) {
      const known = this.#operators.get(operator.id)
      this.#operators.set(operator.id, known ? mergeOperators(known, operator) : operator)
    }
    for (const module of modules) {
      const known = this.#modules.get(module.scope)
      this.#modules.set(module.scope, known ? mergeModules(known, module) : module)
    }
    for (const id of unmatched) this.#unmatched.add(id)
  }

  merged(): Merged {
    return {
      inputs: [...this.#inputs.values()],
      operators: [...this.#operators.values()].map(({ grafted, ...operator }) => ({
        ...operator,
        ...(grafted === undefined ? {} : { grafted: graftOf(grafted) }),
      })),
      modules: [...this.#modules.values()].map(({ scope, shape, judgement, grafted }) => ({
        scope,
        layer: layerOf(scope),
        shape,
        ...judgement,
        ...(grafted === undefined ? {} : { grafted: graftOf(grafted) }),
      })),
      unmatched: [...this.#unmatched],
    }
  }
}

function isWorse(a: Verdict, b: Verdict): boolean {
  return severities.indexOf(a.status) > severities.indexOf(b.status)
}

/** Shape and attributes are those of the batch that decides, in isolated mode if there is one. */
function mergeOperators(a: BatchOperator, b: BatchOperator): BatchOperator {
  const isolated = worse(a.isolated, b.isolated)
  const cascaded = worse(a.cascaded, b.cascaded)
  const decides = (isolated ?? cascaded) === (isolated ? b.isolated : b.cascaded) ? b : a
  const attributes = a.attributes ?? b.attributes
  const grafted = mergeGrafts(a.grafted, b.grafted)
  return {
    ...decides,
    ...(attributes === undefined ? {} : { attributes }),
    ...(isolated === undefined ? {} : { isolated }),
    ...(cascaded === undefined ? {} : { cascaded }),
    ...(grafted === undefined ? {} : { grafted }),
  }
}

function mergeModules(a: BatchModule, b: BatchModule): BatchModule {
  const decides = worse(a.judgement, b.judgement) === b.judgement ? b : a
  const grafted = mergeGrafts(a.grafted, b.grafted)
  return { ...decides, ...(grafted === undefined ? {} : { grafted }) }
}
