/**
 * A tensor: a shape, a dtype and strides over storage that one device owns.
 *
 * A tensor has no arithmetic of its own; operators are functions in `ops/`. Making one registers it
 * with the innermost `arena`, which disposes of it at its end unless the arena returns it.
 */
import { type DType, decodeAll, type HostArray } from './dtype.ts'
import { DisposedTensorError } from './errors.ts'
import { formatShape, isContiguous, numel, type Shape, type Strides } from './shape.ts'
import type { Storage, TensorView } from './storage.ts'

export class Tensor implements TensorView, Disposable {
  readonly #storage: Storage
  #disposed = false

  constructor(
    storage: Storage,
    readonly dtype: DType,
    readonly shape: Shape,
    readonly strides: Strides,
    readonly offset = 0,
  ) {
    this.#storage = storage
    storage.retain()
    currentArena?.push(this)
  }

  get storage(): Storage {
    if (this.#disposed) throw new DisposedTensorError(this.toString())
    return this.#storage
  }

  get device(): string {
    return this.#storage.owner.device
  }

  get isDisposed(): boolean {
    return this.#disposed
  }

  get size(): number {
    return numel(this.shape)
  }

  get isContiguous(): boolean {
    return isContiguous(this.shape, this.strides)
  }

  /** A second handle on the same elements. No arena disposes of it: whoever made it has to. */
  alias(): Tensor {
    const outer = currentArena
    currentArena = undefined
    try {
      return new Tensor(this.storage, this.dtype, this.shape, this.strides, this.offset)
    } finally {
      currentArena = outer
    }
  }

  /** The elements in row-major order as they are stored; float16 and bfloat16 are bit patterns. */
  async data(): Promise<HostArray> {
    return this.storage.owner.download(this)
  }

  /** The elements in row-major order as numbers (exact, but for int64 beyond ±2^53). */
  async numbers(): Promise<Float64Array> {
    return decodeAll(this.dtype, await this.data())
  }

  /** Gives the memory back if this was the last tensor over it. Calling it again does nothing. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#storage.release()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  toString(): string {
    return `Tensor(${this.dtype}${formatShape(this.shape)} on ${this.device})`
  }
}

let currentArena: Tensor[] | undefined

/** What an arena may return: a tensor, several, or nothing that holds one. */
export type ArenaResult = Tensor | readonly Tensor[] | undefined

/**
 * Runs `body` and disposes of every tensor made in it, except those it returns, which pass to the
 * arena around it. Disposes of all of them when `body` throws. `body` must be synchronous.
 */
export function arena<T extends ArenaResult>(body: () => T): T {
  const outer = currentArena
  const made: Tensor[] = []
  let result: T
  currentArena = made
  try {
    result = body()
  } catch (error) {
    currentArena = outer
    // The error that stopped the body matters more than one of freeing what it made.
    disposeAll(made)
    throw error
  }
  currentArena = outer
  const kept: readonly Tensor[] =
    result === undefined ? [] : result instanceof Tensor ? [result] : result
  for (const tensor of made) if (kept.includes(tensor)) outer?.push(tensor)
  const [failure] = disposeAll(made.filter((tensor) => !kept.includes(tensor)))
  if (failure !== undefined) throw failure.error
  return result
}

/** Disposes of every tensor, whatever happens on the way, and returns what went wrong. */
function disposeAll(tensors: readonly Tensor[]): { readonly error: unknown }[] {
  const failures: { error: unknown }[] = []
  for (const tensor of tensors) {
    try {
      tensor.dispose()
    } catch (error) {
      failures.push({ error })
    }
  }
  return failures
}
