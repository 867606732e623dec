/** Notes and progress on standard error, where they are in nobody's way. */
import { createRequire } from 'node:module'
import type { SingleBar } from 'cli-progress'
import { escapeControls } from './output/display.ts'

/** One line for the reader; never part of the result. What it quotes cannot control the terminal. */
export function note(message: string): void {
  process.stderr.write(`${escapeControls(message)}\n`)
}

/** A progress bar on standard error; none where that is not a terminal that can draw one. */
export class Progress {
  readonly #bar: SingleBar | undefined

  /** `format` is cli-progress's, with `{bar}`, `{value}`, `{total}`, `{eta_formatted}` and the like. */
  constructor(format: string, total: number) {
    if (!process.stderr.isTTY || process.env.TERM === 'dumb') return
    // Only where there is a bar, since it takes long to load.
    const require = createRequire(import.meta.url)
    const { SingleBar } = require('cli-progress') as typeof import('cli-progress')
    this.#bar = new SingleBar({
      format,
      stream: process.stderr,
      // What remains of the line is for the numbers.
      barsize: Math.max(8, Math.min(40, process.stderr.columns - 45)),
      clearOnComplete: true,
      // What it would change of the terminal stays changed if the program is stopped; and its own
      // handler for Ctrl-C would keep the program from being stopped.
      linewrap: true,
      gracefulExit: false,
    })
    this.#bar.start(total, 0)
  }

  update(done: number, total: number, payload: object = {}): void {
    this.#bar?.setTotal(total)
    this.#bar?.update(done, payload)
  }

  /** Takes the bar off the screen while something else is written to the terminal. */
  hide(): void {
    if (this.#bar === undefined) return
    process.stderr.clearLine(0)
    process.stderr.cursorTo(0)
  }

  stop(): void {
    this.#bar?.stop()
  }
}
