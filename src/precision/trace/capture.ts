/**
 * What a forward shows to an observer, held until it has been read, in bounded memory.
 *
 * An observer is called while the forward runs and cannot wait, but reading a tensor has to. So the
 * tensors are kept by aliases and read when the forward is over. To keep their memory bounded the forward
 * is made in passes: when as much is held as may be, the pass is stopped by an error, what it held is
 * read and released, and the next pass goes on where that one ended. A forward gives the same tensors in
 * the same order each time, so the passes add up to one.
 *
 * The bound: one pass holds activations of `maxHeldBytes`, or those of a single operator where they alone
 * are more. Parameters are not counted; the model holds them anyway.
 */
import {
  type Attributes,
  type Backend,
  catalogue,
  type ModuleEvent,
  type Observer,
  type OperatorDefinition,
  type OperatorEvent,
  type OperatorName,
  observe,
} from '../../ops/index.ts'
import type { Storage } from '../../tensor/storage.ts'
import { Tensor } from '../../tensor/tensor.ts'
import { operatorId } from './names.ts'
import type { Selection } from './selection.ts'

export interface CapturedTensor {
  readonly name: string
  readonly tensor: Tensor
  readonly isParameter: boolean
}

export interface CapturedOperator {
  readonly kind: 'operator'
  readonly id: string
  readonly operator: OperatorName
  readonly scope: string
  readonly within: OperatorName | undefined
  readonly attributes: Attributes
  /** By their names in the catalogue; `tensors.0`, `tensors.1` … where there may be any number. */
  readonly inputs: readonly { readonly input: string; readonly tensor: CapturedTensor }[]
  readonly output: CapturedTensor
  readonly isRecorded: boolean
  readonly isWatched: boolean
}

export interface CapturedModule {
  readonly kind: 'module'
  readonly scope: string
  readonly inputs: readonly CapturedTensor[]
  readonly output: CapturedTensor
}

export type Captured = CapturedOperator | CapturedModule

export interface CaptureOptions {
  readonly backend: Backend
  readonly parameters: readonly { readonly name: string; readonly value: Tensor }[]
  readonly selection: Selection
  /** Whether operators that are not recorded are captured to be watched. */
  readonly watches: boolean
  readonly maxHeldBytes: number
}

/**
 * The selected operators and modules of a forward, in order of execution. Their tensors live until the
 * next is asked for. Throws what `forward` throws.
 */
export async function* capture(
  forward: () => Promise<unknown>,
  options: CaptureOptions,
): AsyncGenerator<Captured, void, undefined> {
  let done = 0
  for (let isOver = false; !isOver; ) {
    const pass = new Pass(done, options)
    try {
      isOver = await pass.run(forward)
      for (const captured of pass.captured) yield captured
      done = pass.seen
    } finally {
      pass.release()
    }
  }
}

/** What stops a pass. */
class PassIsFull extends Error {}

class Pass {
  readonly captured: Captured[] = []
  /** Events that were wanted, those of earlier passes among them. */
  seen = 0
  readonly #full = new PassIsFull()
  readonly #aliases: Tensor[] = []
  readonly #held = new Set<Storage>()
  #heldBytes = 0
  /** Names of tensors that are recorded already, so that none is recorded twice. Weak: it holds no memory. */
  readonly #names = new WeakMap<Tensor, string>()
  readonly #parameters: ReadonlyMap<Tensor, string>
  readonly #occurrences = new Map<string, number>()

  constructor(
    private readonly skipped: number,
    private readonly options: CaptureOptions,
  ) {
    this.#parameters = new Map(options.parameters.map(({ name, value }) => [value, name]))
  }

  /** Whether the forward came to its end. */
  async run(forward: () => Promise<unknown>): Promise<boolean> {
    const { selection, backend } = this.options
    const observer: Observer = {
      looksInside: selection.looksInside,
      operator: (event) => this.#operator(event),
      module: (event) => this.#module(event),
    }
    using _watching = observe(observer, backend)
    try {
      await forward()
      return true
    } catch (error) {
      if (error === this.#full) return false
      throw error
    }
  }

  release(): void {
    for (const alias of this.#aliases) alias.dispose()
  }

  #operator(event: OperatorEvent): void {
    const { operator, scope, within, attributes, inputs, output } = event
    const counted = operatorId(scope, operator, within, 0)
    const occurrence = this.#occurrences.get(counted) ?? 0
    this.#occurrences.set(counted, occurrence + 1)
    const { selection, watches } = this.options
    const isRecorded = selection.hasOperator(event)
    const isWatched = watches && selection.watches(event)
    if (!isRecorded && !isWatched) return
    const id = operatorId(scope, operator, within, occurrence)
    const definition: OperatorDefinition = catalogue[operator] as OperatorDefinition
    const named = inputs.flatMap((tensor, at) =>
      tensor === undefined ? [] : [{ input: inputName(definition, at), tensor }],
    )
    const present = [...named.map(({ tensor }) => tensor), output]
    this.#take(present, () => {
      const take = (tensor: Tensor, part: string): CapturedTensor =>
        this.#capture(tensor, this.#nameOf(tensor, `${id}/${part}`, isRecorded))
      return {
        kind: 'operator',
        id,
        operator,
        scope,
        within,
        attributes,
        inputs: named.map(({ input, tensor }) => ({ input, tensor: take(tensor, input) })),
        output: take(output, 'output'),
        isRecorded,
        isWatched,
      }
    })
  }

  #module({ scope, inputs, output }: ModuleEvent): void {
    const { selection } = this.options
    if (!(output instanceof Tensor) || !selection.hasModule(scope)) return
    const shown = selection.moduleInputs ? inputs : []
    this.#take([...shown, output], () => {
      const taken = shown.map((tensor, at) =>
        this.#capture(tensor, this.#nameOf(tensor, `${scope}/input.${at}`, true)),
      )
      // A module's output is recorded under the module's path, also if an operator's is the same.
      if (!this.#names.has(output)) this.#names.set(output, scope)
      return { kind: 'module', scope, inputs: taken, output: this.#capture(output, scope) }
    })
  }

  /** Captures an event unless an earlier pass did; stops the pass if there is no room for it. */
  #take(tensors: readonly Tensor[], make: () => Captured): void {
    const storages = new Set(
      tensors
        .filter((tensor) => !this.#parameters.has(tensor))
        .map(({ storage }) => storage)
        .filter((storage) => !this.#held.has(storage)),
    )
    if (this.seen >= this.skipped) {
      const bytes = [...storages].reduce((sum, { byteLength }) => sum + byteLength, 0)
      const hasRoom = this.#heldBytes + bytes <= this.options.maxHeldBytes
      if (!hasRoom && bytes > 0 && this.captured.length > 0) throw this.#full
      this.#heldBytes += bytes
      for (const storage of storages) this.#held.add(storage)
      this.captured.push(make())
    } else {
      make()
    }
    this.seen += 1
  }

  #capture(tensor: Tensor, name: string): CapturedTensor {
    const isParameter = this.#parameters.has(tensor)
    if (this.seen < this.skipped) return { name, tensor, isParameter }
    const alias = tensor.alias()
    this.#aliases.push(alias)
    return { name, tensor: alias, isParameter }
  }

  #nameOf(tensor: Tensor, ownName: string, isRecorded: boolean): string {
    const known = this.#parameters.get(tensor) ?? this.#names.get(tensor)
    if (known === undefined && isRecorded) this.#names.set(tensor, ownName)
    return known ?? ownName
  }
}

function inputName({ inputs }: OperatorDefinition, position: number): string {
  const [first] = inputs
  return first?.variadic === true ? `${first.name}.${position}` : inputs[position]!.name
}
