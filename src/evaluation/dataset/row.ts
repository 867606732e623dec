/** A labelled text as a file has it, before it is known which labels there are. */
export interface Row {
  readonly text: string
  /** Numbers are ids, strings are names; digits in a string may be either. */
  readonly labels: readonly (number | string)[]
  /** Where it begins in its file, from 1. */
  readonly line: number
}
