/** What idle workers wait for, in shared memory: rung whenever there may be something new in a ring of commands. */

/** In 32-bit words. */
const at = { tick: 0, closing: 1, size: 2 }

export class Bell {
  readonly #words: Int32Array

  /** Without `memory` a new one. */
  constructor(readonly memory = new SharedArrayBuffer(4 * at.size)) {
    this.#words = new Int32Array(memory)
  }

  /** Changes whenever it is rung; see `wait`. */
  get tick(): number {
    return Atomics.load(this.#words, at.tick)
  }

  get isClosing(): boolean {
    return Atomics.load(this.#words, at.closing) !== 0
  }

  ring(): void {
    Atomics.add(this.#words, at.tick, 1)
    Atomics.notify(this.#words, at.tick)
  }

  /** Asks the workers to end. */
  close(): void {
    Atomics.store(this.#words, at.closing, 1)
    this.ring()
  }

  /** Sleeps until `tick` is no longer what it was. */
  wait(tick: number): void {
    Atomics.wait(this.#words, at.tick, tick)
  }
}
