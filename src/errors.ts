/**
 * Every error that a caller is expected to meet.
 *
 * An error is data: what went wrong, the thing at fault as fields of the subclass, and a hint that
 * says the way out. Printing is the caller's business; the command line turns `kind` into an exit
 * code. Errors of tensors and operators are in `tensor/errors.ts`. Add a class here when the fault
 * belongs to no single folder.
 */

/** Whose fault it is: the given input, this machine, or a device that failed while running. */
export type ErrorKind = 'input' | 'environment' | 'device'

export interface ErrorOptions {
  /** What the reader can do about it, as an imperative clause without a full stop. */
  readonly hint?: string
  readonly cause?: unknown
}

/** Base of all errors this package throws on purpose. `message` is `problem` followed by the hint. */
export class RobertaAscendError extends Error {
  readonly kind: ErrorKind = 'input'
  readonly problem: string
  readonly hint: string | undefined

  constructor(problem: string, options: ErrorOptions = {}) {
    super(
      options.hint === undefined ? problem : `${problem}; ${options.hint}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.name = new.target.name
    this.problem = problem
    this.hint = options.hint
  }

  /** Whether a device had no memory left, so that the same may succeed where less is done beside it. */
  get isOutOfMemory(): boolean {
    return false
  }
}

/** An argument or option has a value that makes no sense. */
export class InvalidArgumentError extends RobertaAscendError {
  constructor(
    readonly argument: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${argument}: ${problem}`, options)
  }
}

/** A file could not be read as what it should be. */
export class FileError extends RobertaAscendError {
  constructor(
    readonly path: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${path === '' ? "''" : path}: ${problem}`, options)
  }
}

/** A device, or what it needs, is not available on this machine. */
export class DeviceUnavailableError extends RobertaAscendError {
  override readonly kind = 'environment'
  constructor(
    readonly device: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`device '${device}' is not available: ${reason}`, options)
  }
}
