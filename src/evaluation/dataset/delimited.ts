/**
 * Labelled texts from TSV and CSV: fields between tabs or commas, quoted as CSV is (RFC 4180).
 *
 * Either the first line names the columns, among them `text` and `label` or `labels`, or the columns
 * are text, labels and possibly an id of the text, as in the files of GoEmotions. Several labels
 * stand between commas.
 */
import { CsvError, parse } from 'csv-parse/sync'
import { DatasetError } from './error.ts'
import type { Row } from './row.ts'

interface Record {
  readonly cells: readonly string[]
  readonly line: number
}

interface Columns {
  readonly text: number
  readonly labels: number
  /** How many each row has. */
  readonly counts: readonly number[]
}

const withoutHeader: Columns = { text: 0, labels: 1, counts: [2, 3] }

/** `bytes` are valid UTF-8 without a byte order mark. Blank lines hold nothing and are no rows. */
export function delimitedRows(bytes: Buffer, delimiter: '\t' | ',', path: string): Row[] {
  const records = parseRecords(bytes, delimiter, path)
  const header = headerOf(records[0])
  const { text, labels, counts } = header ?? withoutHeader
  return records.slice(header === undefined ? 0 : 1).map(({ cells, line }) => {
    if (!counts.includes(cells.length)) {
      throw new DatasetError(
        path,
        line,
        `has ${cells.length} columns, not ${counts.join(' or ')}`,
        {
          hint: `${delimiter === ',' ? 'commas' : 'tabs'} within a field need double quotes around it`,
        },
      )
    }
    return { text: cells[text]!, labels: between(cells[labels]!), line }
  })
}

function headerOf(record: Record | undefined): Columns | undefined {
  const names = record?.cells.map((cell) => cell.trim().toLowerCase()) ?? []
  const text = names.indexOf('text')
  const labels = names.findIndex((name) => name === 'labels' || name === 'label')
  return text < 0 || labels < 0 ? undefined : { text, labels, counts: [names.length] }
}

function between(cell: string): string[] {
  return cell.trim() === '' ? [] : cell.split(',').map((label) => label.trim())
}

function parseRecords(bytes: Buffer, delimiter: string, path: string): Record[] {
  const lineAt = lineCounter(bytes)
  // The parser's own count of lines takes a line end within quotes for two.
  let end = 0
  const nextLine = (): number => lineAt(afterBlank(bytes, end))
  const records: Record[] = []
  try {
    parse(bytes, {
      delimiter,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: (cells: string[], info) => {
        records.push({ cells, line: nextLine() })
        end = info.bytes
        return null
      },
    })
    return records
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new DatasetError(path, nextLine(), problemOf(error), {
      hint: 'a field with double quotes stands in double quotes, and those within it are doubled',
      cause: error,
    })
  }
}

function problemOf({ code, message }: CsvError): string {
  switch (code) {
    case 'INVALID_OPENING_QUOTE':
      return 'has a double quote within a field that does not begin with one'
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'has text behind the closing double quote of a field'
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'opens a double quote that nothing closes'
    default:
      return `cannot be read (${message})`
  }
}

const [newline, carriageReturn] = [0x0a, 0x0d]

function afterBlank(bytes: Buffer, start: number): number {
  let at = start
  while (bytes[at] === newline || bytes[at] === carriageReturn) at++
  return at
}

/** Tells the line of a place, from 1; places come in ascending order. */
function lineCounter(bytes: Buffer): (place: number) => number {
  let at = 0
  let line = 1
  return (place) => {
    for (; at < place; at++) if (bytes[at] === newline) line++
    return line
  }
}
