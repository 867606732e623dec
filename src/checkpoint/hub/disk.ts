/** File operations of a download: their failures as typed errors, and the digest of a file. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { HubError } from './error.ts'
import type { RemoteFile } from './listing.ts'

/**
 * Waits for a file operation on `path`.
 *
 * @throws HubError 'disk-full', 'permission', 'filesystem'
 */
export async function disk<T>(path: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation
  } catch (error) {
    throw diskError(path, error)
  }
}

function diskError(path: string, error: unknown): unknown {
  const { code, errno } = error as NodeJS.ErrnoException
  // Anything else, such as the reason of an abort, is not of the disk's making.
  if (errno === undefined) return error
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new HubError('disk-full', path, `no space left on the device (${code})`, {
        hint: 'free some space and run the download again; it continues where it stopped',
        cause: error,
      })
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new HubError('permission', path, `may not be written (${code})`, {
        hint: 'choose a directory that you may write to',
        cause: error,
      })
    default:
      return new HubError('filesystem', path, `the file operation failed (${code})`, {
        hint: 'check the path, or choose another directory',
        cause: error,
      })
  }
}

/** The size in bytes of the file at `path`, undefined where there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw diskError(path, error)
  }
}

/** The digest of the file at `path`, in the way that the hub identifies `file`. */
export async function digestOf(
  path: string,
  file: RemoteFile,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash(file.algorithm === 'sha256' ? 'sha256' : 'sha1')
  if (file.algorithm === 'git-blob-sha1') hash.update(`blob ${file.size}\0`)
  const read = async (): Promise<void> => {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
      signal?.throwIfAborted()
      hash.update(chunk)
    }
  }
  await disk(path, read())
  return hash.digest('hex')
}
