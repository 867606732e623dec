/**
 * Brings one file of the hub onto the disk: resumes, retries, and verifies what arrived.
 *
 * The partial file holds a correct beginning of the content at every moment, so its length is all
 * there is to know for going on. Where the file ends up is the caller's business.
 */
import { constants } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { exchange, type HubConnection, withRetries } from './connection.ts'
import { digestOf, disk, sizeOf } from './disk.ts'
import { HubError } from './error.ts'
import type { RemoteFile } from './listing.ts'
import { type HubTarget, targetName } from './status.ts'

export interface TransferSource {
  readonly id: string
  readonly revision: string
  /** The commit that the revision stood at. */
  readonly commit: string
}

/**
 * Downloads `file` to `partial`, continuing what is there already. `onBytes` is told how many of
 * the file's bytes are on disk. Data that turns out to be wrong is removed.
 *
 * @throws HubError; the reason of the connection's signal when that is aborted
 */
export async function transfer(
  connection: HubConnection,
  source: TransferSource,
  file: RemoteFile,
  partial: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const target: HubTarget = { id: source.id, revision: source.revision, file: file.name }
  const url = `${connection.endpoint}/${source.id}/resolve/${source.commit}/${file.name}`
  try {
    await withRetries(connection, () => fetchRest(connection, target, url, file, partial, onBytes))
    await verify(connection, target, file, partial)
  } catch (error) {
    if (error instanceof HubError && (error.reason === 'size' || error.reason === 'checksum')) {
      await disk(partial, rm(partial, { force: true }))
    }
    throw error
  }
}

async function fetchRest(
  connection: HubConnection,
  target: HubTarget,
  url: string,
  file: RemoteFile,
  partial: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const held = await sizeOf(partial)
  if (held === file.size) return onBytes(held)

  const offset = held ?? 0
  // A compressed answer could neither be resumed nor measured.
  const headers = {
    'Accept-Encoding': 'identity',
    ...(offset > 0 && { Range: `bytes=${offset}-` }),
  }
  await exchange(connection, target, url, headers, async (response, alive) => {
    let position = startOfBody(response, target, file, offset)
    const flags = constants.O_WRONLY | constants.O_CREAT
    const handle = await disk(partial, open(partial, flags))
    try {
      onBytes(position)
      for await (const chunk of response.body ?? []) {
        alive()
        if (position + chunk.length > file.size) {
          throw wrongSize(target, file.size, `more than ${file.size}`)
        }
        await disk(partial, writeAt(handle, chunk, position))
        position += chunk.length
        onBytes(position)
      }
      if (position === file.size) await disk(partial, handle.sync())
    } finally {
      await disk(partial, handle.close())
    }
    if (position < file.size) {
      throw new HubError(
        'interrupted',
        targetName(target),
        `the answer ended after ${position} of ${file.size} bytes`,
        { hint: 'run the download again; it continues where it stopped' },
      )
    }
  })
}

// Where in the file the body begins: at the offset asked for, or at 0 from a server that ignores
// ranges. Sizes that differ from the listing are found here, before anything is written.
function startOfBody(
  { status, headers }: Response,
  target: HubTarget,
  file: RemoteFile,
  offset: number,
): number {
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('Content-Range') ?? '')
    if (range === null || Number(range[1]) !== offset) {
      throw new HubError('invalid-response', targetName(target), 'another range than asked for')
    }
    if (range[2] !== '*' && Number(range[2]) !== file.size) {
      throw wrongSize(target, file.size, Number(range[2]))
    }
    return offset
  }
  const length = headers.get('Content-Length')
  if (length !== null && !headers.has('Content-Encoding') && Number(length) !== file.size) {
    throw wrongSize(target, file.size, Number(length))
  }
  return 0
}

function wrongSize(target: HubTarget, expected: number, actual: number | string): HubError {
  return new HubError(
    'size',
    targetName(target),
    `expected ${expected} bytes, but there are ${actual}`,
    {
      hint: 'run the download again; this file starts over',
      expected: String(expected),
      actual: String(actual),
    },
  )
}

// A write may be cut short, for example where the disk becomes full.
async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const rest = bytes.length - done
    done += (await handle.write(bytes, done, rest, position + done)).bytesWritten
  }
}

// Reads the file back instead of hashing what passes by: what counts is what is on the disk, and a
// resumed file has to be read anyway.
async function verify(
  connection: HubConnection,
  target: HubTarget,
  file: RemoteFile,
  partial: string,
): Promise<void> {
  const actual = await digestOf(partial, file, connection.signal)
  if (actual === file.digest) return
  throw new HubError(
    'checksum',
    targetName(target),
    `the content is damaged: expected ${file.algorithm} ${file.digest}, got ${actual}`,
    { hint: 'run the download again; this file starts over', expected: file.digest, actual },
  )
}
