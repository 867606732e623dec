/**
 * What a diagnosis is made of: checks, each a line for people, facts for programs, and the way out.
 *
 * `status` is `problem` where something prevents use, `warning` where something looks wrong but does
 * not, `skipped` where a check does not apply or could not be made.
 */
import { RobertaAscendError } from '../../../errors.ts'

export type Fact = string | number | boolean | null | readonly string[]
export type Facts = Readonly<Record<string, Fact>>

export interface Check {
  readonly name: string
  readonly status: 'ok' | 'warning' | 'problem' | 'skipped'
  /** One line. It may quote text of other programs, with whatever characters that has. */
  readonly summary: string
  readonly facts: Facts
  /** What to do, as an imperative clause without a full stop; every warning and problem has one. */
  readonly hint?: string
}

export function ok(name: string, summary: string, facts: Facts = {}): Check {
  return { name, status: 'ok', summary, facts }
}

export function skipped(name: string, summary: string): Check {
  return { name, status: 'skipped', summary, facts: {} }
}

export function warning(name: string, summary: string, hint: string, facts: Facts = {}): Check {
  return { name, status: 'warning', summary, facts, hint }
}

export function problem(name: string, summary: string, hint: string, facts: Facts = {}): Check {
  return { name, status: 'problem', summary, facts, hint }
}

/** A problem that shows as an error. One that nobody foresaw is a problem too, never a crash. */
export function problemOf(name: string, error: unknown, facts: Facts = {}): Check {
  if (!(error instanceof RobertaAscendError)) {
    const hint = 'report this line: it is a defect of roberta-ascend'
    return problem(name, String(error), hint, facts)
  }
  const reason = 'reason' in error ? String(error.reason) : error.problem
  return problem(name, reason, error.hint ?? 'look the message up in the documentation', facts)
}
