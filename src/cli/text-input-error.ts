/** What can be wrong with a file or a stream of texts, and the words for it. */
import { isAbsolute } from 'node:path'
import { type ErrorOptions, FileError } from '../errors.ts'

export type TextInputReason =
  | 'missing'
  | 'directory'
  | 'permission'
  | 'unreadable'
  | 'empty'
  | 'binary'
  | 'utf-16'
  | 'invalid-utf-8'
  | 'line-too-long'

export interface TextInputErrorOptions extends ErrorOptions {
  readonly line?: number
  readonly byteOffset?: number
}

/** Texts could not be read. `path` is the file's path or `standard input`. */
export class TextInputError extends FileError {
  /** Line of the fault, from 1. */
  readonly line: number | undefined
  /** Bytes before the fault, from the beginning of the input, a byte order mark included. */
  readonly byteOffset: number | undefined

  constructor(
    path: string,
    readonly reason: TextInputReason,
    problem: string,
    options: TextInputErrorOptions = {},
  ) {
    super(path, problem, options)
    this.line = options.line
    this.byteOffset = options.byteOffset
  }
}

/** The error for what the operating system said when `path` was opened or read. */
export function readFailure(path: string, cause: unknown): TextInputError {
  const { code, message } = cause as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new TextInputError(path, 'missing', 'there is no such file', {
        hint: isAbsolute(path)
          ? 'check the path'
          : `check the path, which is taken relative to ${process.cwd()}`,
        cause,
      })
    case 'EISDIR':
      return directoryError(path, { cause })
    case 'EACCES':
    case 'EPERM':
      return new TextInputError(path, 'permission', 'this user may not read it', {
        hint: 'give yourself read permission on the file and search permission on its directories',
        cause,
      })
    default:
      return new TextInputError(path, 'unreadable', `reading failed (${message})`, {
        hint: 'copy it to a regular file and give that',
        cause,
      })
  }
}

export function directoryError(path: string, options: ErrorOptions = {}): TextInputError {
  const hint = 'give a file with one text per line'
  return new TextInputError(path, 'directory', 'is a directory', { hint, ...options })
}
