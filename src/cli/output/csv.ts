/**
 * CSV after RFC 4180: CRLF between lines, quotes where needed, a header.
 *
 * Texts are verbatim, also those that a spreadsheet would take for a formula (`=1+1`). An apostrophe
 * in front would protect a spreadsheet and spoil the data for every program that compares texts with
 * its input, and reading programs are what CSV is for here. Whoever opens untrusted texts in a
 * spreadsheet imports the column as text.
 */
import { stringify } from 'csv-stringify/sync'
import type { Classification } from '../../model/classification.ts'
import { Sink } from './sink.ts'
import { type OutputStream, perLabel, type ResultWriter, type WriterOptions } from './writer.ts'

/**
 * Columns: index, text, labels, scores, truncated; with `all` also `probability:<label>` for each
 * label and then `logit:<label>` for each. Labels and scores are joined by `;`, best first; a `;` or
 * `\` within a label has a `\` before it. Numbers have full precision; NaN and Infinity are written
 * so.
 */
export function csvWriter(output: OutputStream, { labels, all }: WriterOptions): ResultWriter {
  const sink = new Sink(output)
  const columns = ['index', 'text', 'labels', 'scores', 'truncated']
  if (all) {
    for (const field of ['probability', 'logit']) {
      columns.push(...labels.map((label) => `${field}:${label}`))
    }
  }
  let header = csvLine(columns)
  return {
    write: async ({ record }) => {
      const cells = commonCells(record)
      if (all) {
        for (const field of ['probabilities', 'logits'] as const) {
          cells.push(...perLabel(record, field, labels).map(String))
        }
      }
      const lines = header + csvLine(cells)
      header = ''
      await sink.write(lines)
    },
    end: () => sink.write(header),
  }
}

function commonCells({ index, text, labels, truncated }: Classification): string[] {
  return [
    String(index),
    text,
    labels.map(({ label }) => label.replace(/[\\;]/g, '\\$&')).join(';'),
    labels.map(({ score }) => score).join(';'),
    String(truncated === true),
  ]
}

/** One line, quoted where needed. */
export function csvLine(cells: readonly string[]): string {
  // Without the pattern, a \r or \n alone would stand unquoted, since neither ends a line here.
  return stringify([[...cells]], { record_delimiter: 'windows', quoted_match: /[\r\n]/ })
}
