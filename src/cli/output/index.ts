/** The formats in which results are written. Add one as a file here and a row in `writers`. */
import type { OutputStream, ResultWriter, WriterOptions } from './writer.ts'

export { escapeControls } from './display.ts'
export { OutputClosedError, OutputError } from './sink.ts'
export type { ClassificationRow, OutputStream, ResultWriter, WriterOptions } from './writer.ts'

export const outputFormats = ['table', 'json', 'jsonl', 'csv'] as const
export type OutputFormat = (typeof outputFormats)[number]

type MakeWriter = (output: OutputStream, options: WriterOptions) => ResultWriter

/** Each is loaded on demand: what they need of libraries takes long to load. */
const writers: Readonly<Record<OutputFormat | 'terminal', () => Promise<MakeWriter>>> = {
  table: async () => (await import('./table.ts')).tableWriter,
  terminal: async () => (await import('./terminal.ts')).terminalWriter,
  json: async () => (await import('./json.ts')).jsonWriter,
  jsonl: async () => (await import('./jsonl.ts')).jsonlWriter,
  csv: async () => (await import('./csv.ts')).csvWriter,
}

/** A table is drawn for people on a terminal, and is tab-separated anywhere else. */
export async function createWriter(
  format: OutputFormat,
  output: OutputStream,
  options: WriterOptions,
): Promise<ResultWriter> {
  const make = await writers[format === 'table' && output.isTTY ? 'terminal' : format]()
  return make(output, options)
}
