/** JSON Lines: one record per line. Also says how a record looks as JSON, for both JSON formats. */
import type { Classification } from '../../model/classification.ts'
import { Sink } from './sink.ts'
import type { OutputStream, ResultWriter } from './writer.ts'

export function jsonlWriter(output: OutputStream): ResultWriter {
  const sink = new Sink(output)
  return {
    write: ({ record }) => sink.write(`${jsonRecord(record)}\n`),
    end: async () => {},
  }
}

/**
 * DEL, the C1 controls and the two Unicode line ends. JSON lets them stand as they are, but some
 * readers split lines there, and some terminals take C1 for the beginning of an escape sequence.
 */
const unsafe = /[\u007f-\u009f\u2028\u2029]/g

/**
 * A record on one line, its keys in a fixed order. A number has as many digits as bring the same
 * float64 back, and a float32 is written as the float64 that it equals; -0 becomes 0. JSON has no NaN
 * and no infinity: both become null.
 */
export function jsonRecord(record: Classification): string {
  const { index, text, truncated, labels, probabilities, logits } = record
  const json = JSON.stringify({
    index,
    text,
    truncated,
    labels: labels.map(({ label, score }) => ({ label, score })),
    probabilities,
    logits,
  })
  return json.replace(unsafe, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
