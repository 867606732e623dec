/** Notes and progress on standard error, where they are in nobody's way. */
import { type Options, SingleBar } from 'cli-progress'

/** One line for the reader; never part of the result. */
export function note(message: string): void {
  process.stderr.write(`${message}\n`)
}

/** A progress bar on standard error; invisible where that is not a terminal. */
export class Progress {
  readonly #bar: SingleBar
  #isShown = false

  constructor(options: Options) {
    this.#bar = new SingleBar({
      stream: process.stderr,
      clearOnComplete: true,
      // Its handler for Ctrl-C would keep the program from being stopped.
      gracefulExit: false,
      ...options,
    })
  }

  /** Shows the bar, or moves it. */
  update(done: number, total: number, payload: object = {}): void {
    if (!this.#isShown) this.#bar.start(total, done, payload)
    this.#isShown = true
    this.#bar.setTotal(total)
    this.#bar.update(done, payload)
  }

  /** Takes the bar off the screen while something else is written to the terminal. */
  hide(): void {
    if (this.#isShown && process.stderr.isTTY) {
      process.stderr.clearLine(0)
      process.stderr.cursorTo(0)
    }
  }

  stop(): void {
    if (this.#isShown) this.#bar.stop()
    this.#isShown = false
  }
}
