/** Files that are written whole or not at all, and what is said where they cannot be. */
import { randomUUID } from 'node:crypto'
import { access, constants, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FileError } from './errors.ts'

/**
 * Writes a file, replacing one that is there. Its bytes go to a temporary name in the same directory
 * first.
 *
 * @throws FileError where the path cannot be written; nothing is left behind then
 */
export async function writeWholeFile(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`)
  try {
    await writeFile(temporary, text, { flag: 'wx' })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw fileError(path, error)
  }
}

/**
 * Looks whether a file can be written, before much work is done for what goes into it.
 *
 * @throws FileError as writing it would
 */
export async function checkCanWrite(path: string): Promise<void> {
  try {
    const directory = dirname(path)
    if (!(await stat(directory)).isDirectory()) throw codeOnly('ENOTDIR')
    await access(directory, constants.W_OK)
    const there = await stat(path).catch(() => undefined)
    if (there?.isDirectory() === true) throw codeOnly('EISDIR')
  } catch (error) {
    throw fileError(path, error)
  }
}

/**
 * Makes a directory, and those above it, unless it is there.
 *
 * @throws FileError where it cannot be made or written to
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
    await access(path, constants.W_OK)
  } catch (error) {
    throw fileError(path, error)
  }
}

function codeOnly(code: string): Error {
  return Object.assign(new Error(code), { code })
}

const failures: Readonly<Record<string, readonly [problem: string, hint: string]>> = {
  ENOENT: ['its directory does not exist', 'make the directory first'],
  EEXIST: ['there is a file of this name', 'choose another path'],
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
  return new FileError(path, `it cannot be written: ${problem}`, { hint, cause })
}
