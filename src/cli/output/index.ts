/** The formats in which results are written. Add one as a file here and a row in `createWriter`. */
import { csvWriter } from './csv.ts'
import { jsonWriter } from './json.ts'
import { jsonlWriter } from './jsonl.ts'
import { tableWriter } from './table.ts'
import { terminalWriter } from './terminal.ts'
import type { OutputStream, ResultWriter, WriterOptions } from './writer.ts'

export { escapeControls } from './display.ts'
export { OutputClosedError, OutputError } from './sink.ts'
export type { ClassificationRow, OutputStream, ResultWriter, WriterOptions } from './writer.ts'

export const outputFormats = ['table', 'json', 'jsonl', 'csv'] as const
export type OutputFormat = (typeof outputFormats)[number]

/** A table is drawn for people on a terminal, and is tab-separated anywhere else. */
export function createWriter(
  format: OutputFormat,
  output: OutputStream,
  options: WriterOptions,
): ResultWriter {
  switch (format) {
    case 'table':
      return output.isTTY ? terminalWriter(output, options) : tableWriter(output, options)
    case 'json':
      return jsonWriter(output)
    case 'jsonl':
      return jsonlWriter(output)
    case 'csv':
      return csvWriter(output, options)
  }
}
