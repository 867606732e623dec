/**
 * Commands on their way from the main thread to the workers: a ring in shared memory, and the rules by
 * which threads share the work of a command.
 *
 * The main thread appends a command: a kernel, its arguments, and how many units its work has. Workers
 * all look at the oldest command that is not complete. Each takes a few of its units at a time, computes
 * them, and adds them to those done; who adds the last makes the command complete, and all go on to the
 * next. So a command sees all that earlier ones wrote, and a thread that the system has put aside delays
 * nobody unless it holds units.
 *
 * A worker may look at a slot that has been reused meanwhile. Units are therefore taken by one atomic
 * exchange that also checks which round of the ring the slot belongs to.
 *
 * Each stream of commands has a ring of its own, and all of them one bell.
 */
import type { Bell } from './bell.ts'

/** Commands that fit, a power of two; a forward of RoBERTa-base has about 140. */
const slots = 4096
const mostArguments = 20
/** Units of a command must be fewer than 2^20, so that they fit beside the round of the ring. */
export const mostUnits = 2 ** 20 - 1
const rounds = 2 ** 11

/**
 * In 32-bit words, an even number of them, since arguments are doubles. `begin` is the number of the first command after
 * there were none.
 */
const header = { submitted: 0, completed: 1, faulty: 2, pages: 3, begin: 4, size: 6 }
/** `progress` holds the round of the ring above the next unit to take. */
const slot = { progress: 0, done: 1, kernel: 2, units: 3, share: 4, count: 5, tag: 6, size: 8 }

/** In bytes. */
const faultSize = 1024
const argumentsAt = 4 * (header.size + slots * slot.size)
const faultAt = argumentsAt + 8 * slots * mostArguments

export interface Command {
  /** Which function of the workers. */
  readonly kernel: number
  /** What the main thread wants to find in a fault of this command. */
  readonly tag: number
  readonly arguments: readonly number[]
}

/** What went wrong first in a command. */
export interface Fault {
  readonly tag: number
  readonly message: string
  /** An index out of range, and the size of what it should have been in. */
  readonly index?: { readonly index: number; readonly size: number }
}

/** A command's number and some of its units, `begin` … `end` − 1. */
export interface Share {
  readonly number: number
  readonly begin: number
  readonly end: number
}

export class CommandRing {
  readonly #bell: Bell
  readonly #words: Int32Array
  readonly #arguments: Float64Array
  readonly #fault: Uint8Array

  /** Without `memory` a new ring. */
  constructor(
    bell: Bell,
    readonly memory = new SharedArrayBuffer(faultAt + faultSize),
  ) {
    this.#bell = bell
    this.#words = new Int32Array(memory, 0, argumentsAt / 4)
    this.#arguments = new Float64Array(memory, argumentsAt, slots * mostArguments)
    this.#fault = new Uint8Array(memory, faultAt, faultSize)
  }

  /** How many commands were appended, modulo 2^32; so is `completed`. */
  get submitted(): number {
    return Atomics.load(this.#words, header.submitted) >>> 0
  }

  get completed(): number {
    return Atomics.load(this.#words, header.completed) >>> 0
  }

  get isFull(): boolean {
    return (this.submitted - this.completed) >>> 0 >= slots
  }

  /**
   * How many commands are complete since the ring was last empty: about how far a forward has come, if the workers have
   * not overtaken who enqueues it.
   */
  get progress(): number {
    return (this.completed - Atomics.load(this.#words, header.begin)) >>> 0
  }

  /** How large the memory is that commands may use, in pages. */
  get pages(): number {
    return Atomics.load(this.#words, header.pages)
  }

  /**
   * Appends a command of `units` units, of which a worker takes `share` at a time, and which may use
   * `pages` pages of memory.
   */
  append(command: Command, units: number, share: number, pages: number): void {
    const number = this.submitted
    const at = wordsOf(number)
    const words = this.#words
    if (number === this.completed) Atomics.store(words, header.begin, number)
    // Whoever looks at the command that was here before finds nothing left to take.
    Atomics.store(words, at + slot.progress, (roundOf(number) << 20) | mostUnits)
    words[at + slot.done] = 0
    words[at + slot.kernel] = command.kernel
    Atomics.store(words, at + slot.units, units)
    Atomics.store(words, at + slot.share, share)
    words[at + slot.count] = command.arguments.length
    words[at + slot.tag] = command.tag
    this.#arguments.set(command.arguments, (number % slots) * mostArguments)
    Atomics.store(words, at + slot.progress, roundOf(number) << 20)
    Atomics.store(words, header.pages, pages)
    Atomics.store(words, header.submitted, number + 1)
    this.#bell.ring()
  }

  /** The command with this number, which must not be complete. */
  command(number: number): Command {
    const at = wordsOf(number)
    const start = (number % slots) * mostArguments
    return {
      kernel: this.#words[at + slot.kernel]!,
      tag: this.#words[at + slot.tag]!,
      arguments: [...this.#arguments.subarray(start, start + this.#words[at + slot.count]!)],
    }
  }

  /** Some units of the oldest command that is not complete; undefined where none are left to take. */
  take(): Share | undefined {
    const words = this.#words
    const number = this.completed
    if (number === this.submitted) return undefined
    const at = wordsOf(number)
    for (;;) {
      const progress = Atomics.load(words, at + slot.progress)
      if (progress >>> 20 !== roundOf(number)) return undefined
      const begin = progress & mostUnits
      const end = Math.min(begin + words[at + slot.share]!, words[at + slot.units]!)
      if (begin >= end) return undefined
      const next = progress + (end - begin)
      if (Atomics.compareExchange(words, at + slot.progress, progress, next) === progress) {
        return { number, begin, end }
      }
    }
  }

  /** Tells that units have been computed. */
  finish({ number, begin, end }: Share): void {
    const words = this.#words
    const at = wordsOf(number)
    // Before the last are told, since the slot is another command's then.
    const units = words[at + slot.units]!
    const done = Atomics.add(words, at + slot.done, end - begin) + end - begin
    if (done < units) return
    Atomics.store(words, header.completed, number + 1)
    this.#bell.ring()
  }

  /** Keeps a fault, if it is the first since the last `takeFault`. */
  putFault(fault: Fault): void {
    const isFirst = Atomics.compareExchange(this.#words, header.faulty, 0, 1) === 0
    if (!isFirst) return
    const message = fault.message.slice(0, faultSize / 8)
    const text = new TextEncoder().encode(JSON.stringify({ ...fault, message }))
    this.#fault.fill(0)
    this.#fault.set(text.subarray(0, faultSize))
    Atomics.store(this.#words, header.faulty, 2)
  }

  takeFault(): Fault | undefined {
    if (Atomics.load(this.#words, header.faulty) !== 2) return undefined
    const bytes = Uint8Array.from(this.#fault)
    Atomics.store(this.#words, header.faulty, 0)
    return JSON.parse(new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)))) as Fault
  }
}

function wordsOf(number: number): number {
  return header.size + (number % slots) * slot.size
}

function roundOf(number: number): number {
  return Math.floor(number / slots) % rounds
}
