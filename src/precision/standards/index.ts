/** The types of the standards, until the branch that has them is merged. */
import type { ErrorClass } from '../../ops/tolerance.ts'
import type { WorstElement } from '../metrics.ts'

export type Status = 'pass' | 'warning' | 'error'

export interface Verdict {
  readonly status: Status
  readonly standard: string
  readonly rule: string
  readonly allowed: number | undefined
  readonly needed: number | undefined
  readonly element?: WorstElement
}

export type JudgedClass = ErrorClass | 'accumulated'
