/**
 * The process in which CANN is examined: it sends what it finds to its parent, `diagnose.ts`, so that
 * a library that crashes or hangs takes nothing with it.
 */
import { examineCann, type Target } from './cann.ts'
import type { Check } from './check.ts'

export type Message =
  | { readonly begin: string }
  | { readonly check: Check }
  | { readonly isComplete: true }

const send = (message: Message) => process.send?.(message)

await examineCann(JSON.parse(process.argv[2]!) as Target, {
  begin: (name) => send({ begin: name }),
  report: (check) => send({ check }),
})
send({ isComplete: true })
process.disconnect?.()
