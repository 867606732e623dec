/**
 * Scopes and observers: how tracing, statistics, NaN watches and profiling see a forward pass.
 *
 * With no observer attached a scope only names itself and frees memory. Tensors shown to an observer
 * live until the callback returns; it keeps one longer with `alias()`.
 */
import { type ArenaResult, arena, type Tensor } from '../tensor/tensor.ts'
import type { Attributes } from './backend.ts'
import type { OperatorName } from './catalogue.ts'

export interface OperatorEvent {
  readonly operator: OperatorName
  /** The module it ran in, for example `roberta.encoder.layer.0.output.dense`; `''` outside. */
  readonly scope: string
  /** The composite operator it is part of. */
  readonly within: OperatorName | undefined
  readonly inputs: readonly (Tensor | undefined)[]
  readonly attributes: Attributes
  readonly output: Tensor
}

export interface ModuleEvent {
  /** The module's path, equal to the prefix of its parameters in the checkpoint. */
  readonly scope: string
  readonly output: ArenaResult
}

export interface Observer {
  /** Sees every operator of a composite one too; backends then do not fuse. */
  readonly looksInside?: boolean
  operator?(event: OperatorEvent): void
  module?(event: ModuleEvent): void
}

const observers = new Set<Observer>()
let isNotifying = false
let path = ''

/** Attaches an observer until the returned handle is disposed. */
export function observe(observer: Observer): Disposable {
  observers.add(observer)
  return { [Symbol.dispose]: () => void observers.delete(observer) }
}

/**
 * Calls `tell` with each observer. Operators that an observer runs meanwhile are its own business: no
 * observer sees them.
 */
export function notify(tell: (observer: Observer) => void): void {
  if (isNotifying || observers.size === 0) return
  isNotifying = true
  try {
    for (const observer of observers) tell(observer)
  } finally {
    isNotifying = false
  }
}

/** True if somebody sees operators and modules; what they see is then as PyTorch has it, in full. */
export function isObserved(): boolean {
  return !isNotifying && observers.size > 0
}

/** True if an observer wants to see what composite operators are made of. */
export function looksInside(): boolean {
  if (isNotifying) return false
  for (const observer of observers) if (observer.looksInside === true) return true
  return false
}

/** The path of the innermost scope. */
export function currentScope(): string {
  return path
}

/**
 * Runs a module's forward pass under its name: operators in it report `name`, and every tensor made
 * in it but the result is disposed of at its end.
 */
export function scope<T extends ArenaResult>(name: string, body: () => T): T {
  const outer = path
  path = name
  try {
    return arena(() => {
      const output = body()
      notify((observer) => observer.module?.({ scope: name, output }))
      return output
    })
  } finally {
    path = outer
  }
}
