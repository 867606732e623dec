/**
 * What became of the plans and graphs of a device, over all its streams: for the settings that reports
 * print, so that it shows why something runs slower than it might.
 */
import type { AclnnCall } from './aclnn-call.ts'

export class Tally {
  #launches = 0
  readonly #oneShot = new Map<string, number>()
  #graphs = 0
  readonly #refusals = new Map<string, number>()

  /** Counts the launches of a plan. */
  plan(calls: readonly AclnnCall[]): void {
    this.#launches += calls.length
    for (const { name, isRepeatable } of calls) if (!isRepeatable) countIn(this.#oneShot, name)
  }

  graph(): void {
    this.#graphs += 1
  }

  /** Counts a plan without a graph. */
  refusal(reason: string): void {
    countIn(this.#refusals, reason)
  }

  /** Which launches cannot be repeated, and how many. */
  get plans(): string {
    if (this.#oneShot.size === 0) return 'on'
    const names = [...this.#oneShot.keys()].join(' ')
    return `on, ${sumOf(this.#oneShot)} of ${this.#launches} launches one-shot: ${names}`
  }

  /** Why plans have no graph, and how many. */
  get graphs(): string {
    if (this.#refusals.size === 0) return 'on'
    const reasons = [...this.#refusals.keys()].join('; ')
    if (this.#graphs === 0) return `off: ${reasons}`
    const refused = sumOf(this.#refusals)
    return `on, ${refused} of ${this.#graphs + refused} plans without: ${reasons}`
  }
}

function countIn(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}
