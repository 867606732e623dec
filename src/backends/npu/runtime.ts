/**
 * One device of AscendCL: initialised, with a stream of its own, memory, copies and waiting.
 *
 * All work goes to one stream, which executes it in order; that is what makes it safe to reuse memory
 * at once. Nothing here blocks the event loop but copies into memory that no work uses yet, and the
 * wait for memory when there is none left. Operators are `launch.ts`'s.
 *
 * The current context of a thread is a native variable; `bind` sets it where several devices are
 * used in turn. Waiting happens on a `NativeThread`, which has bound the device too.
 */
import { DeviceUnavailableError } from '../../errors.ts'
import { AscendError } from '../../ffi/ascend-error.ts'
import { NativeThread, NativeThreadError, type Step, step } from '../../ffi/native-thread.ts'
import type { Cann } from '../../ffi/open-cann.ts'
import type { HostArray } from '../../tensor/dtype.ts'
import { type Block, MemoryPool } from '../memory-pool.ts'
import { copyKinds, deviceMemory, hugePagesFirst, outOfMemoryCodes } from './constants.ts'
import { finalise, openDevice } from './initialisation.ts'
import { type Pinned, pinnedPool } from './pinned.ts'

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
  readonly #device: string
  readonly #id: number
  readonly #context: bigint
  readonly #stream: bigint
  readonly #thread: NativeThread
  readonly #memory: MemoryPool
  readonly #staging: MemoryPool<Pinned>
  readonly #reclaim: () => void
  /** Pinned memory that copies may still read, until the next wait is over. */
  #inFlight: Block<Pinned>[] = []
  /** What is destroyed when the next wait is over. */
  #retired: Disposal[] = []
  #threadIsBound = false
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
      this.#thread = new NativeThread(cann.binding)
    } catch (error) {
      functions.aclrtDestroyStream(stream)
      functions.aclrtResetDevice(id)
      finalise(cann)
      throw error
    }
    this.#context = context
    this.#stream = stream
    currentContext = context
    this.#memory = new MemoryPool(
      (size) => this.allocate(size),
      (address) => this.release(address),
    )
    this.#staging = pinnedPool(cann)
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
      if (!(error instanceof AscendError && outOfMemoryCodes.includes(error.code))) throw error
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
    const pinned = this.#staging.take(data.byteLength)
    this.#inFlight.push(pinned)
    const { address, bytes } = pinned.address
    bytes.set(bytesOf(data))
    const { hostToDevice } = copyKinds
    const copy = [block.address, size, address, size, hostToDevice, this.#stream] as const
    call(functions.aclrtMemcpyAsync, [...copy])
  }

  /** Fills `into` from device memory, after all work enqueued before. */
  async download(address: bigint, into: HostArray): Promise<void> {
    const size = BigInt(into.byteLength)
    const { call, functions } = this.cann
    const pinned = this.#staging.take(into.byteLength)
    const { address: to, bytes } = pinned.address
    try {
      const { deviceToHost } = copyKinds
      const copy = [to, size, address, size, deviceToHost, this.#stream] as const
      call(functions.aclrtMemcpyAsync, [...copy])
      await this.synchronize()
      bytesOf(into).set(bytes.subarray(0, into.byteLength))
    } catch (error) {
      this.#inFlight.push(pinned)
      throw error
    }
    this.#staging.put(pinned)
  }

  /** Sets `length` bytes to 0, after all work that was enqueued on the stream before. */
  zero(address: bigint, length: number, stream: bigint): void {
    const size = BigInt(length)
    const { call, functions } = this.cann
    call(functions.aclrtMemsetAsync, [address, size, 0, size, stream])
  }

  /** Waits for all work enqueued so far, without blocking; throws the device's fault. */
  async synchronize(): Promise<void> {
    const read = this.#inFlight
    this.#inFlight = []
    const retired = this.#retired
    this.#retired = []
    const { aclrtSetDevice, aclrtSynchronizeStream } = this.cann.functions
    const steps = [step(aclrtSynchronizeStream, this.#stream)]
    if (!this.#threadIsBound) steps.unshift(step(aclrtSetDevice, this.#id))
    this.#threadIsBound = true
    try {
      await this.#runOnThread(steps)
      for (const block of read) this.#staging.put(block)
    } catch (error) {
      // A wait that failed says nothing of what is done.
      this.#inFlight.push(...read)
      this.#retired.push(...retired)
      this.#reclaim()
      if (error instanceof AscendError && error.functionName === aclrtSetDevice.symbol) {
        this.#threadIsBound = false
      }
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
    const fail = (error: unknown) => void failures.push(error)
    await this.synchronize().catch(fail)
    if (this.#threadIsBound) {
      await this.#runOnThread([step(functions.aclrtResetDevice, this.#id)]).catch(fail)
    }
    await this.#thread.close().catch(fail)
    // From here on without a break, in which another device could become the current one.
    const attempt = (step: () => unknown): void => {
      try {
        step()
      } catch (error) {
        fail(error)
      }
    }
    currentContext = 0n
    attempt(() => this.#makeCurrent())
    if (failures.some((error) => error instanceof NativeThreadError)) {
      // The thread is gone, and what it still had to do is done here: a device counts who has set it.
      attempt(() => call(functions.aclrtSynchronizeStream, [this.#stream]))
      if (this.#threadIsBound) attempt(() => call(functions.aclrtResetDevice, [this.#id]))
    }
    attempt(() => this.#dispose(this.#retired.splice(0)))
    for (const block of this.#inFlight) this.#staging.put(block)
    attempt(() => this.#memory.empty())
    attempt(() => this.#staging.empty())
    attempt(() => call(functions.aclrtDestroyStream, [this.#stream]))
    attempt(() => call(functions.aclrtResetDevice, [this.#id]))
    currentContext = 0n
    attempt(() => finalise(this.cann))
    if (failures.length > 0) throw failures[0]
  }

  async #runOnThread(steps: readonly Step[]): Promise<void> {
    const message = step(this.cann.functions.aclGetRecentErrMsg)
    const { results, failure } = await this.#thread.run(steps, message)
    const code = results.at(-1) as number
    if (code === 0) return
    const failed = steps[results.length - 1]!.symbol
    throw new AscendError(failed, code, undefined, (failure as string | null) ?? null)
  }
}
