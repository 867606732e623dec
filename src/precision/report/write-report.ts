/** Writes the HTML report of a comparison, whole or not at all. */
import { randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FileError } from '../../errors.ts'
import type { ComparisonResult } from '../compare/result.ts'
import { reportHtml } from './html.ts'

/**
 * Writes a report of `result` to `path`, replacing a file that is there: one HTML file that opens
 * offline in any browser. Its bytes go to a temporary name in the same directory first.
 *
 * @throws FileError where the path cannot be written; nothing is left behind then
 */
export async function writeReport(result: ComparisonResult, path: string): Promise<void> {
  const html = reportHtml(result)
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`)
  try {
    await writeFile(temporary, html, { flag: 'wx' })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw fileError(path, error)
  }
}

const failures: Readonly<Record<string, readonly [problem: string, hint: string]>> = {
  ENOENT: ['its directory does not exist', 'make the directory first'],
  ENOTDIR: ['its parent is not a directory', 'give a path within a directory'],
  EISDIR: ['is a directory', 'give the path of a file'],
  EACCES: ['permission denied', 'choose a directory you may write to'],
  EPERM: ['permission denied', 'choose a directory you may write to'],
  EROFS: ['the file system is read-only', 'choose a directory you may write to'],
  ENOSPC: ['the disk is full', 'free some space'],
  ENAMETOOLONG: ['the name is too long', 'give it a shorter one'],
}

function fileError(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !('code' in cause)) return cause
  const [problem, hint] = failures[String(cause.code)] ?? [cause.message, 'choose another path']
  return new FileError(path, `the report could not be written: ${problem}`, { hint, cause })
}
