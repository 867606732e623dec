/** File operations of safetensors files: whole transfers, and failures as typed errors. */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { SafetensorsError } from './error.ts'

/** One system call moves less than 2 GiB, so that larger transfers go in pieces. */
const largestPiece = 2 ** 30

/**
 * Waits for a file operation on `path`.
 *
 * @throws SafetensorsError 'not-found', 'not-a-directory', 'not-a-file', 'permission', 'disk-full',
 *   'closed', 'filesystem'
 */
export async function fileOperation<T>(path: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation
  } catch (cause) {
    throw fileFailure(path, cause)
  }
}

/**
 * Opens a file for reading.
 *
 * @throws SafetensorsError 'not-found', 'not-a-file', 'permission', 'filesystem'
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  // Looked at before it is opened: to open a pipe would wait for a writer.
  const stats = await fileOperation(path, stat(path))
  if (!stats.isFile()) {
    const what = stats.isDirectory() ? 'is a directory' : 'is not a regular file'
    throw new SafetensorsError(path, 'not-a-file', what, {
      hint: 'give the path of a file, not of a directory, device or pipe',
    })
  }
  return fileOperation(path, open(path, 'r'))
}

/** Reads from `position` until `bytes` is full or the file ends; returns how many bytes came. */
export async function readFully(
  path: string,
  handle: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<number> {
  let count = 0
  while (count < bytes.length) {
    const length = Math.min(bytes.length - count, largestPiece)
    const piece = handle.read(bytes, count, length, position + count)
    const { bytesRead } = await fileOperation(path, piece)
    if (bytesRead === 0) break
    count += bytesRead
  }
  return count
}

/** Writes all of `bytes` behind what was written before. */
export async function writeFully(
  path: string,
  handle: FileHandle,
  bytes: Uint8Array,
): Promise<void> {
  let count = 0
  while (count < bytes.length) {
    const length = Math.min(bytes.length - count, largestPiece)
    const { bytesWritten } = await fileOperation(path, handle.write(bytes, count, length))
    count += bytesWritten
  }
}

/** The error for what the operating system said when `path` was opened, read or written. */
function fileFailure(path: string, cause: unknown): SafetensorsError {
  const { code, message } = cause as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
      return new SafetensorsError(path, 'not-found', 'there is no such file or directory', {
        hint: 'check the path',
        cause,
      })
    case 'ENOTDIR':
      return new SafetensorsError(path, 'not-a-directory', 'is not, or not in, a directory', {
        hint: 'check the path',
        cause,
      })
    case 'EISDIR':
      return new SafetensorsError(path, 'not-a-file', 'is a directory', {
        hint: 'give the path of a file',
        cause,
      })
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new SafetensorsError(path, 'permission', `this user may not do that (${code})`, {
        hint: 'change the permissions of the file and its directory, or choose another place',
        cause,
      })
    case 'ENOSPC':
    case 'EDQUOT':
      return new SafetensorsError(path, 'disk-full', `no space left on the device (${code})`, {
        hint: 'free some space',
        cause,
      })
    case 'EBADF':
      return new SafetensorsError(path, 'closed', 'was closed before this read ended', {
        hint: 'close it when all tensors are read',
        cause,
      })
    default:
      return new SafetensorsError(path, 'filesystem', `the file operation failed (${message})`, {
        hint: 'check the disk, or copy the file to another one',
        cause,
      })
  }
}
