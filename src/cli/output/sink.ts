/**
 * A stream that is written to one piece at a time, with its failures as typed errors.
 *
 * A sink is the last to hear of its stream's errors: it keeps listening after the last write, because
 * Node emits `error` after the failed write's callback, and an unheard `error` ends the process.
 */
import { RobertaAscendError } from '../../errors.ts'
import type { OutputStream } from './writer.ts'

/** Results could not be written, for example because the disk is full. */
export class OutputError extends RobertaAscendError {
  override readonly kind = 'environment'
}

/**
 * The reader has gone, as `head` does when it has seen enough. That is no fault: the command stops
 * and exits with 0.
 */
export class OutputClosedError extends OutputError {}

/**
 * A pipe without a reader; a socket whose reader left bytes unread, which is what a parent process in
 * Node gives as standard output; a stream that was destroyed in this process.
 */
const closedCodes: readonly (string | undefined)[] = ['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED']

export class Sink {
  private failure: OutputError | undefined

  constructor(private readonly output: OutputStream) {
    output.on('error', (error) => this.fail(error))
  }

  /** Resolves when the stream has taken the text. After a failure, fails the same way again. */
  async write(text: string): Promise<void> {
    // process.stdout stays open after an error, and would queue this for ever.
    if (this.failure !== undefined) throw this.failure
    await new Promise<void>((resolve, reject) => {
      this.output.write(text, (error) => (error ? reject(this.fail(error)) : resolve()))
    })
  }

  private fail(error: NodeJS.ErrnoException): OutputError {
    this.failure ??= closedCodes.includes(error.code)
      ? new OutputClosedError('nobody reads the output any more', { cause: error })
      : new OutputError(`the results could not be written (${error.message})`, {
          hint: 'the output is incomplete; check the disk or device that it goes to',
          cause: error,
        })
    return this.failure
  }
}
