/** Where warnings go. */

export type Warn = (message: string) => void

/** Where they go if nobody says otherwise. */
export const processWarning: Warn = (message) => process.emitWarning(message)

/** Tells every message once: one checkpoint on several devices has the same to say on each. */
export function eachOnce(warn: Warn = processWarning): Warn {
  const told = new Set<string>()
  return (message) => {
    if (told.has(message)) return
    told.add(message)
    warn(message)
  }
}
