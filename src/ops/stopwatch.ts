/**
 * What a device did when, by its own clock: the interface that a backend offers to who measures.
 *
 * All times are in seconds of the host's clock (`now` of `ffi/native-calls.ts`).
 */
import type { NativeCall } from '../ffi/native-calls.ts'

/** A launch or a copy that the device did. */
export interface DeviceWork {
  /** The native function that enqueued it. */
  readonly name: string
  /** The operator of this package that it is part of; undefined for copies between host and device. */
  readonly operator: string | undefined
  readonly begin: number
  readonly end: number
}

export interface StopwatchTimes {
  /** In the order of the device; none overlaps the next. */
  readonly work: readonly DeviceWork[]
  /** Native calls of the host, in the order in which they returned. */
  readonly calls: readonly NativeCall[]
  /** What the device takes between two looks at its clock with nothing to do in between. */
  readonly emptySeconds: number
  /** The device's times may lie so much before or after those of the host. Its durations are not affected. */
  readonly uncertaintySeconds: number
}

export interface Stopwatch {
  /** How many pieces of work were enqueued since it was started. */
  readonly enqueued: number
  /** Waits for the work. The stopwatch is of no use afterwards, whatever happens. */
  stop(): Promise<StopwatchTimes>
}
