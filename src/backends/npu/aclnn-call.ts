/**
 * The two-phase call of aclnn, in one place.
 *
 * Phase 1 plans on the host and says how much workspace it needs; phase 2 enqueues and consumes the
 * executor, whether it succeeds or not. An executor that was made repeatable stays, and phase 2 alone
 * enqueues the same again; one that never gets to phase 2 is destroyed here. Descriptors live as long
 * as the call: one-shot executors have copied what they need, repeatable ones have not.
 */
import type { CallOptions, StatusSignature } from '../../ffi/ascend-error.ts'
import type { NativeFunction } from '../../ffi/binding.ts'
import type { OperatorName as AclnnName, operators } from '../../ffi/functions.ts'
import type { Arguments } from '../../ffi/signature.ts'
import { refusal } from './constants.ts'
import { Descriptors, noHandle } from './descriptors.ts'
import type { Runtime } from './runtime.ts'

/** The arguments of an aclnn operator, without those that the two-phase call adds. */
export type AclnnArguments<K extends AclnnName> = Arguments<`int32 (${(typeof operators)[K]})`>

export class AclnnCall<K extends AclnnName = AclnnName> {
  readonly #runtime: Runtime
  readonly #descriptors: Descriptors
  readonly #arguments: AclnnArguments<K>
  readonly #phase1: NativeFunction<StatusSignature>
  readonly #phase2: NativeFunction<StatusSignature>
  readonly #context: CallOptions
  #executor = noHandle
  #isRepeatable = false

  /** @param context What an error says of the operator. */
  constructor(
    runtime: Runtime,
    readonly name: K,
    describe: (make: Descriptors) => AclnnArguments<K>,
    context: CallOptions,
  ) {
    const { cann } = runtime
    this.#runtime = runtime
    this.#context = context
    this.#phase1 = cann.functions[
      `${name}GetWorkspaceSize`
    ] as unknown as NativeFunction<StatusSignature>
    this.#phase2 = cann.functions[name] as unknown as NativeFunction<StatusSignature>
    this.#descriptors = new Descriptors(cann)
    try {
      this.#arguments = describe(this.#descriptors)
    } catch (error) {
      this.dispose()
      throw error
    }
  }

  get isRepeatable(): boolean {
    return this.#isRepeatable
  }

  /** Phase 1. Returns how many bytes of workspace phase 2 takes. */
  plan(): bigint {
    const size = new BigUint64Array(1)
    const executor = new BigUint64Array(1)
    const args = [...(this.#arguments as readonly unknown[]), size, executor]
    this.#runtime.cann.call(this.#phase1, args as never, this.#context)
    this.#executor = executor[0]!
    return size[0]!
  }

  /** Keeps the executor for more than one phase 2, where it lets itself be kept; right after `plan`. */
  makeRepeatable(): void {
    const { cann } = this.#runtime
    if (!cann.has('aclSetAclOpExecutorRepeatable')) return
    const ask = cann.functions.aclSetAclOpExecutorRepeatable
    const options = { ...this.#context, harmless: [refusal] }
    this.#isRepeatable = cann.call(ask, [this.#executor], options) === 0
  }

  /** Phase 2, after phase 1 where there is no executor. */
  enqueue(workspace: bigint, workspaceSize: bigint, stream: bigint): void {
    if (this.#executor === noHandle) this.plan()
    const args = [workspace, workspaceSize, this.#executor, stream]
    this.#runtime.enqueue(stream, this.name, this.#context.operator, () => {
      if (!this.#isRepeatable) this.#executor = noHandle
      this.#runtime.cann.call(this.#phase2, args as never, this.#context)
    })
  }

  /** Destroys everything, whatever happens on the way, and returns what went wrong. */
  dispose(): readonly unknown[] {
    const failures: unknown[] = []
    if (this.#executor !== noHandle) {
      const { call, functions } = this.#runtime.cann
      try {
        call(functions.aclDestroyAclOpExecutor, [this.#executor])
      } catch (error) {
        failures.push(error)
      }
      this.#executor = noHandle
    }
    return [...failures, ...this.#descriptors.dispose()]
  }
}
