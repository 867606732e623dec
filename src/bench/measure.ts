/** One run over all texts, timed batch by batch. */
import { mapInOrder } from '../model/in-order.ts'
import type { SequenceClassifier } from '../model/sequence-classifier.ts'
import type { BatchReport, SpeedReport } from './report.ts'
import { median, percentile } from './statistics.ts'
import { runBatch } from './trace-batch.ts'
import { type Batch, batchesOf } from './workload.ts'

/** When something began and ended, in seconds. */
export type Span = readonly [begin: number, end: number]

/** What happened to one batch when. */
export interface BatchTimes {
  readonly texts: number
  readonly endToEnd: Span
  readonly forward: Span
}

/** The batches of one run. */
export type Run = readonly BatchTimes[]

export type Kind = 'endToEnd' | 'forward'

/** Runs all texts once, as `classify` would. */
export async function runAll(
  classifier: SequenceClassifier,
  texts: readonly string[],
  batchSize: number,
): Promise<Run> {
  const times: BatchTimes[] = []
  const batches = batchesOf(texts, batchSize)
  const run = (batch: Batch) => timeBatch(classifier, batch)
  for await (const one of mapInOrder(batches, classifier.concurrency, run)) times.push(one)
  return times
}

async function timeBatch(classifier: SequenceClassifier, texts: Batch): Promise<BatchTimes> {
  const { begin, encoded, computed, end } = await runBatch(classifier, texts)
  return { texts: texts.length, endToEnd: [begin, end], forward: [encoded, computed] }
}

/** Seconds in which any batch of a run was under way: where devices share them, several are at a time. */
function secondsOf(run: Run, kind: Kind): number {
  let seconds = 0
  let covered = -Infinity
  for (const [begin, end] of run.map((times) => times[kind]).sort(([a], [b]) => a - b)) {
    seconds += Math.max(0, end - Math.max(begin, covered))
    covered = Math.max(covered, end)
  }
  return seconds
}

/** The figures of several runs with one batch size; `tokens` are those of all texts. */
export function summarize(
  runs: readonly Run[],
  batchSize: number,
  tokens: number,
): Pick<BatchReport, 'batchSize' | 'endToEnd' | 'forward'> {
  const texts = runs[0]!.reduce((sum, batch) => sum + batch.texts, 0)
  const speed = (kind: Kind): SpeedReport => {
    const seconds = median(runs.map((run) => secondsOf(run, kind)))
    const latencies = runs
      .flat()
      .filter((batch) => batch.texts === batchSize)
      .map(({ [kind]: [begin, end] }) => end - begin)
    return {
      textsPerSecond: texts / seconds,
      tokensPerSecond: tokens / seconds,
      latency: {
        batches: latencies.length,
        p50: percentile(latencies, 50),
        p95: percentile(latencies, 95),
        p99: percentile(latencies, 99),
      },
    }
  }
  return { batchSize, endToEnd: speed('endToEnd'), forward: speed('forward') }
}

/** How many times as fast `runs` are as the runs of the same rounds in `baseline`: the median. */
export function ratioOf(runs: readonly Run[], baseline: readonly Run[], kind: Kind): number {
  return median(runs.map((run, round) => secondsOf(baseline[round]!, kind) / secondsOf(run, kind)))
}
