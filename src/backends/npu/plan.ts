/**
 * What a forward enqueues, kept so that it can be enqueued again: a plan.
 *
 * While the forward is recorded, the plan is the memory of its tensors. Memory that a tensor gives back
 * serves the next one, as always on one stream; so what is recorded, and fixed from then on, has been
 * planned by the lifetimes of the tensors. A replay copies new inputs to where the first ones were and
 * enqueues the steps: all at once as a graph, which the first replay captures, or one call of AscendCL
 * each where executors can be repeated.
 *
 * A plan is busy while a tensor lives in its memory, the output as a rule: a replay would overwrite it.
 */
import type { HostElements } from '../../ops/backend.ts'
import type { TensorView } from '../../tensor/storage.ts'
import { type Block, MemoryPool } from '../memory-pool.ts'
import type { AclnnCall } from './aclnn-call.ts'
import type { Arrays } from './arrays.ts'
import { type DeviceView, deviceView, type Slot } from './device-view.ts'
import type { Graph, Graphs, Step } from './graph.ts'
import type { DeviceMemory, Runtime } from './runtime.ts'

export class Plan implements DeviceMemory {
  /** Memory of others that the steps use, such as weights. */
  readonly reads = new Set<Slot>()
  readonly calls: AclnnCall[] = []
  readonly #runtime: Runtime
  readonly #pool: MemoryPool
  readonly #blocks: bigint[] = []
  readonly #steps: Step[] = []
  readonly #checks: (() => void)[] = []
  #inputs: Arrays | undefined
  #output: DeviceView | undefined
  #isRecording = true
  #isSpoiled = false
  #living = 0
  #graph: Graph | undefined
  #triedGraph = false
  #whenIdle: (() => void) | undefined

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    const obtain = (size: number): bigint => {
      const address = runtime.allocate(size)
      this.#blocks.push(address)
      return address
    }
    this.#pool = new MemoryPool(obtain, () => {})
  }

  /** Bytes of device memory. */
  get bytes(): number {
    return this.#pool.heldBytes
  }

  get isBusy(): boolean {
    return this.#living > 0
  }

  take(length: number, users = 1): Block {
    const block = this.#pool.take(length, { users })
    this.#living += users
    return block
  }

  put(block: Block): void {
    this.#living -= 1
    if (this.#isRecording) this.#pool.put(block)
    // Nothing takes from the pool any more.
    else block.isFresh = false
    if (!this.isBusy) this.#whenIdle?.()
  }

  /** Records a call that has been enqueued, which belongs to the plan from now on. */
  keep(aclnn: AclnnCall, workspace: bigint, workspaceSize: bigint): void {
    this.calls.push(aclnn)
    this.#steps.push((stream) => aclnn.enqueue(workspace, workspaceSize, stream))
  }

  /** Records another step that has been enqueued. */
  repeat(step: Step): void {
    this.#steps.push(step)
  }

  /** Records what is to hold of the inputs before anything is enqueued. */
  check(holds: () => void): void {
    this.#checks.push(holds)
  }

  /** The forward did what a replay would not do again, such as an upload of its own. */
  spoil(): void {
    this.#isSpoiled = true
  }

  /** Ends the recording. Returns whether the plan can be replayed. */
  finish(inputs: Arrays, output: TensorView): boolean {
    this.#isRecording = false
    this.#inputs = inputs
    this.#output = deviceView(output)
    return !this.#isSpoiled && this.#output.slot.memory === this
  }

  /** Looks at other inputs of the same dtypes and shapes; throws as the kernels' own checks do. */
  accept(inputs: readonly HostElements[]): void {
    this.#inputs!.accept(inputs)
    for (const holds of this.#checks) holds()
  }

  /** Enqueues everything for inputs that were accepted. The slot of the output is the caller's. */
  replay(inputs: readonly HostElements[], graphs: Graphs | undefined): DeviceView {
    if (!this.#triedGraph) {
      this.#triedGraph = true
      this.#graph = graphs?.capture(this.calls, this.#steps)
    }
    this.#inputs!.upload(inputs)
    if (this.#graph !== undefined) this.#graph.launch()
    else for (const step of this.#steps) step(this.#runtime.stream)
    this.#living += 1
    return this.#output!
  }

  /**
   * Destroys the plan when its last tensor is gone, or at once where nobody waits for that, and the
   * device is done with it. No replay comes after this.
   */
  retire(onDestroyed: () => void, atOnce = false): void {
    const retire = () => {
      this.#whenIdle = undefined
      this.#runtime.retire(() => {
        onDestroyed()
        return this.#destroy()
      })
    }
    if (this.isBusy && !atOnce) this.#whenIdle = retire
    else retire()
  }

  #destroy(): readonly unknown[] {
    const failures: unknown[] = []
    const attempt = (step: () => void) => {
      try {
        step()
      } catch (error) {
        failures.push(error)
      }
    }
    attempt(() => this.#graph?.destroy())
    this.#graph = undefined
    failures.push(...this.calls.splice(0).flatMap((aclnn) => aclnn.dispose()))
    for (const address of this.#blocks.splice(0)) attempt(() => this.#runtime.release(address))
    return failures
  }
}
