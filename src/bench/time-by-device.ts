/**
 * Operators timed by the device's own clock, while a forward runs: nothing waits in between.
 *
 * An observer sees each operator when it has been enqueued; what the stopwatch has counted by then, and
 * not when the operator before was seen, is its work.
 */
import type { Encoding } from '../tokenizer/tokenizer.ts'
import { type Call, type CallTimes, type Profiled, watchForward } from './watch-forward.ts'

export async function timeByDevice(
  classifier: Profiled,
  encodings: readonly Encoding[],
  rounds: number,
): Promise<CallTimes> {
  let calls: Call[] = []
  const seconds: number[][] = []
  const empty: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const one = await timeForward(classifier, encodings)
    calls = one.calls
    if (round === 0) continue
    seconds.push(one.seconds)
    empty.push(one.emptySeconds)
  }
  return { calls, seconds, empty }
}

async function timeForward(classifier: Profiled, encodings: readonly Encoding[]) {
  const stopwatch = await classifier.backend.startStopwatch!()
  const calls: Call[] = []
  /** How much had been enqueued when each call was seen. */
  const enqueued: number[] = []
  try {
    await watchForward(classifier, encodings, (call) => {
      calls.push(call)
      enqueued.push(stopwatch.enqueued)
    })
  } catch (error) {
    // What stopped the forward matters more.
    await stopwatch.stop().catch(() => {})
    throw error
  }
  const { work, emptySeconds } = await stopwatch.stop()
  const seconds = enqueued.map((end, at) =>
    work
      .slice(enqueued[at - 1] ?? 0, end)
      .filter(({ operator }) => operator !== undefined)
      .reduce((sum, { begin, end: done }) => sum + done - begin, 0),
  )
  return { calls, seconds, emptySeconds }
}
