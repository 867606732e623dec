/** The errors of reading a tokenizer. Those of a single call to `encode` are `InvalidArgumentError`. */
import { FileError } from '../errors.ts'

/** A directory does not hold a tokenizer that can be read, or one that is not RoBERTa's kind. */
export class TokenizerError extends FileError {}
