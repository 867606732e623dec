/**
 * Scopes and observers: how tracing, statistics, NaN watches and profiling see a forward pass.
 *
 * With no observer attached a scope only names itself and frees memory. Tensors shown to an observer
 * live until the callback returns; it keeps one longer with `alias()`.
 */
import type { StorageOwner } from '../tensor/storage.ts'
import { type ArenaResult, arena, Tensor } from '../tensor/tensor.ts'
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
  /** The tensors among its arguments. */
  readonly inputs: readonly Tensor[]
  readonly output: ArenaResult
}

export interface Observer {
  /** Sees every operator of a composite one too; backends then do not fuse. */
  readonly looksInside?: boolean
  operator?(event: OperatorEvent): void
  module?(event: ModuleEvent): void
}

interface Attachment {
  readonly observer: Observer
  /** The only one whose operators it sees; all if undefined. */
  readonly backend: StorageOwner | undefined
}

const attachments = new Set<Attachment>()
let isNotifying = false
let path = ''

/**
 * Attaches an observer until the returned handle is disposed. With a backend it sees what runs on that
 * one alone, and other models in the process run as if nobody looked.
 */
export function observe(observer: Observer, backend?: StorageOwner): Disposable {
  const attachment = { observer, backend }
  attachments.add(attachment)
  return { [Symbol.dispose]: () => void attachments.delete(attachment) }
}

/**
 * Calls `tell` with each observer of `backend`. Operators that an observer runs meanwhile are its own
 * business: no observer sees them.
 */
export function notify(
  backend: StorageOwner | undefined,
  tell: (observer: Observer) => void,
): void {
  if (isNotifying || attachments.size === 0) return
  isNotifying = true
  try {
    for (const attachment of attachments) {
      if (sees(attachment, backend)) tell(attachment.observer)
    }
  } finally {
    isNotifying = false
  }
}

function sees({ backend }: Attachment, running: StorageOwner | undefined): boolean {
  return backend === undefined || backend === running
}

/** True if somebody sees what runs on `backend`; that is then as PyTorch has it, in full. */
export function isObserved(backend: StorageOwner): boolean {
  if (isNotifying) return false
  for (const attachment of attachments) if (sees(attachment, backend)) return true
  return false
}

/** True if an observer of `backend` wants to see what composite operators are made of. */
export function looksInside(backend: StorageOwner): boolean {
  if (isNotifying) return false
  for (const attachment of attachments) {
    if (attachment.observer.looksInside === true && sees(attachment, backend)) return true
  }
  return false
}

/** The path of the innermost scope. */
export function currentScope(): string {
  return path
}

/**
 * Runs a module's forward pass under its name: operators in it report `name`, and every tensor made
 * in it but the result is disposed of at its end. `args` are what the module was called with; observers
 * are shown the tensors among them.
 */
export function scope<T extends ArenaResult>(
  name: string,
  body: () => T,
  args: readonly unknown[] = [],
): T {
  const outer = path
  path = name
  try {
    return arena(() => {
      const output = body()
      if (attachments.size > 0) tellModule(name, args, output)
      return output
    })
  } finally {
    path = outer
  }
}

function tellModule(name: string, args: readonly unknown[], output: ArenaResult): void {
  const inputs = args.filter((argument) => argument instanceof Tensor)
  const [first] = output instanceof Tensor ? [output] : (output ?? inputs)
  notify(first?.storage.owner, (observer) => observer.module?.({ scope: name, inputs, output }))
}
