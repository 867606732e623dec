/**
 * The one error class of reading and writing safetensors files and checkpoints of them.
 *
 * Messages are made where the fault is found; names that come from a file go through `quote`
 * (`quote.ts`). Add a reason by adding a row to `kinds`.
 */
import { type ErrorKind, type ErrorOptions, FileError } from '../../errors.ts'

const kinds = {
  'not-found': 'input',
  'not-a-directory': 'input',
  /** A directory, a device or a pipe. */
  'not-a-file': 'input',
  permission: 'input',
  /** Not even the 8 bytes that give the header's length. */
  'too-short': 'input',
  'header-too-large': 'input',
  'header-beyond-file': 'input',
  /** The header does not begin with `{`. */
  'header-start': 'input',
  'invalid-utf8': 'input',
  'invalid-json': 'input',
  'duplicate-key': 'input',
  /** The key `__proto__`. */
  'forbidden-key': 'input',
  /** Half a surrogate pair, which UTF-8 cannot hold. */
  'lone-surrogate': 'input',
  'too-deep': 'input',
  /** Another type of JSON value than must stand there. */
  'wrong-type': 'input',
  /** Not an integer from 0 to 2^53 - 1. */
  'invalid-number': 'input',
  'unknown-field': 'input',
  'missing-field': 'input',
  'unknown-dtype': 'input',
  /** More elements or bytes than 2^53 - 1. */
  'shape-overflow': 'input',
  /** The bytes of a tensor are not as many as its shape and dtype take. */
  'size-mismatch': 'input',
  'offsets-reversed': 'input',
  /** Bytes that belong to no tensor, before the last one. */
  'offsets-gap': 'input',
  'offsets-overlap': 'input',
  'beyond-file': 'input',
  'trailing-bytes': 'input',
  /** A BOOL byte that is neither 0 nor 1. */
  'invalid-bool': 'input',
  'unknown-tensor': 'input',
  /** The file became shorter after it was opened. */
  truncated: 'input',
  /** It was closed before a read ended. */
  closed: 'input',
  /** The directory has no safetensors weights. */
  'no-weights': 'input',
  /** The index is not what an index must be. */
  'invalid-index': 'input',
  /** A file name that could lead out of the checkpoint's directory. */
  'unsafe-file-name': 'input',
  'missing-shard': 'input',
  /** The index places a tensor in a shard that does not hold it. */
  'missing-tensor': 'input',
  /** Two shards, or two tensors to be written, have the same name. */
  'duplicate-tensor': 'input',
  /** A shard holds a tensor that the index does not place there. */
  'unlisted-tensor': 'input',
  /** A name that the format keeps for itself. */
  'reserved-name': 'input',
  'out-of-memory': 'environment',
  'disk-full': 'environment',
  /** Any other failure of a file operation. */
  filesystem: 'environment',
} as const satisfies Record<string, ErrorKind>

export type SafetensorsReason = keyof typeof kinds

export interface SafetensorsErrorOptions extends ErrorOptions {
  /** The names of the tensors at fault, as they are in the file. */
  readonly tensors?: readonly string[]
}

/** A safetensors file or a checkpoint of them could not be read, or could not be written. */
export class SafetensorsError extends FileError {
  override readonly kind: ErrorKind
  /** The names of all tensors at fault, unshortened and unescaped; empty if none is. */
  readonly tensors: readonly string[]

  constructor(
    path: string,
    readonly reason: SafetensorsReason,
    problem: string,
    options: SafetensorsErrorOptions = {},
  ) {
    super(path, problem, options)
    this.kind = kinds[reason]
    this.tensors = options.tensors ?? []
  }

  /** The first tensor at fault. */
  get tensor(): string | undefined {
    return this.tensors[0]
  }
}
