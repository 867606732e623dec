/**
 * The interface between this package and a foreign function library.
 *
 * A binding opens a shared library and turns a symbol and its signature into a function. It knows
 * nothing of Ascend. `load-binding.ts` chooses one.
 *
 * What both do with threads, as `test/ffi/threads.test.ts` proves:
 * - A plain call runs on the calling thread, so thread-local state (the current context, the error
 *   text) behaves as in C.
 * - `async` runs one call on some thread of libuv's pool. Two calls may run on different threads and
 *   at the same time, so a *sequence* that relies on thread-local state cannot be made of them:
 *   aclrtSetDevice().async followed by aclrtSynchronizeStream().async may fail with 107002. It suits
 *   single functions that need no context.
 * - For sequences there is `NativeThread` (`native-thread.ts`).
 */
import { RobertaAscendError } from '../errors.ts'
import type { Arguments, Result, Signature } from './signature.ts'

/** A C function. Integers beyond the range of their type are the caller's mistake. */
export interface NativeFunction<S extends Signature = Signature> {
  (...args: Arguments<S>): Result<S>
  /**
   * Runs the call on a pool thread. The views among the arguments are kept alive until it is done;
   * the caller leaves them alone until then.
   */
  async(...args: Arguments<S>): Promise<Result<S>>
  readonly library: string
  readonly symbol: string
  readonly signature: S
}

export interface NativeLibrary {
  readonly path: string
  /** The function, or undefined where the library has no such symbol. */
  find<S extends Signature>(symbol: string, signature: S): NativeFunction<S> | undefined
}

export type BindingName = 'koffi' | 'ffi-napi'

export interface Binding {
  readonly name: BindingName
  /** Of the package behind it. */
  readonly version: string
  /**
   * Opens a library with RTLD_LAZY and RTLD_LOCAL, as CANN's own callers do. It is never closed:
   * CANN keeps threads that run its code. Throws LibraryLoadError.
   */
  open(path: string): NativeLibrary
  /** Memory of C, neither copied nor kept alive: using the view after C has freed it is undefined. */
  view(address: bigint, length: number): Uint8Array
}

/** A shared library could not be loaded. `loaderMessage` is dlopen's, without the binding's words. */
export class LibraryLoadError extends RobertaAscendError {
  override readonly kind = 'environment'
  constructor(
    readonly path: string,
    readonly loaderMessage: string,
  ) {
    super(`${path} cannot be loaded: ${loaderMessage}`)
  }
}

/** The package behind a binding is not installed or does not run here. */
export class BindingUnavailableError extends RobertaAscendError {
  override readonly kind = 'environment'
  constructor(
    readonly binding: BindingName,
    cause: unknown,
    hint: string,
  ) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    super(`the FFI binding '${binding}' cannot be loaded: ${reason}`, { cause, hint })
  }
}
