/**
 * The directory of a downloaded model: what it holds, and how files come into it.
 *
 * A file arrives as `<name>.incomplete`. When all files of the model are complete and verified they
 * are renamed, and the manifest is written last: a directory with a manifest holds a whole model,
 * and an update that fails leaves the former model as it was. While files arrive, a ledger says
 * which content each partial file belongs to, so that a later run continues only what is the same.
 *
 * Only one download works on a directory at a time; see `lock.ts`.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { digestOf, disk, sizeOf } from './disk.ts'
import { HubError } from './error.ts'
import { type RemoteFile, remoteFileSchema } from './listing.ts'

export const manifestName = '.roberta-ascend.json'
const ledgerName = `${manifestName}.incomplete`

const ledgerSchema = z.object({ id: z.string(), files: z.array(remoteFileSchema) })
const manifestSchema = z.object({
  id: z.string(),
  revision: z.string(),
  commit: z.string(),
  files: z.array(remoteFileSchema),
})

type Ledger = z.infer<typeof ledgerSchema>

/** What a directory holds: the model, the commit it is from, and its files. */
export type ModelManifest = z.infer<typeof manifestSchema>

/**
 * Reads the manifest of a downloaded model, undefined where the directory holds no whole one.
 *
 * @throws HubError 'directory-in-use' when the manifest is damaged
 */
export async function readManifest(directory: string): Promise<ModelManifest | undefined> {
  return readRecord(join(directory, manifestName), manifestSchema)
}

async function readRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  if ((await sizeOf(path)) === undefined) return undefined
  const text = await disk(path, readFile(path, 'utf8'))
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new HubError('directory-in-use', path, 'is damaged', {
      hint: 'remove the directory and download the model again',
      cause,
    })
  }
}

// Written aside first, so that a crash leaves the former record or the new one.
async function writeRecord(path: string, record: Ledger | ModelManifest): Promise<void> {
  const aside = `${path}.${randomUUID()}.new`
  await disk(aside, writeFile(aside, `${JSON.stringify(record, undefined, 2)}\n`, { flush: true }))
  await disk(path, rename(aside, path))
}

const same = (a: RemoteFile, b: RemoteFile): boolean => a.name === b.name && a.digest === b.digest

export class ModelDirectory {
  #created = false
  readonly #claimed = new Set<string>()

  private constructor(
    readonly path: string,
    readonly id: string,
    readonly published: ModelManifest | undefined,
    private pending: readonly RemoteFile[],
  ) {}

  /**
   * Looks at a directory without changing it. It need not exist.
   *
   * @throws HubError 'directory-in-use' when it holds something else than the model `id`
   */
  static async open(path: string, id: string): Promise<ModelDirectory> {
    const entries = (await sizeOf(path)) === undefined ? [] : await disk(path, readdir(path))
    const published = await readManifest(path)
    const ledger = await readRecord(join(path, ledgerName), ledgerSchema)
    const owner = published ?? ledger
    const hint = 'remove it, or give another directory'
    if (owner !== undefined && owner.id !== id) {
      throw new HubError('directory-in-use', path, `holds the model ${owner.id}, not ${id}`, {
        hint,
      })
    }
    if (owner === undefined && entries.some((entry) => !entry.startsWith(manifestName))) {
      throw new HubError(
        'directory-in-use',
        path,
        'is not empty, and its files were not downloaded by roberta-ascend',
        { hint },
      )
    }
    return new ModelDirectory(path, id, published, ledger?.files ?? [])
  }

  finalPath(name: string): string {
    return join(this.path, name)
  }

  partialPath(name: string): string {
    return join(this.path, `${name}.incomplete`)
  }

  /** Whether the file is there under its final name, with the right content. */
  async has(file: RemoteFile, signal: AbortSignal | undefined): Promise<boolean> {
    const path = this.finalPath(file.name)
    return (
      (await sizeOf(path)) === file.size && (await digestOf(path, file, signal)) === file.digest
    )
  }

  /** Makes the partial file's path the place for this content; data of other content is removed. */
  async claim(file: RemoteFile): Promise<string> {
    if ((await disk(this.path, mkdir(this.path, { recursive: true }))) !== undefined) {
      this.#created = true
    }
    const partial = this.partialPath(file.name)
    if (!this.pending.some((other) => same(other, file))) {
      await disk(partial, rm(partial, { force: true }))
      this.pending = [...this.pending.filter(({ name }) => name !== file.name), file]
      await writeRecord(join(this.path, ledgerName), { id: this.id, files: [...this.pending] })
    }
    this.#claimed.add(file.name)
    return partial
  }

  /**
   * Gives the claimed files, all complete now, their final names, removes what belongs to the model
   * no longer, and writes the manifest. A directory that is up to date is not written to.
   */
  async publish(manifest: ModelManifest): Promise<void> {
    if (this.pending.length === 0 && isDeepStrictEqual(this.published, manifest)) return
    const manifestPath = join(this.path, manifestName)
    const current = new Set(manifest.files.map(({ name }) => name))

    const obsolete = this.published?.files.filter(({ name }) => !current.has(name)) ?? []
    for (const { name } of obsolete) await this.#remove(this.finalPath(name))
    await this.#remove(manifestPath)

    for (const file of this.pending) {
      if (this.#claimed.has(file.name)) await this.#settle(file)
      else await this.#remove(this.partialPath(file.name))
    }
    await writeRecord(manifestPath, manifest)
    await this.#remove(join(this.path, ledgerName))
  }

  /** After a failure: removes what `claim` made, if no data has arrived. */
  async abandon(): Promise<void> {
    const entries = await disk(this.path, readdir(this.path))
    if (!entries.every((entry) => entry.startsWith(ledgerName))) return
    for (const entry of entries) await this.#remove(join(this.path, entry))
    if (this.#created) await disk(this.path, rmdir(this.path))
  }

  async #settle(file: RemoteFile): Promise<void> {
    const partial = this.partialPath(file.name)
    await disk(partial, rename(partial, this.finalPath(file.name)))
  }

  async #remove(path: string): Promise<void> {
    await disk(path, rm(path, { force: true }))
  }
}
