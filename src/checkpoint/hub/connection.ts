/**
 * One exchange with the hub: the endpoint, the token, the time-out, and the second try.
 *
 * What the hub's refusals mean is in `status.ts`; what is asked for is the callers' business.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError, type HubErrorReason } from './error.ts'
import { type HubTarget, refusal, targetName } from './status.ts'

export interface HubConnectionOptions {
  /** Base address of the hub or of a mirror. Default: `HF_ENDPOINT`, else https://huggingface.co. */
  readonly endpoint?: string
  /** Access token for private and gated models. Default: `HF_TOKEN`. */
  readonly token?: string
  /** Aborts the download. What has arrived is kept for the next one. */
  readonly signal?: AbortSignal
  /** Milliseconds without a single byte after which a connection counts as dead. Default 30 000. */
  readonly stallTimeout?: number
  /** Milliseconds before the second try; each further wait is twice as long. Default 500. */
  readonly retryDelay?: number
}

export interface HubConnection {
  /** Without a slash at the end. */
  readonly endpoint: string
  readonly token: string | undefined
  readonly signal: AbortSignal | undefined
  readonly stallTimeout: number
  readonly retryDelay: number
}

/** @throws HubError 'invalid-endpoint', 'invalid-token' */
export function connect(options: HubConnectionOptions): HubConnection {
  return {
    endpoint: parseEndpoint(
      options.endpoint ?? (process.env.HF_ENDPOINT || 'https://huggingface.co'),
    ),
    token: parseToken(options.token ?? process.env.HF_TOKEN ?? ''),
    signal: options.signal,
    stallTimeout: options.stallTimeout ?? 30_000,
    retryDelay: options.retryDelay ?? 500,
  }
}

function parseEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  // An address with a password is not repeated in the message.
  if (url !== undefined && (url.username !== '' || url.password !== '')) {
    throw new HubError('invalid-endpoint', 'HF_ENDPOINT', 'holds a user name or a password', {
      hint: 'give the address alone, and the token in HF_TOKEN',
    })
  }
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw new HubError(
      'invalid-endpoint',
      JSON.stringify(endpoint),
      'is not the address of a hub',
      {
        hint: 'set HF_ENDPOINT to an address like https://huggingface.co, or leave it unset',
      },
    )
  }
  return url.href.replace(/\/+$/, '')
}

// Checked here because fetch puts a header value that it refuses into its error message.
function parseToken(token: string): string | undefined {
  const trimmed = token.trim()
  if (!/^[\x21-\x7e]*$/.test(trimmed)) {
    throw new HubError('invalid-token', 'HF_TOKEN', 'holds characters that no token has', {
      hint: 'copy the token again from the settings of the hub',
    })
  }
  return trimmed === '' ? undefined : trimmed
}

/**
 * Sends one GET request and gives its answer to `consume`, which calls `alive` for each piece of
 * the body that arrives. Redirects are followed. The token goes to the endpoint only: other
 * addresses are asked without it, and fetch drops it where a redirect leaves the endpoint.
 *
 * @throws HubError for every answer but 2xx, and 'offline', 'timeout', 'interrupted'; the reason of
 * the connection's signal when that is aborted; whatever `consume` throws
 */
export async function exchange<T>(
  connection: HubConnection,
  target: HubTarget,
  url: string,
  headers: Readonly<Record<string, string>>,
  consume: (response: Response, alive: () => void) => Promise<T>,
): Promise<T> {
  const stall = new AbortController()
  const timer = setTimeout(() => stall.abort(), connection.stallTimeout)
  try {
    const response = await fetch(url, {
      headers: { ...headers, ...authorization(connection, url) },
      signal: AbortSignal.any([stall.signal, ...(connection.signal ? [connection.signal] : [])]),
    })
    timer.refresh()
    if (!response.ok) {
      await response.body?.cancel()
      throw refusal(connection, target, response)
    }
    return await consume(response, () => timer.refresh())
  } catch (error) {
    if (error instanceof HubError) throw error
    connection.signal?.throwIfAborted()
    if (stall.signal.aborted) throw stalled(connection, target, url)
    // fetch reports every failure of the network as a TypeError with a cause.
    if (error instanceof TypeError && error.cause !== undefined) {
      throw networkError(target, url, error.cause)
    }
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function authorization(connection: HubConnection, url: string): Record<string, string> {
  const ours = new URL(url).origin === new URL(connection.endpoint).origin
  return ours && connection.token !== undefined
    ? { Authorization: `Bearer ${connection.token}` }
    : {}
}

function stalled(connection: HubConnection, target: HubTarget, url: string): HubError {
  const seconds = connection.stallTimeout / 1000
  return new HubError(
    'timeout',
    targetName(target),
    `no bytes from ${new URL(url).origin} for ${seconds} s`,
    { hint: 'run the download again later; it continues where it stopped' },
  )
}

// The codes with which a connection that stood breaks; all others mean that none came about.
const brokenConnection = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET'])

function networkError(target: HubTarget, url: string, cause: unknown): HubError {
  const { code, message } = cause as { code?: string; message?: string }
  const what = code ?? message
  const { origin } = new URL(url)
  if (code !== undefined && brokenConnection.has(code)) {
    return new HubError(
      'interrupted',
      targetName(target),
      `the connection to ${origin} broke (${what})`,
      { hint: 'run the download again; it continues where it stopped', cause },
    )
  }
  return new HubError('offline', targetName(target), `cannot reach ${origin} (${what})`, {
    hint: 'check the network, or set HF_ENDPOINT to a mirror that can be reached',
    cause,
  })
}

/** Tries of one request, the first included. With the default delay they span 7.5 s of waiting. */
const maxAttempts = 5

/** A server that asks for a longer pause, in seconds, is not waited for. */
const longestRetryAfter = 60

const transient: ReadonlySet<HubErrorReason> = new Set([
  'timeout',
  'interrupted',
  'rate-limited',
  'server',
])

/** Runs `attempt` until it succeeds, fails for good, or has failed too many times. */
export async function withRetries<T>(
  connection: HubConnection,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof HubError) || !transient.has(error.reason)) throw error
      const retryAfter = error.retryAfter ?? 0
      if (failures === maxAttempts || retryAfter > longestRetryAfter) throw error
      await pause(
        connection,
        Math.max(connection.retryDelay * 2 ** (failures - 1), retryAfter * 1000),
      )
    }
  }
}

async function pause({ signal }: HubConnection, milliseconds: number): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}
