/**
 * Lines of UTF-8 text from chunks of bytes, checked on the way.
 *
 * The check works on bytes and keeps nothing, so it can run over a file of any size ahead of time;
 * the splitting holds one unfinished line. Where the bytes come from is not known here.
 */
import { constants, isUtf8 } from 'node:buffer'
import { TextInputError } from './text-input-error.ts'

const newline = 0x0a
const byteOrderMark = [0xef, 0xbb, 0xbf]
const byteOrderMarks16 = [
  [0xff, 0xfe],
  [0xfe, 0xff],
]

export interface CheckedChunk {
  /** Whole UTF-8 characters, without NUL and without the byte order mark. Never empty. */
  readonly bytes: Buffer
  readonly newlines: number
}

/**
 * Passes on what is valid. At a fault, what comes before it is passed on first.
 *
 * @param name Names the input in errors.
 * @throws {TextInputError} `empty`, `binary`, `utf-16`, `invalid-utf-8` or `line-too-long`.
 */
export async function* checkedChunks(
  chunks: AsyncIterable<Buffer>,
  name: string,
): AsyncGenerator<CheckedChunk, void, undefined> {
  let offset = 0
  let line = 1
  let unfinishedLine = 0
  let empty = true
  for await (const characters of wholeCharacters(chunks)) {
    const fault = findFault(characters)
    const start = offset === 0 && startsWith(characters, byteOrderMark) ? byteOrderMark.length : 0
    const bytes = characters.subarray(start, fault?.at)
    if (bytes.length > 0) {
      const newlines = countNewlines(bytes)
      const lineEnd = newlines === 0 ? bytes.length : bytes.indexOf(newline)
      if (unfinishedLine + lineEnd > constants.MAX_STRING_LENGTH) throw lineTooLong(name, line)
      unfinishedLine =
        newlines === 0
          ? unfinishedLine + bytes.length
          : bytes.length - bytes.lastIndexOf(newline) - 1
      line += newlines
      empty = false
      yield { bytes, newlines }
    }
    if (fault !== undefined) throw describeFault(fault, characters, { name, offset, line })
    offset += characters.length
  }
  if (empty) {
    throw new TextInputError(name, 'empty', 'is empty', { hint: 'give one text per line' })
  }
}

/**
 * Splits at `\n` alone; one `\r` before it goes with it. A last line needs no `\n`, and a final `\n`
 * begins no further line.
 */
export async function* splitLines(
  chunks: AsyncIterable<CheckedChunk>,
): AsyncGenerator<string, void, undefined> {
  // Pieces are joined once per line: joining them as they come would be quadratic in a long line.
  let pieces: Buffer[] = []
  for await (const { bytes } of chunks) {
    let start = 0
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
      pieces.push(bytes.subarray(start, end))
      const line = joinText(pieces)
      yield line.endsWith('\r') ? line.slice(0, -1) : line
      pieces = []
      start = end + 1
    }
    if (start < bytes.length) pieces.push(bytes.subarray(start))
  }
  if (pieces.length > 0) yield joinText(pieces)
}

export function endsLine({ bytes }: CheckedChunk): boolean {
  return bytes.at(-1) === newline
}

function joinText(pieces: readonly Buffer[]): string {
  const [only] = pieces
  return (pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)).toString('utf8')
}

/** Moves the bounds of chunks so that no character crosses one. */
async function* wholeCharacters(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  let unfinished = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const bytes = unfinished.length === 0 ? chunk : Buffer.concat([unfinished, chunk])
    const end = bytes.length - unfinishedLength(bytes)
    unfinished = Buffer.from(bytes.subarray(end))
    if (end > 0) yield bytes.subarray(0, end)
  }
  if (unfinished.length > 0) yield unfinished
}

/** Bytes of the character that the end of `bytes` cuts in two, 0 where it cuts none. */
function unfinishedLength(bytes: Buffer): number {
  // Half of a UTF-16 byte order mark waits for the other half, to be named as what it is.
  if (bytes.length === 1 && byteOrderMarks16.some((mark) => mark[0] === bytes[0])) return 1
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    const byte = bytes.at(-length) as number
    const continues = byte >= 0x80 && byte < 0xc0
    if (!continues) return characterLength(byte) > length ? length : 0
  }
  return 0
}

/** Bytes of the character that begins with `first`; 1 for a byte that begins none. */
function characterLength(first: number): number {
  if (first < 0xc0 || first >= 0xf8) return 1
  if (first < 0xe0) return 2
  return first < 0xf0 ? 3 : 4
}

interface Fault {
  /** Where the valid part of the chunk ends. */
  readonly at: number
  /** Where the first NUL is, -1 for none. */
  readonly nul: number
}

function findFault(bytes: Buffer): Fault | undefined {
  const nul = bytes.indexOf(0)
  if (nul === -1 && isUtf8(bytes)) return undefined
  const text = nul === -1 ? bytes : bytes.subarray(0, nul)
  return { at: validLength(text), nul }
}

function validLength(bytes: Buffer): number {
  if (isUtf8(bytes)) return bytes.length
  let at = 0
  while (at < bytes.length) {
    const next = at + characterLength(bytes[at] as number)
    if (!isUtf8(bytes.subarray(at, next))) return at
    at = next
  }
  return at
}

function describeFault(
  { at, nul }: Fault,
  bytes: Buffer,
  { name, offset, line }: { name: string; offset: number; line: number },
): TextInputError {
  if (offset === 0 && byteOrderMarks16.some((mark) => startsWith(bytes, mark))) {
    return new TextInputError(name, 'utf-16', 'is UTF-16, by its byte order mark', {
      hint: "convert it to UTF-8, for example with 'iconv -f UTF-16 -t UTF-8'",
      byteOffset: 0,
    })
  }
  // An image or an archive has invalid UTF-8 before its first NUL; "binary" is what helps.
  if (nul !== -1) {
    return new TextInputError(
      name,
      'binary',
      `looks binary: there is a NUL byte at byte offset ${offset + nul}`,
      { hint: 'give UTF-8 text, one text per line', byteOffset: offset + nul },
    )
  }
  const byte = (bytes[at] as number).toString(16)
  return new TextInputError(
    name,
    'invalid-utf-8',
    `line ${line} is not valid UTF-8: byte 0x${byte} at byte offset ${offset + at}`,
    {
      hint: "convert it to UTF-8, for example with 'iconv -f WINDOWS-1252 -t UTF-8'",
      line,
      byteOffset: offset + at,
    },
  )
}

function lineTooLong(name: string, line: number): TextInputError {
  return new TextInputError(
    name,
    'line-too-long',
    `line ${line} is longer than the ${constants.MAX_STRING_LENGTH} bytes that a string can hold`,
    { hint: 'put each text on a line of its own', line },
  )
}

function startsWith(bytes: Buffer, prefix: readonly number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte)
}

function countNewlines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) count++
  return count
}
