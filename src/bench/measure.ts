/** One run over all texts, timed batch by batch. */
import { classified } from '../model/classify.ts'
import type { SequenceClassifier } from '../model/sequence-classifier.ts'
import type { BatchReport, SpeedReport } from './report.ts'
import { median, percentile } from './statistics.ts'
import { type Batch, batchesOf } from './workload.ts'

/** Seconds that one batch took. */
export interface BatchTimes {
  readonly texts: number
  readonly endToEnd: number
  readonly forward: number
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
  for (const batch of batchesOf(texts, batchSize)) times.push(await timeBatch(classifier, batch))
  return times
}

async function timeBatch(classifier: SequenceClassifier, texts: Batch): Promise<BatchTimes> {
  const begin = performance.now()
  const encodings = texts.map((text) => classifier.encode(text))
  const encoded = performance.now()
  const outputs = await classifier.forward(encodings)
  const computed = performance.now()
  classified(classifier.config, texts, outputs, 0, {})
  const end = performance.now()
  return {
    texts: texts.length,
    endToEnd: (end - begin) / 1000,
    forward: (computed - encoded) / 1000,
  }
}

/** Seconds that all texts of a run took. */
function secondsOf(run: Run, kind: Kind): number {
  return run.reduce((sum, times) => sum + times[kind], 0)
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
      .map((batch) => batch[kind])
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
