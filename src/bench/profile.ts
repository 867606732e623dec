/**
 * Where the time of a forward goes, operator by operator.
 *
 * Operators are enqueued without waiting, so they cannot be timed as they pass. Who times them is the
 * device where it has a clock of its own (`time-by-device.ts`), else the host (`time-by-host.ts`).
 */
import type { ModuleReport, OperatorReport, ProfileReport } from './report.ts'
import { median } from './statistics.ts'
import { timeByDevice } from './time-by-device.ts'
import { timeByHost } from './time-by-host.ts'
import { type Call, type Profiled, secondsOf } from './watch-forward.ts'
import type { Batch } from './workload.ts'

/** Times the operators of one batch; each time is the median of `rounds`, after one to warm up. */
export async function profile(
  classifier: Profiled,
  texts: Batch,
  rounds: number,
): Promise<ProfileReport> {
  const encodings = texts.map((text) => classifier.encode(text))
  const forwards: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const forward = await secondsOf(() => classifier.forward(encodings))
    if (round > 0) forwards.push(forward)
  }
  const hasClock = classifier.backend.startStopwatch !== undefined
  const time = hasClock ? timeByDevice : timeByHost
  const { calls, seconds, empty } = await time(classifier, encodings, rounds)
  const medians = calls.map((_, at) => median(seconds.map((round) => round[at]!)))
  const byModule = group(calls, medians, ({ module, operator }) => `${module} ${operator}`)
  return {
    texts: texts.length,
    tokens: encodings.reduce((sum, { inputIds }) => sum + inputIds.length, 0),
    clock: hasClock ? 'device' : 'host',
    forwardSeconds: median(forwards),
    operatorSeconds: medians.reduce((sum, one) => sum + one, 0),
    emptySeconds: median(empty),
    byOperator: group(calls, medians, ({ operator }) => operator).map(
      ({ module: _, ...rest }) => rest,
    ),
    byModule,
  }
}

/** Sums calls with the same key; most time first. */
function group(
  calls: readonly Call[],
  seconds: readonly number[],
  keyOf: (call: Call) => string,
): ModuleReport[] {
  const sums = new Map<string, ModuleReport>()
  for (const [at, call] of calls.entries()) {
    const { module, operator } = call
    const sum = sums.get(keyOf(call)) ?? { module, operator, ...nothing }
    sums.set(keyOf(call), {
      module,
      operator,
      calls: sum.calls + 1,
      seconds: sum.seconds + seconds[at]!,
      flops: sum.flops + call.flops,
      bytes: sum.bytes + call.bytes,
    })
  }
  return [...sums.values()].sort((a, b) => b.seconds - a.seconds)
}

const nothing: Omit<OperatorReport, 'operator'> = { calls: 0, seconds: 0, flops: 0, bytes: 0 }
