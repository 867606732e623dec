/**
 * The texts to classify, one at a time, from arguments, a file or standard input.
 *
 * One line is one text, verbatim. This opens the source and says how many texts there are where that
 * can be known; what a line is, and what is valid, is in `utf8-lines.ts`.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { InvalidArgumentError } from '../errors.ts'
import { directoryError, readFailure } from './text-input-error.ts'
import { checkedChunks, endsLine, splitLines } from './utf8-lines.ts'

export type TextOrigin =
  | { readonly texts: readonly string[] }
  | { readonly file: string }
  | { readonly stdin: NodeJS.ReadableStream }

export interface TextSource extends AsyncIterable<string> {
  /** The file's path, `standard input` or `command line`. */
  readonly name: string
  /** How many texts there are; undefined for a stream, which tells only at its end. */
  readonly count: number | undefined
}

/**
 * Opens a source of texts. Lines end at `\n` or `\r\n` and nowhere else, blank lines are empty texts,
 * and a byte order mark at the very beginning is dropped. Memory holds one chunk and one line.
 *
 * A regular file is read once here, so that no text is yielded from one that is faulty further on,
 * and again for its texts. Anything else (standard input, a FIFO, a device) can be read only once,
 * and is checked while it is iterated: the texts before a fault are yielded, then the error is thrown.
 *
 * @throws {TextInputError} here or, for streams, while iterating.
 */
export async function openTexts(origin: TextOrigin): Promise<TextSource> {
  if ('texts' in origin) {
    return textSource('command line', origin.texts.length, async function* () {
      yield* origin.texts
    })
  }
  if ('stdin' in origin) {
    const name = 'standard input'
    return textSource(name, undefined, () =>
      splitLines(checkedChunks(read(origin.stdin, name), name)),
    )
  }
  return openFile(origin.file)
}

/** All texts of `--text` or of `--batch-file`; undefined where neither is given. */
export async function givenTexts({
  text,
  batchFile,
}: {
  readonly text?: readonly string[]
  readonly batchFile?: string
}): Promise<readonly string[] | undefined> {
  if (batchFile === undefined) return text
  if (text !== undefined) {
    throw new InvalidArgumentError('--text and --batch-file', 'exclude each other', {
      hint: 'give one of them',
    })
  }
  const texts: string[] = []
  for await (const line of await openTexts({ file: batchFile })) texts.push(line)
  return texts
}

async function openFile(path: string): Promise<TextSource> {
  const regular = await isRegularFile(path)
  const chunks = () => {
    // A position makes both readings begin at 0 even where opening /dev/stdin shares its offset;
    // a FIFO has no positions. 1 MiB chunks check about twice as fast as the default of 64 KiB: 2 GB/s.
    const options = { highWaterMark: 2 ** 20, ...(regular && { start: 0 }) }
    return checkedChunks(read(createReadStream(path, options), path), path)
  }
  let count: number | undefined
  if (regular) {
    count = 0
    let unfinished = 0
    for await (const chunk of chunks()) {
      count += chunk.newlines
      unfinished = endsLine(chunk) ? 0 : 1
    }
    count += unfinished
  }
  return textSource(path, count, () => splitLines(chunks()))
}

async function isRegularFile(path: string): Promise<boolean> {
  const status = await stat(path).catch((error: unknown) => {
    throw readFailure(path, error)
  })
  if (status.isDirectory()) throw directoryError(path)
  return status.isFile()
}

async function* read(
  stream: NodeJS.ReadableStream,
  name: string,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
  } catch (error) {
    throw readFailure(name, error)
  }
}

function textSource(
  name: string,
  count: number | undefined,
  iterate: () => AsyncIterator<string>,
): TextSource {
  return { name, count, [Symbol.asyncIterator]: iterate }
}
