/**
 * What a repository of the hub holds, and which of its files make the model.
 *
 * The listing comes from `@huggingface/hub`, over our own exchange: that adds the token, the
 * time-out and the typed errors, which the library's own requests lack. The library is loaded on
 * the first call because importing it takes about 25 ms.
 */
import { z } from 'zod'
import { exchange, type HubConnection, withRetries } from './connection.ts'
import { HubError } from './error.ts'
import type { HubTarget } from './status.ts'

/** Names of files in the model's directory: no separators, nothing hidden, no way out. */
const plainName = /^[A-Za-z0-9][\w.-]*$/

export const remoteFileSchema = z.object({
  name: z.string().regex(plainName),
  /** Bytes. */
  size: z.number().int().nonnegative(),
  /** Large files (LFS) have a SHA-256, files kept in git the hash of their git blob. */
  algorithm: z.enum(['sha256', 'git-blob-sha1']),
  /** Lower-case hexadecimal. */
  digest: z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/),
})

/** A file of a repository, with what is needed to know its content. */
export type RemoteFile = Readonly<z.infer<typeof remoteFileSchema>>

export interface RepositoryListing {
  /** The full hash of the commit that the revision stood at. */
  readonly commit: string
  /** The files in the repository's root, by name. */
  readonly files: ReadonlyMap<string, RemoteFile>
}

const commitSchema = z.object({ sha: z.string().regex(/^[0-9a-f]{40}$/) })

const treeEntrySchema = z.object({
  path: z.string(),
  size: z.number().int().nonnegative(),
  oid: z.string().regex(/^[0-9a-f]{40}$/),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
})

/**
 * Asks which commit a revision is, and for the files of that commit: all later requests name the
 * commit, so that a push in the meantime cannot mix two versions.
 *
 * @throws HubError
 */
export async function listRepository(
  connection: HubConnection,
  target: HubTarget,
): Promise<RepositoryListing> {
  const { listFiles, modelInfo } = await import('@huggingface/hub')
  const hub = {
    hubUrl: connection.endpoint,
    fetch: (url: unknown) => exchange(connection, target, String(url), {}, buffered),
  }

  const commit = await withRetries(connection, () =>
    wellFormed(connection, target, async () => {
      const { revision } = target
      const info = await modelInfo({ ...hub, name: target.id, revision, additionalFields: ['sha'] })
      return commitSchema.parse(info).sha
    }),
  )
  const files = await withRetries(connection, () =>
    wellFormed(connection, target, async () => {
      const found = new Map<string, RemoteFile>()
      const repo = { type: 'model', name: target.id } as const
      for await (const entry of listFiles({ ...hub, repo, revision: commit })) {
        if (entry.type !== 'file') continue
        const file = toRemoteFile(treeEntrySchema.parse(entry))
        found.set(file.name, file)
      }
      return found
    }),
  )
  return { commit, files }
}

function toRemoteFile({ path, size, oid, lfs }: z.infer<typeof treeEntrySchema>): RemoteFile {
  return lfs === undefined
    ? { name: path, size, algorithm: 'git-blob-sha1', digest: oid }
    : { name: path, size, algorithm: 'sha256', digest: lfs.oid }
}

// The whole body is read inside the exchange, so that its time-out and its errors cover it.
async function buffered(response: Response, alive: () => void): Promise<Response> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body ?? []) {
    alive()
    chunks.push(chunk)
  }
  return new Response(Buffer.concat(chunks), { headers: response.headers })
}

// A captive portal or a wrong endpoint answers with pages instead of JSON, or with other JSON, which
// the library takes as it comes and trips over with a TypeError.
async function wellFormed<T>(
  connection: HubConnection,
  target: HubTarget,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof z.ZodError) {
      throw new HubError(
        'invalid-response',
        target.id,
        `${connection.endpoint} does not answer like a hub`,
        { hint: 'check HF_ENDPOINT and the network', cause: error },
      )
    }
    throw error
  }
}

export interface ModelFiles {
  /** All files of the model, but not the shards that `index` names. */
  readonly files: readonly RemoteFile[]
  /** model.safetensors.index.json, where the weights are in several files. */
  readonly index: RemoteFile | undefined
}

/**
 * Chooses the files that make the model: configuration, tokenizer and safetensors.
 *
 * @throws HubError 'file-not-found', 'no-safetensors'
 */
export function selectModelFiles(id: string, { files }: RepositoryListing): ModelFiles {
  const present = (...names: string[]): RemoteFile[] =>
    names.flatMap((name) => files.get(name) ?? [])

  const config = present('config.json')
  if (config.length === 0) {
    throw new HubError('file-not-found', id, 'the repository has no config.json', {
      hint: 'choose a repository that holds a RoBERTa classification model',
    })
  }

  const vocabulary = present('vocab.json', 'merges.txt')
  const single = present('tokenizer.json')
  if (single.length === 0 && vocabulary.length < 2) {
    throw new HubError(
      'file-not-found',
      id,
      'the repository has neither tokenizer.json nor vocab.json with merges.txt',
      { hint: 'choose a repository that holds the tokenizer next to the model' },
    )
  }
  const tokenizer = [
    ...(single.length > 0 ? single : vocabulary),
    ...present('tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json'),
  ]

  const [weights] = present('model.safetensors', 'model.safetensors.index.json')
  if (weights === undefined) {
    const [pickle] = present('pytorch_model.bin', 'pytorch_model.bin.index.json')
    throw new HubError(
      'no-safetensors',
      id,
      `the repository has no model.safetensors${pickle === undefined ? '' : `, only ${pickle.name}`}`,
      { hint: 'only safetensors is supported: convert the weights, or choose another repository' },
    )
  }
  return {
    files: [...config, ...tokenizer, weights],
    index: weights.name.endsWith('.index.json') ? weights : undefined,
  }
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) })

/**
 * The files that an index of sharded weights names.
 *
 * @throws HubError 'invalid-index', 'unsafe-name', 'file-not-found'
 */
export function selectShards(
  id: string,
  { files }: RepositoryListing,
  index: RemoteFile,
  text: string,
): RemoteFile[] {
  const subject = `${id}/${index.name}`
  const names = new Set(weightMap(subject, text))
  if (names.size === 0) throw new HubError('invalid-index', subject, 'names no files')
  return [...names].sort().map((name) => {
    if (!plainName.test(name) || !name.endsWith('.safetensors')) {
      throw new HubError(
        'unsafe-name',
        subject,
        `names ${JSON.stringify(name)}, which is not the plain name of a safetensors file`,
        { hint: 'report it to the owner of the repository' },
      )
    }
    const shard = files.get(name)
    if (shard === undefined) {
      throw new HubError('file-not-found', subject, `names ${name}, which the repository lacks`, {
        hint: 'report it to the owner of the repository',
      })
    }
    return shard
  })
}

function weightMap(subject: string, text: string): string[] {
  try {
    return Object.values(indexSchema.parse(JSON.parse(text)).weight_map)
  } catch (cause) {
    throw new HubError('invalid-index', subject, 'is not an index of safetensors files', {
      hint: 'report it to the owner of the repository',
      cause,
    })
  }
}
