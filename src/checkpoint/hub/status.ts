/**
 * What the hub's refusals mean, as typed errors.
 *
 * The hub tells its cases apart in the header X-Error-Code; mirrors may leave it out, and then the
 * status alone decides.
 */
import { HubError } from './error.ts'

/** What was asked for: a repository's listing, or one of its files. */
export interface HubTarget {
  readonly id: string
  readonly revision: string
  readonly file?: string
}

/** The target in messages: `owner/name`, or `owner/name/file`. */
export function targetName(target: HubTarget): string {
  return target.file === undefined ? target.id : `${target.id}/${target.file}`
}

/** The error for an answer other than 2xx. */
export function refusal(
  { endpoint, token }: { readonly endpoint: string; readonly token: string | undefined },
  target: HubTarget,
  response: Response,
): HubError {
  const { id, revision, file } = target
  const { status } = response
  const code = response.headers.get('X-Error-Code')
  const name = targetName(target)

  if (code === 'GatedRepo' || status === 403) {
    return new HubError('gated', name, `access is restricted (${status})`, {
      hint: `accept the conditions at ${endpoint}/${id}, and set HF_TOKEN to a token of that account`,
    })
  }
  if (status === 401) {
    return new HubError(
      'unauthorized',
      name,
      'the hub answered 401: there is no such repository, or it is private',
      {
        hint:
          token === undefined
            ? 'check the id, or set HF_TOKEN to a token that may read it'
            : 'check the id, and that the token in HF_TOKEN is valid and may read it',
      },
    )
  }
  if (code === 'RevisionNotFound') {
    return new HubError('revision-not-found', id, `there is no revision '${revision}'`, {
      hint: 'give a branch, a tag or a commit of this repository',
    })
  }
  if (code === 'EntryNotFound' || (status === 404 && file !== undefined)) {
    return new HubError('file-not-found', name, `there is no such file at '${revision}'`)
  }
  if (status === 404) {
    return new HubError('repository-not-found', id, `there is no such repository at ${endpoint}`, {
      hint: 'check the id; a private repository needs HF_TOKEN',
    })
  }
  if (status === 416) {
    return new HubError('size', name, 'the file is shorter than the hub lists it')
  }
  if (status === 429) return rateLimited(name, token, response)
  if (status >= 500) {
    return new HubError('server', name, `the hub failed with status ${status}`, {
      hint: 'run the download again later; it continues where it stopped',
    })
  }
  return new HubError('invalid-response', name, `unexpected answer with status ${status}`)
}

// The hub announces the end of its window as `RateLimit: "resolvers";r=0;t=55`; proxies in front of
// it use Retry-After in seconds.
function rateLimited(name: string, token: string | undefined, { headers }: Response): HubError {
  const seconds = Number(
    headers.get('Retry-After') ?? /;\s*t=(\d+)/.exec(headers.get('RateLimit') ?? '')?.[1],
  )
  const known = Number.isFinite(seconds)
  const wait = known ? `run the download again in ${seconds} s` : 'run the download again later'
  return new HubError('rate-limited', name, 'too many requests (429)', {
    hint: token === undefined ? `${wait}, or set HF_TOKEN for a higher limit` : wait,
    ...(known && { retryAfter: seconds }),
  })
}
