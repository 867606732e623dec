/** What can go wrong on the CPU backend while it runs. */
import { type ErrorOptions, RobertaAscendError } from '../../errors.ts'

/** A kernel or a thread failed, or memory ran out. */
export class CpuError extends RobertaAscendError {
  override readonly kind = 'device'
  readonly #isOutOfMemory: boolean

  constructor(
    /** The operator at fault; undefined where it is none in particular. */
    readonly operator: string | undefined,
    problem: string,
    { isOutOfMemory = false, ...options }: ErrorOptions & { isOutOfMemory?: boolean } = {},
  ) {
    super(`${operator === undefined ? '' : `${operator} on `}cpu: ${problem}`, options)
    this.#isOutOfMemory = isOutOfMemory
  }

  override get isOutOfMemory(): boolean {
    return this.#isOutOfMemory
  }
}
