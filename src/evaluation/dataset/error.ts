/** A file of labelled texts that is not what it should be. */
import { type ErrorOptions, FileError } from '../../errors.ts'

export class DatasetError extends FileError {
  constructor(
    path: string,
    /** Where the faulty row begins, from 1; undefined where it is the whole file that is at fault. */
    readonly line: number | undefined,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(path, line === undefined ? problem : `line ${line} ${problem}`, options)
  }
}
