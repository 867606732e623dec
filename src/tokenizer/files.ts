/**
 * Reads text and JSON files of a tokenizer, with every fault as a `TokenizerError`.
 *
 * What the JSON must look like is said by the schemas of the callers.
 */
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { TokenizerError } from './errors.ts'

/** The file's text, or undefined where there is no such file. A byte order mark is left out. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (cause) {
    switch ((cause as NodeJS.ErrnoException).code) {
      case 'ENOENT':
        return undefined
      case 'ENOTDIR':
        throw new TokenizerError(dirname(path), 'is not a directory', {
          hint: 'give the directory that holds the tokenizer files',
          cause,
        })
      case 'EISDIR':
        throw new TokenizerError(path, 'is a directory, not a file', { cause })
      case 'ERR_ENCODING_INVALID_ENCODED_DATA':
        throw new TokenizerError(path, 'is not UTF-8 text', {
          hint: 'download the file again',
          cause,
        })
      default:
        throw new TokenizerError(path, `cannot be read (${(cause as Error).message})`, { cause })
    }
  }
}

/** The file's JSON in the form of `schema`, or undefined where there is no such file. */
export async function readJson<T extends z.ZodType>(
  path: string,
  schema: T,
): Promise<z.output<T> | undefined> {
  const text = await readText(path)
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new TokenizerError(path, `is not JSON (${(cause as Error).message})`, {
      hint: 'download the file again',
      cause,
    })
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const place = issue.path.length === 0 ? '' : `${z.core.toDotPath(issue.path)}: `
  throw new TokenizerError(path, `${place}${issue.message}`, {
    hint: "only byte-level BPE tokenizers in RoBERTa's form are supported",
  })
}
