/**
 * Downloads a model from the Hugging Face hub, or from a mirror of it, into a directory.
 *
 * This file is the order of events. The parts: `id.ts` names, `connection.ts` one exchange,
 * `listing.ts` what there is and what is needed, `transfer.ts` one file, `directory.ts`
 * the place on disk, `lock.ts` one download at a time.
 */
import { readFile } from 'node:fs/promises'
import { connect, type HubConnection, type HubConnectionOptions } from './connection.ts'
import { ModelDirectory } from './directory.ts'
import { disk } from './disk.ts'
import { localModelDirectory, parseHubId, parseRevision } from './id.ts'
import { listRepository, type RemoteFile, selectModelFiles, selectShards } from './listing.ts'
import { withLock } from './lock.ts'
import { transfer } from './transfer.ts'

export { type ModelManifest, readManifest } from './directory.ts'
export { HubError, type HubErrorReason } from './error.ts'
export { type HubId, localModelDirectory, parseHubId } from './id.ts'

export interface DownloadProgress {
  /** The file in work. */
  readonly file: string
  /** Bytes on disk, and in all, over all files of the model. */
  readonly doneBytes: number
  readonly totalBytes: number
}

export interface DownloadOptions extends HubConnectionOptions {
  /** Default: `weights/<name>` under the current directory. */
  readonly directory?: string
  /** A branch, a tag or a commit. Default: `main`. */
  readonly revision?: string
  /**
   * Called as bytes arrive. `doneBytes` falls back where a server cannot continue a file and sends
   * it from its beginning.
   */
  readonly onProgress?: (progress: DownloadProgress) => void
}

export interface DownloadedModel {
  readonly id: string
  /** The commit that the files are from. */
  readonly commit: string
  readonly directory: string
  /** All files of the model, by name. */
  readonly files: readonly string[]
  /** The files that this call had to fetch; none where the directory was up to date. */
  readonly fetched: readonly string[]
}

/**
 * Fetches configuration, tokenizer and safetensors of a model. Files that are there already are
 * verified and kept. An interrupted download is continued by the next call; nothing appears under
 * its final name before everything is complete and verified.
 *
 * @param id `owner/name` on the hub
 * @throws HubError; the reason of `options.signal` when that is aborted
 */
export async function downloadModel(
  id: string,
  options: DownloadOptions = {},
): Promise<DownloadedModel> {
  parseHubId(id)
  const revision = parseRevision(options.revision ?? 'main')
  const connection = connect(options)
  const directory = options.directory ?? localModelDirectory(id)
  return withLock(directory, () => downloadTo(directory, { id, revision }, connection, options))
}

async function downloadTo(
  directory: string,
  { id, revision }: { readonly id: string; readonly revision: string },
  connection: HubConnection,
  options: DownloadOptions,
): Promise<DownloadedModel> {
  const place = await ModelDirectory.open(directory, id)
  const listing = await listRepository(connection, { id, revision })
  const source = { id, revision, commit: listing.commit }
  const fetched: string[] = []

  // Returns where the complete file is.
  const obtain = async (file: RemoteFile, onBytes: (bytes: number) => void): Promise<string> => {
    if (await place.has(file, connection.signal)) {
      onBytes(file.size)
      return place.finalPath(file.name)
    }
    const partial = await place.claim(file)
    await transfer(connection, source, file, partial, onBytes)
    fetched.push(file.name)
    return partial
  }

  const { files, index } = selectModelFiles(id, listing)
  try {
    // The index comes first because only its content says which files there are to count.
    const shards: RemoteFile[] = []
    if (index !== undefined) {
      const path = await obtain(index, () => {})
      const text = await disk(path, readFile(path, 'utf8'))
      shards.push(...selectShards(id, listing, index, text))
    }

    const wanted = [...files.filter((file) => file !== index), ...shards]
    const totalBytes = sumOfSizes([...files, ...shards])
    let doneBytes = index?.size ?? 0
    for (const file of wanted) {
      const report = (bytes: number): void =>
        options.onProgress?.({ file: file.name, doneBytes: doneBytes + bytes, totalBytes })
      report(0)
      await obtain(file, report)
      doneBytes += file.size
    }

    const all = [...files, ...shards]
    await place.publish({ id, revision, commit: listing.commit, files: all })
    return { id, commit: listing.commit, directory, files: all.map(({ name }) => name), fetched }
  } catch (error) {
    // What matters is the error that stopped the download, not one of cleaning up after it.
    await place.abandon().catch(() => {})
    throw error
  }
}

function sumOfSizes(files: readonly RemoteFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0)
}
