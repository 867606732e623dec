/** Reads a file of labelled texts. A new format is a file beside this one and a line in `formats`. */
import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { extname, isAbsolute } from 'node:path'
import { InvalidArgumentError } from '../../errors.ts'
import { delimitedRows } from './delimited.ts'
import { DatasetError } from './error.ts'
import { jsonLinesRows } from './json-lines.ts'
import type { Dataset } from './labelled-texts.ts'
import type { Row } from './row.ts'

const formats = {
  tsv: (bytes, path) => delimitedRows(bytes, '\t', path),
  csv: (bytes, path) => delimitedRows(bytes, ',', path),
  jsonl: (bytes, path) => jsonLinesRows(bytes.toString('utf8'), path),
} as const satisfies Record<string, (bytes: Buffer, path: string) => Row[]>

export type DatasetFormat = keyof typeof formats
export const datasetFormats = Object.keys(formats) as readonly DatasetFormat[]

/**
 * Reads all of a file. Its format is that of its extension if none is given. Throws `DatasetError`
 * with the line for whatever is not as it should be: no row is left out.
 */
export async function readDataset(path: string, format?: DatasetFormat): Promise<Dataset> {
  const rows = formats[format ?? formatOf(path)](await readText(path), path)
  if (rows.length === 0) throw new DatasetError(path, undefined, 'holds no texts')
  return { name: path, rows }
}

function formatOf(path: string): DatasetFormat {
  const extension = extname(path).slice(1).toLowerCase()
  if (Object.hasOwn(formats, extension)) return extension as DatasetFormat
  throw new InvalidArgumentError('dataset', `the extension of ${path} names no format`, {
    hint: `state the format: ${datasetFormats.join(', ')}`,
  })
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/** The bytes of a file in UTF-8, without a byte order mark. */
async function readText(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const problem =
      cause.code === 'ENOENT' ? 'there is no such file' : `cannot be read (${cause.code})`
    const hint = isAbsolute(path) ? 'check the path' : `the path is relative to ${process.cwd()}`
    throw new DatasetError(path, undefined, problem, { hint, cause })
  })
  if (!isUtf8(bytes)) {
    throw new DatasetError(path, firstLineNotUtf8(bytes), 'is not valid UTF-8', {
      hint: "convert the file to UTF-8, for example with 'iconv -f WINDOWS-1252 -t UTF-8'",
    })
  }
  return bytes.subarray(0, 3).equals(byteOrderMark) ? bytes.subarray(3) : bytes
}

function firstLineNotUtf8(bytes: Buffer): number {
  let line = 1
  for (let start = 0; ; line++) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline < 0 ? bytes.length : newline
    if (newline < 0 || !isUtf8(bytes.subarray(start, end))) return line
    start = end + 1
  }
}
