/** What can go wrong on the CPU backend while it runs. */
import { type ErrorOptions, RobertaAscendError } from '../../errors.ts'

/** A kernel or a thread failed, or memory ran out. */
export class CpuError extends RobertaAscendError {
  override readonly kind = 'device'
  constructor(
    /** The operator at fault; undefined where it is none in particular. */
    readonly operator: string | undefined,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${operator === undefined ? '' : `${operator} on `}cpu: ${problem}`, options)
  }
}
