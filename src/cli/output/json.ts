/** JSON: one array, one record per line. It is complete only after `end`. */
import { jsonRecord } from './jsonl.ts'
import { Sink } from './sink.ts'
import type { OutputStream, ResultWriter } from './writer.ts'

export function jsonWriter(output: OutputStream): ResultWriter {
  const sink = new Sink(output)
  let empty = true
  return {
    write: async ({ record }) => {
      const separator = empty ? '[\n' : ',\n'
      empty = false
      await sink.write(separator + jsonRecord(record))
    },
    end: () => sink.write(empty ? '[]\n' : '\n]\n'),
  }
}
