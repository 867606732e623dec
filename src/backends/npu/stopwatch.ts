/**
 * Times by the device's clock: an event before and after each piece of work, on its stream.
 *
 * Events tell how much time lies between two of them, and nothing of the host's clock. So the stopwatch
 * begins on a stream at rest: the host notes its time, records an event and waits for it, so that the
 * event lies between two times of the host. The tightest of several such pairs is taken, and its middle.
 */
import { type NativeCall, now } from '../../ffi/native-calls.ts'
import type { Cann } from '../../ffi/open-cann.ts'
import type { Stopwatch, StopwatchTimes } from '../../ops/stopwatch.ts'
import { timedEvent } from './constants.ts'

const alignments = 5

/** Events that are used again: a device has 65536 of them, and making one takes time. */
export class EventPool {
  readonly #cann: Cann
  readonly #made: bigint[] = []
  readonly #free: bigint[] = []

  constructor(cann: Cann) {
    this.#cann = cann
  }

  take(): bigint {
    const free = this.#free.pop()
    if (free !== undefined) return free
    const handle = new BigUint64Array(1)
    const { call, functions } = this.#cann
    call(functions.aclrtCreateEventExWithFlag, [handle, timedEvent])
    this.#made.push(handle[0]!)
    return handle[0]!
  }

  /** Takes events back, which may still be recorded. */
  put(events: readonly bigint[]): void {
    this.#free.push(...events)
  }

  /** Destroys all events, whatever happens on the way, and returns what went wrong. */
  dispose(): readonly unknown[] {
    this.#free.length = 0
    return this.#made.splice(0).flatMap((event) => {
      try {
        this.#cann.call(this.#cann.functions.aclrtDestroyEvent, [event])
        return []
      } catch (error) {
        return [error]
      }
    })
  }
}

interface Span {
  readonly name: string
  readonly operator: string | undefined
  readonly begin: bigint
  readonly end: bigint
}

export class NpuStopwatch implements Stopwatch {
  readonly #cann: Cann
  readonly #stream: bigint
  readonly #pool: EventPool
  readonly #rest: () => Promise<void>
  readonly #taken: bigint[] = []
  /** Nothing, and then the work. */
  readonly #spans: Span[] = []
  readonly #calls: NativeCall[] = []
  /** An event, and the times of the host between which it happened. */
  #start = { event: 0n, after: 0, before: Infinity }

  /** @param rest Ends the timing and waits for all work. */
  constructor(cann: Cann, stream: bigint, pool: EventPool, rest: () => Promise<void>) {
    this.#cann = cann
    this.#stream = stream
    this.#pool = pool
    this.#rest = rest
  }

  get enqueued(): number {
    return this.#spans.length - 1
  }

  /** Aligns the clocks. The stream has to be at rest, so that the host is not kept waiting. */
  start(): void {
    try {
      for (let round = 0; round < alignments; round++) this.#align()
      this.time('nothing', undefined, () => {})
    } catch (error) {
      this.#release()
      throw error
    }
    this.#cann.callWatcher = (made) => void this.#calls.push(made)
  }

  #align(): void {
    const after = now()
    const event = this.#record()
    this.#cann.call(this.#cann.functions.aclrtSynchronizeEvent, [event])
    const before = now()
    const { after: bestAfter, before: bestBefore } = this.#start
    if (before - after < bestBefore - bestAfter) this.#start = { event, after, before }
  }

  /** Enqueues work between two events. */
  time(name: string, operator: string | undefined, enqueue: () => void): void {
    const begin = this.#record()
    enqueue()
    this.#spans.push({ name, operator, begin, end: this.#record() })
  }

  async stop(): Promise<StopwatchTimes> {
    this.#cann.callWatcher = undefined
    try {
      await this.#rest()
      return this.#read()
    } finally {
      this.#release()
    }
  }

  #read(): StopwatchTimes {
    const { event, after, before } = this.#start
    let [last, at] = [event, (after + before) / 2]
    const [nothing, ...work] = this.#spans.map(({ name, operator, ...events }) => {
      const begin = at + this.#secondsBetween(last, events.begin)
      at = begin + this.#secondsBetween(events.begin, events.end)
      last = events.end
      return { name, operator, begin, end: at }
    })
    return {
      work,
      calls: this.#calls,
      emptySeconds: nothing!.end - nothing!.begin,
      uncertaintySeconds: (before - after) / 2,
    }
  }

  #release(): void {
    this.#pool.put(this.#taken.splice(0))
  }

  #record(): bigint {
    const event = this.#pool.take()
    this.#taken.push(event)
    this.#cann.call(this.#cann.functions.aclrtRecordEvent, [event, this.#stream])
    return event
  }

  #secondsBetween(start: bigint, end: bigint): number {
    const milliseconds = new Float32Array(1)
    const { call, functions } = this.#cann
    call(functions.aclrtEventElapsedTime, [milliseconds, start, end])
    return milliseconds[0]! / 1000
  }
}
