/**
 * A local HTTP server that answers like the Hugging Face hub, for tests of downloading.
 *
 * Two servers on two ports: the hub, which answers the API, serves small files itself and sends
 * large ones (LFS) to the second, the content delivery network, with a redirect. Every request is
 * recorded, and every answer can be made to go wrong. It knows models only, and it never writes.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface HubFile {
  readonly content: Uint8Array | string
  /** Stored as a large file, behind a redirect and known by its SHA-256. */
  readonly lfs?: boolean
}

/** What goes wrong with the answers for one file, or of the API. Several faults can go together. */
export interface Fault {
  /** How often it happens, by default always. */
  readonly times?: number
  /** Refuses with this status instead of sending a body; the API knows this fault alone. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Sends another content than the listing's. */
  readonly content?: Uint8Array | string
  /** Sends the whole file whatever range is asked for. */
  readonly ignoreRange?: boolean
  /** Announces and sends so many bytes. */
  readonly contentLength?: number
  /** Announces no length, and ends in good order after so many bytes. */
  readonly endAfter?: number
  /** Sends so many bytes of the body, then breaks the connection. */
  readonly cutAfter?: number
  /** Sends so many bytes of the body, then nothing more. */
  readonly stallAfter?: number
  /** Sends the body byte by byte, with so many milliseconds between. */
  readonly trickle?: number
}

export interface RecordedRequest {
  readonly server: 'hub' | 'cdn'
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly range: string | undefined
  readonly authorization: string | undefined
  readonly acceptEncoding: string | undefined
}

interface Commit {
  readonly sha: string
  readonly files: ReadonlyMap<string, HubFile>
}

interface Repository {
  readonly commits: Commit[]
  gatedFor: string | undefined
}

const resolvePath = /^\/(.+)\/resolve\/([^/]+)\/([^/]+)$/
const apiPath = /^\/api\/models\/(.+)\/(?:revision|tree)\/([^/]+)$/

/** The faults of the listing are set under this name, those of a file under the file's name. */
export const api = '(api)'

export class HubServer {
  readonly requests: RecordedRequest[] = []
  /** Entries of one page of a listing. */
  pageSize = 1000
  readonly #repositories = new Map<string, Repository>()
  readonly #faults = new Map<string, { fault: Fault; left: number }[]>()
  readonly #hub: Server = createServer((request, response) => this.#answerHub(request, response))
  readonly #cdn: Server = createServer((request, response) => this.#answerCdn(request, response))

  static async start(): Promise<HubServer> {
    const server = new HubServer()
    await Promise.all([listen(server.#hub), listen(server.#cdn)])
    return server
  }

  get endpoint(): string {
    return addressOf(this.#hub)
  }

  /** Makes a commit on `main` that holds these files, and returns its hash. */
  push(id: string, files: Readonly<Record<string, HubFile>>): string {
    const repository = this.#repositories.get(id) ?? { commits: [], gatedFor: undefined }
    this.#repositories.set(id, repository)
    const sha = sha1(`${id} ${repository.commits.length}`)
    repository.commits.push({ sha, files: new Map(Object.entries(files)) })
    return sha
  }

  /** From now on only this token may read the files; the listing stays open, as on the hub. */
  gate(id: string, token: string): void {
    const repository = this.#repositories.get(id)
    if (repository !== undefined) repository.gatedFor = token
  }

  /** Faults of one name happen in the order in which they are given. */
  fault(name: string, fault: Fault): void {
    const faults = this.#faults.get(name) ?? []
    faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY })
    this.#faults.set(name, faults)
  }

  heal(): void {
    this.#faults.clear()
  }

  /** The requests for one file's bytes, at the server that sends them. */
  requestsFor(file: string): RecordedRequest[] {
    return this.requests.filter(
      ({ server, path }) => path.endsWith(`/${file}`) && (server === 'cdn' || !this.#isLfs(path)),
    )
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }

  #isLfs(path: string): boolean {
    const [, id = '', revision = '', name = ''] = resolvePath.exec(path) ?? []
    return this.#commit(id, revision)?.files.get(name)?.lfs === true
  }

  #commit(id: string, revision: string): Commit | undefined {
    const commits = this.#repositories.get(id)?.commits ?? []
    return revision === 'main' ? commits.at(-1) : commits.find(({ sha }) => sha === revision)
  }

  #takeFault(name: string): Fault {
    const faults = this.#faults.get(name) ?? []
    const next = faults.find(({ left }) => left > 0)
    if (next === undefined) return {}
    next.left--
    return next.fault
  }

  #record(server: 'hub' | 'cdn', request: IncomingMessage): URL {
    const url = new URL(request.url ?? '/', 'http://localhost')
    this.requests.push({
      server,
      method: request.method ?? '',
      path: url.pathname,
      range: request.headers.range,
      authorization: request.headers.authorization,
      acceptEncoding: request.headers['accept-encoding'] as string | undefined,
    })
    return url
  }

  #answerHub(request: IncomingMessage, response: ServerResponse): void {
    const url = this.#record('hub', request)
    const resolve = resolvePath.exec(url.pathname)
    const [, id = '', revision = ''] = resolve ?? apiPath.exec(url.pathname) ?? []

    const fault = resolve === null ? this.#takeFault(api) : {}
    const repository = this.#repositories.get(id)
    const commit = this.#commit(id, decodeURIComponent(revision))
    if (fault.status !== undefined) {
      response.writeHead(fault.status, fault.headers).end(fault.body)
    } else if (repository === undefined) {
      // Without a token the hub does not tell whether a repository exists.
      const anonymous = request.headers.authorization === undefined
      refuse(response, anonymous ? 401 : 404, 'RepoNotFound')
    } else if (commit === undefined) {
      refuse(response, 404, 'RevisionNotFound')
    } else if (resolve !== null) {
      this.#resolve(request, response, repository, commit, resolve[3] ?? '')
    } else if (url.pathname.includes('/tree/')) {
      this.#tree(response, url, commit)
    } else {
      const sha = url.searchParams.getAll('expand').includes('sha') ? { sha: commit.sha } : {}
      json(response, { _id: sha1(id).slice(0, 24), id, private: false, gated: false, ...sha })
    }
  }

  #tree(response: ServerResponse, url: URL, { files }: Commit): void {
    const recursive = url.searchParams.get('recursive') === 'true'
    const directories = new Set<string>()
    const entries: unknown[] = []
    for (const [path, { content, lfs }] of files) {
      const slash = path.indexOf('/')
      if (slash >= 0 && !recursive) {
        directories.add(path.slice(0, slash))
        continue
      }
      const bytes = Buffer.from(content)
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(bytes)}\nsize ${bytes.length}\n`
      entries.push({
        type: 'file',
        path,
        size: bytes.length,
        oid: gitBlob(lfs ? Buffer.from(pointer) : bytes),
        ...(lfs && {
          lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: pointer.length },
        }),
      })
    }
    for (const path of directories) {
      entries.push({ type: 'directory', path, size: 0, oid: sha1(path) })
    }
    const start = Number(url.searchParams.get('cursor') ?? 0)
    const end = start + this.pageSize
    if (end < entries.length) {
      const next = new URL(`${url.pathname}${url.search}`, this.endpoint)
      next.searchParams.set('cursor', String(end))
      response.setHeader('Link', `<${next}>; rel="next"`)
    }
    json(response, entries.slice(start, end))
  }

  #resolve(
    request: IncomingMessage,
    response: ServerResponse,
    { gatedFor }: Repository,
    commit: Commit,
    name: string,
  ): void {
    const token = request.headers.authorization?.replace('Bearer ', '')
    const file = commit.files.get(name)
    if (gatedFor !== undefined && token !== gatedFor) {
      refuse(response, token === undefined ? 401 : 403, 'GatedRepo')
    } else if (file === undefined) {
      refuse(response, 404, 'EntryNotFound')
    } else {
      const bytes = Buffer.from(file.content)
      response.setHeader('X-Repo-Commit', commit.sha)
      if (file.lfs) {
        response.writeHead(302, {
          'X-Linked-Etag': `"${sha256(bytes)}"`,
          'X-Linked-Size': bytes.length,
          Location: `${addressOf(this.#cdn)}/${sha256(bytes)}/${name}`,
        })
        response.end()
      } else {
        this.#send(request, response, name, bytes, `"${gitBlob(bytes)}"`)
      }
    }
  }

  #answerCdn(request: IncomingMessage, response: ServerResponse): void {
    const [, digest, name = ''] = this.#record('cdn', request).pathname.split('/')
    const bytes = [...this.#repositories.values()]
      .flatMap(({ commits }) => commits)
      .map(({ files }) => Buffer.from(files.get(name)?.content ?? ''))
      .find((content) => sha256(content) === digest)
    if (bytes === undefined) response.writeHead(404).end()
    else this.#send(request, response, name, bytes, `"${digest}"`)
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    listed: Buffer,
    etag: string,
  ): void {
    const fault = this.#takeFault(name)
    if (fault.status !== undefined) {
      response.writeHead(fault.status, fault.headers).end(fault.body)
      return
    }
    const whole = fault.content === undefined ? listed : Buffer.from(fault.content)
    const start = fault.ignoreRange ? 0 : firstByte(request, etag)
    response.setHeader('ETag', etag)
    response.setHeader('Accept-Ranges', 'bytes')
    if (start > 0 && start >= whole.length) {
      response.writeHead(416, { 'Content-Range': `bytes */${whole.length}` }).end()
      return
    }
    if (start > 0) {
      response.statusCode = 206
      response.setHeader('Content-Range', `bytes ${start}-${whole.length - 1}/${whole.length}`)
    }

    const announced = whole.subarray(start, start + (fault.contentLength ?? whole.length))
    const sent = announced.subarray(0, fault.endAfter ?? fault.cutAfter ?? fault.stallAfter)
    if (fault.endAfter === undefined) response.setHeader('Content-Length', announced.length)
    if (fault.trickle !== undefined) {
      void trickle(response, sent, fault.trickle)
      return
    }
    if (request.method !== 'HEAD') response.write(sent)
    // A cut comes later than the bytes before it, so that the client has taken them.
    if (fault.cutAfter !== undefined) setTimeout(() => response.destroy(), 20)
    else if (fault.stallAfter === undefined) response.end()
  }
}

// The first byte of `Range: bytes=N-`. With If-Range of another content it is 0: the whole file.
function firstByte(request: IncomingMessage, etag: string): number {
  const condition = request.headers['if-range']
  if (condition !== undefined && condition !== etag) return 0
  return Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
}

async function trickle(response: ServerResponse, bytes: Buffer, pause: number): Promise<void> {
  for (const byte of bytes) {
    response.write(Buffer.of(byte))
    await sleep(pause)
  }
  response.end()
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'X-Error-Code': code, 'X-Error-Message': code }).end()
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify(value))
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export const sha1 = (data: Uint8Array | string): string =>
  createHash('sha1').update(data).digest('hex')

export const sha256 = (data: Uint8Array | string): string =>
  createHash('sha256').update(data).digest('hex')

/** The hash that git gives to a file's content. */
export const gitBlob = (bytes: Uint8Array): string =>
  sha1(Buffer.concat([Buffer.from(`blob ${bytes.length}\0`), bytes]))
