/**
 * When native functions run, for those who draw or count it. Times are of one clock, which all threads
 * of this process share.
 */

/** One call, from entering the function to its return. */
export interface NativeCall {
  readonly symbol: string
  /** On a `NativeThread`, beside JavaScript. */
  readonly isBeside: boolean
  /** Seconds, as `now` has them. */
  readonly begin: number
  readonly end: number
}

export type CallWatcher = (call: NativeCall) => void

/** Seconds since some moment before this process. `performance.now` counts from another one in each thread. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e9
}
