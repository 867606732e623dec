/** One batch through a classifier, with the time of everything that host and device do for it. */
import { now } from '../ffi/native-calls.ts'
import { classified } from '../model/classify.ts'
import type { SequenceClassifier } from '../model/sequence-classifier.ts'
import type { StopwatchTimes } from '../ops/stopwatch.ts'
import type { Batch } from './workload.ts'

/** A part of the work of the host. */
export interface Phase {
  readonly name: string
  /** Seconds, as `now` has them. */
  readonly begin: number
  readonly end: number
}

export interface BatchTrace {
  readonly texts: number
  readonly tokens: number
  /** From the outermost to the innermost, in their order. */
  readonly phases: readonly Phase[]
  /** Undefined for a device without a clock of its own. */
  readonly times: StopwatchTimes | undefined
}

/** The part of a classifier that is needed here. */
export type Traced = Pick<SequenceClassifier, 'backend' | 'config' | 'encode' | 'forward'>

/** Runs a batch as `classify` would. */
export async function runBatch(classifier: Omit<Traced, 'backend'>, texts: Batch) {
  const begin = now()
  const encodings = texts.map((text) => classifier.encode(text))
  const encoded = now()
  const outputs = await classifier.forward(encodings)
  const computed = now()
  classified(classifier.config, texts, outputs, 0, {})
  return { encodings, begin, encoded, computed, end: now() }
}

export async function traceBatch(classifier: Traced, texts: Batch): Promise<BatchTrace> {
  const stopwatch = await classifier.backend.startStopwatch?.()
  let batch: Omit<BatchTrace, 'times'>
  try {
    batch = await phasesOf(classifier, texts)
  } catch (error) {
    // What stopped the batch matters more.
    await stopwatch?.stop().catch(() => {})
    throw error
  }
  return { ...batch, times: await stopwatch?.stop() }
}

async function phasesOf(classifier: Traced, texts: Batch) {
  const { encodings, begin, encoded, computed, end } = await runBatch(classifier, texts)
  return {
    texts: texts.length,
    tokens: encodings.reduce((sum, { inputIds }) => sum + inputIds.length, 0),
    phases: [
      { name: `batch of ${texts.length}`, begin, end },
      { name: 'tokenize', begin, end: encoded },
      { name: 'forward', begin: encoded, end: computed },
      { name: 'scores', begin: computed, end },
    ],
  }
}
