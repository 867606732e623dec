/**
 * The one error class of downloading a model, and whose fault each reason is.
 *
 * Messages are made where the fault is found. Add a reason by adding a row to `kinds`.
 */
import { type ErrorKind, type ErrorOptions, RobertaAscendError } from '../../errors.ts'

const kinds = {
  /** The model id is not `owner/name` or `name`. */
  'invalid-id': 'input',
  'invalid-revision': 'input',
  'invalid-endpoint': 'input',
  'invalid-token': 'input',
  /** The hub answered 401, which it also does for repositories that do not exist. */
  unauthorized: 'input',
  /** The hub answered 403, or said that the conditions of the repository must be accepted. */
  gated: 'input',
  'repository-not-found': 'input',
  'revision-not-found': 'input',
  /** A file that the model needs is not in the repository. */
  'file-not-found': 'input',
  'no-safetensors': 'input',
  /** model.safetensors.index.json does not say which files hold the weights. */
  'invalid-index': 'input',
  /** A file name that could lead out of the model's directory. */
  'unsafe-name': 'input',
  /** The directory holds another model, or files that were not downloaded by this package. */
  'directory-in-use': 'input',
  offline: 'environment',
  timeout: 'environment',
  /** The connection broke off before the end of an answer. */
  interrupted: 'environment',
  'rate-limited': 'environment',
  /** The hub answered 5xx. */
  server: 'environment',
  /** An answer that is not what a hub answers. */
  'invalid-response': 'environment',
  /** More or fewer bytes than the hub lists. */
  size: 'environment',
  checksum: 'environment',
  'disk-full': 'environment',
  permission: 'environment',
  /** Any other failure of a file operation. */
  filesystem: 'environment',
} as const satisfies Record<string, ErrorKind>

export type HubErrorReason = keyof typeof kinds

export interface HubErrorOptions extends ErrorOptions {
  /** What the hub lists, where something else came: a size in bytes or a digest in hexadecimal. */
  readonly expected?: string
  readonly actual?: string
  /** Seconds after which the hub wants to be asked again. */
  readonly retryAfter?: number
}

/** A model could not be downloaded. `subject` is the model id, the file or the path at fault. */
export class HubError extends RobertaAscendError {
  override readonly kind: ErrorKind
  readonly expected: string | undefined
  readonly actual: string | undefined
  readonly retryAfter: number | undefined

  constructor(
    readonly reason: HubErrorReason,
    readonly subject: string,
    problem: string,
    options: HubErrorOptions = {},
  ) {
    super(`${subject}: ${problem}`, options)
    this.kind = kinds[reason]
    this.expected = options.expected
    this.actual = options.actual
    this.retryAfter = options.retryAfter
  }
}
