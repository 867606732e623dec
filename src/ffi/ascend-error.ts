/**
 * A call into AscendCL or aclnn that returned an error, and the one helper that turns return codes
 * into it. `error-codes.ts` says what the codes mean.
 */
import type { ErrorKind } from '../errors.ts'
import { RobertaAscendError } from '../errors.ts'
import type { NativeFunction } from './binding.ts'
import { describeCode, outOfMemoryCodes } from './error-codes.ts'
import type { Arguments, Signature } from './signature.ts'

export class AscendError extends RobertaAscendError {
  /** `environment` where the code says that the installation or the machine is at fault. */
  override readonly kind: ErrorKind
  /** The constant of the code in CANN's headers, where the code is a known one. */
  readonly codeName: string | undefined
  readonly meaning: string

  /**
   * @param operator The operator of this package for which the call was made.
   * @param nativeMessage What aclGetRecentErrMsg had to say; null for nothing.
   * @param inputs Dtypes and shapes of the operator's inputs.
   */
  constructor(
    readonly functionName: string,
    readonly code: number,
    readonly operator: string | undefined,
    readonly nativeMessage: string | null,
    readonly inputs?: string,
  ) {
    const { name, meaning, hint, kind } = describeCode(code)
    const ofInputs = inputs === undefined ? '' : ` of ${inputs}`
    const forOperator = operator === undefined ? '' : ` for operator '${operator}'${ofInputs}`
    const inWords = name === undefined ? meaning : `${meaning}, ${name}`
    const native = nativeMessage?.trim() ? `: ${nativeMessage.trim()}` : ''
    super(
      `${functionName} failed${forOperator} with code ${code} (${inWords})${native}`,
      hint === undefined ? {} : { hint },
    )
    this.kind = kind
    this.codeName = name
    this.meaning = meaning
  }

  override get isOutOfMemory(): boolean {
    return outOfMemoryCodes.includes(this.code)
  }
}

/** A function that reports success as 0. */
export type StatusSignature = `int32 (${string})`

export interface CallOptions {
  /** The operator to name in an error. */
  readonly operator?: string
  /** Dtypes and shapes of its inputs, for an error. */
  readonly inputs?: () => string
  /** Codes that are no failure for this caller, such as 100002 of a repeated aclInit. */
  readonly harmless?: readonly number[]
}

/** Calls a function; see `createCheckedCall`. */
export type CheckedCall = <S extends StatusSignature & Signature>(
  fn: NativeFunction<S>,
  args: Arguments<S>,
  options?: CallOptions,
) => number

/**
 * Makes the helper through which every call goes that returns a status. It returns 0 or one of
 * `harmless` and throws AscendError for any other code. The error text is fetched at once and on the
 * same thread, because CANN keeps it per thread and each fetch clears it; after a harmless code it is
 * fetched too, so that it is not taken for that of a later failure.
 */
export function createCheckedCall(recentErrorMessage: () => string | null): CheckedCall {
  return (fn, args, options) => {
    const code = fn(...args) as number
    if (code === 0) return 0
    const message = recentErrorMessage()
    if (options?.harmless?.includes(code)) return code
    throw new AscendError(fn.symbol, code, options?.operator, message, options?.inputs?.())
  }
}
