/**
 * One device of AscendCL: initialised, with a stream of its own, memory, copies and waiting.
 *
 * All work goes to one stream, which executes it in order; that is what makes it safe to reuse memory
 * at once. Nothing here blocks the event loop but copies into memory that no work uses yet, and the
 * wait for memory when there is none left. Operators are `launch.ts`'s.
 *
 * The current context of a thread is a native variable; `bind` sets it where several devices are
 * used in turn. Waiting happens on a thread of its own.
 */
import { DeviceUnavailableError } from '../../errors.ts'
import { AscendError } from '../../ffi/ascend-error.ts'
import { NativeThreadError } from '../../ffi/native-thread.ts'
import type { Cann } from '../../ffi/open-cann.ts'
import type { Stopwatch } from '../../ops/stopwatch.ts'
import type { HostArray } from '../../tensor/dtype.ts'
import { type Block, MemoryPool } from '../memory-pool.ts'
import { copyKinds, deviceMemory, hugePagesFirst } from './constants.ts'
import { finalise, openDevice } from './initialisation.ts'
import { PinnedMemory } from './pinned.ts'
import { PreparedWeights } from './prepared-weights.ts'
import { EventPool, NpuStopwatch } from './stopwatch.ts'
import { WaitingThread } from './waiting-thread.ts'

export interface DeviceInfo {
  /** For example `Ascend910B3`; null where AscendCL does not say it. */
  readonly socName: string | null
  /** Memory of the device that nobody holds. */
  readonly freeBytes: number
  readonly totalBytes: number
}

/** Where blocks of device memory come from and go back to. */
export interface DeviceMemory {
  /** Memory for `length` bytes, to be put back `users` times. What is in it is anybody's guess. */
  take(length: number, users?: number): Block
  /** Takes memory back that work enqueued before may still use. */
  put(block: Block): void
}

/** Destroys what work may have used, whatever happens on the way, and returns what went wrong. */
export type Disposal = () => readonly unknown[]

function bytesOf({ buffer, byteOffset, byteLength }: HostArray | Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** The context that is current in this thread. */
let currentContext = 0n

export class Runtime implements DeviceMemory {
  /** What kernels have made of weights. */
  readonly prepared = new PreparedWeights()
  readonly #device: string
  readonly #id: number
  readonly #context: bigint
  readonly #stream: bigint
  readonly #thread: WaitingThread
  readonly #memory: MemoryPool
  readonly #pinned: PinnedMemory
  readonly #reclaim: () => void
  readonly #events: EventPool
  #stopwatch: NpuStopwatch | undefined
  /** What is destroyed when the next wait is over. */
  #retired: Disposal[] = []
  #closing: Promise<void> | undefined

  /**
   * @param device The device string, for errors.
   * @param id Which of the devices of this machine.
   * @param reclaim Retires what can be made anew, where memory runs out or a wait has failed.
   */
  constructor(
    readonly cann: Cann,
    device: string,
    id: number,
    reclaim: () => void = () => {},
  ) {
    this.#device = device
    this.#id = id
    this.#reclaim = reclaim
    const { functions } = cann
    currentContext = 0n
    const { context, stream } = openDevice(cann, device, id)
    try {
      this.#thread = new WaitingThread(cann, id)
    } catch (error) {
      functions.aclrtDestroyStream(stream)
      functions.aclrtResetDevice(id)
      finalise(cann)
      throw error
    }
    this.#context = context
    this.#stream = stream
    currentContext = context
    this.#events = new EventPool(cann)
    this.#memory = new MemoryPool(
      (size) => this.allocate(size),
      (address) => this.release(address),
    )
    this.#pinned = new PinnedMemory(cann)
  }

  get stream(): bigint {
    return this.#stream
  }

  /** Bytes of device memory held, in use or kept for reuse. */
  get heldBytes(): number {
    return this.#memory.heldBytes
  }

  /** What the device is, and what is left of its memory. */
  info(): DeviceInfo {
    this.bind()
    const { call, functions } = this.cann
    const free = new BigUint64Array(1)
    const total = new BigUint64Array(1)
    call(functions.aclrtGetMemInfo, [deviceMemory, free, total])
    return {
      socName: functions.aclrtGetSocName(),
      freeBytes: Number(free[0]),
      totalBytes: Number(total[0]),
    }
  }

  /** Makes this device the one that calls of this thread mean. */
  bind(): void {
    if (this.#closing !== undefined) {
      throw new DeviceUnavailableError(this.#device, 'it was closed', { hint: 'open it again' })
    }
    this.#makeCurrent()
  }

  #makeCurrent(): void {
    if (currentContext === this.#context) return
    this.cann.call(this.cann.functions.aclrtSetCurrentContext, [this.#context])
    currentContext = this.#context
  }

  take(length: number, users = 1): Block {
    return this.#memory.take(length, { users })
  }

  put(block: Block): void {
    this.#memory.put(block)
  }

  /**
   * Enqueues a piece of work, timed where a stopwatch runs; `name` is the function that does it. What a
   * capture records happens later, and events in it would have no time.
   */
  enqueue(stream: bigint, name: string, operator: string | undefined, work: () => void): void {
    if (this.#stopwatch === undefined || stream !== this.#stream) work()
    else this.#stopwatch.time(name, operator, work)
  }

  /** Starts timing what is enqueued, one stopwatch at a time. Waits for what was enqueued before. */
  async startStopwatch(): Promise<Stopwatch> {
    const rest = async () => {
      this.#stopwatch = undefined
      await this.synchronize()
      this.bind()
    }
    await rest()
    const stopwatch = new NpuStopwatch(this.cann, this.#stream, this.#events, rest)
    stopwatch.start()
    this.#stopwatch = stopwatch
    return stopwatch
  }

  /** Runs `dispose` once all work enqueued so far is known to be done. */
  retire(dispose: Disposal): void {
    this.#retired.push(dispose)
  }

  /** Device memory of the caller's own, to be released when no work uses it. */
  allocate(size: number): bigint {
    const { call, functions } = this.cann
    const handle = new BigUint64Array(1)
    const allocate = () => call(functions.aclrtMalloc, [handle, BigInt(size), hugePagesFirst])
    try {
      allocate()
    } catch (error) {
      if (!(error instanceof AscendError && error.isOutOfMemory)) throw error
      // What is kept for reuse can go, with the stream at rest.
      call(functions.aclrtSynchronizeStream, [this.#stream])
      this.#reclaim()
      this.#dispose(this.#retired.splice(0))
      this.#memory.empty()
      allocate()
    }
    return handle[0]!
  }

  release(address: bigint): void {
    this.cann.call(this.cann.functions.aclrtFree, [address])
  }

  /** Copies `data` to the beginning of `block`, after all work enqueued before. */
  upload(block: Block, data: HostArray | Uint8Array): void {
    const size = BigInt(data.byteLength)
    const { call, functions } = this.cann
    // No work knows fresh memory, so that there is nothing to wait for. Weights go this way.
    if (block.isFresh) {
      call(functions.aclrtMemcpy, [block.address, size, data, size, copyKinds.hostToDevice])
      return
    }
    const pinned = this.#pinned.take(data.byteLength)
    this.#pinned.putAfterWait(pinned)
    const { address, bytes } = pinned.address
    bytes.set(bytesOf(data))
    this.#copy(block.address, address, size, copyKinds.hostToDevice)
  }

  /** Fills `into` from device memory, after all work enqueued before. */
  async download(address: bigint, into: HostArray): Promise<void> {
    const size = BigInt(into.byteLength)
    const pinned = this.#pinned.take(into.byteLength)
    const { address: to, bytes } = pinned.address
    try {
      this.#copy(to, address, size, copyKinds.deviceToHost)
      await this.synchronize()
      bytesOf(into).set(bytes.subarray(0, into.byteLength))
    } catch (error) {
      this.#pinned.putAfterWait(pinned)
      throw error
    }
    this.#pinned.put(pinned)
  }

  /** Copies `size` bytes, of which those of the host are pinned, after all work enqueued before. */
  #copy(to: bigint, from: bigint, size: bigint, kind: number): void {
    const { call, functions } = this.cann
    this.enqueue(this.#stream, 'aclrtMemcpyAsync', undefined, () =>
      call(functions.aclrtMemcpyAsync, [to, size, from, size, kind, this.#stream]),
    )
  }

  /** Sets `length` bytes to 0 for an operator, after all work that was enqueued on the stream before. */
  zero(address: bigint, length: number, stream: bigint, operator: string | undefined): void {
    const size = BigInt(length)
    const { call, functions } = this.cann
    this.enqueue(stream, 'aclrtMemsetAsync', operator, () =>
      call(functions.aclrtMemsetAsync, [address, size, 0, size, stream]),
    )
  }

  /** Waits for all work enqueued so far, without blocking; throws the device's fault. */
  async synchronize(): Promise<void> {
    const retired = this.#retired
    this.#retired = []
    try {
      await this.#pinned.during(this.#thread.synchronize(this.#stream))
    } catch (error) {
      // A wait that failed says nothing of what is done.
      this.#retired.push(...retired)
      this.#reclaim()
      this.prepared.dropAll()
      throw error
    }
    this.#dispose(retired)
  }

  /** Throws the first failure, at the end. */
  #dispose(retired: readonly Disposal[]): void {
    if (retired.length === 0) return
    this.#makeCurrent()
    const [failure] = retired.flatMap((dispose) => dispose())
    if (failure !== undefined) throw failure
  }

  /** Waits, gives everything back and throws the first failure, if there was one. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { call, functions } = this.cann
    const failures: unknown[] = []
    await this.synchronize().catch((error: unknown) => failures.push(error))
    failures.push(...(await this.#thread.close()))
    // From here on without a break, in which another device could become the current one.
    const attempt = (step: () => unknown): void => {
      try {
        step()
      } catch (error) {
        failures.push(error)
      }
    }
    currentContext = 0n
    attempt(() => this.#makeCurrent())
    if (failures.some((error) => error instanceof NativeThreadError)) {
      // The thread is gone, and what it still had to do is done here: a device counts who has set it.
      attempt(() => call(functions.aclrtSynchronizeStream, [this.#stream]))
      if (this.#thread.isBound) attempt(() => call(functions.aclrtResetDevice, [this.#id]))
    }
    attempt(() => this.#dispose(this.#retired.splice(0)))
    attempt(() => this.#memory.empty())
    attempt(() => this.#pinned.empty())
    failures.push(...this.#events.dispose())
    attempt(() => call(functions.aclrtDestroyStream, [this.#stream]))
    attempt(() => call(functions.aclrtResetDevice, [this.#id]))
    currentContext = 0n
    attempt(() => finalise(this.cann))
    if (failures.length > 0) throw failures[0]
  }
}
