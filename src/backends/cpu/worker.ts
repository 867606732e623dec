/** One of the threads that compute; runs as a worker of `command-queue.ts` only. */
import { parentPort, workerData } from 'node:worker_threads'
import type { WorkerSetup } from './command-queue.ts'
import { CommandRing, type Share } from './command-ring.ts'
import { type KernelFunction, kernelNames, type WorkerKernelName } from './kernel-names.ts'
import { castElements } from './kernels/cast-elements.ts'
import { nativeMultiply } from './kernels/native-multiply.ts'
import { bindBlas } from './native-blas.ts'

const { module, memory, shared, libraries } = workerData as WorkerSetup
const ring = new CommandRing(shared)
const { exports } = new WebAssembly.Instance(module, { env: { memory } })

const products = libraries.map(({ name, form }) => ({ form, multiply: bindBlas(name) }))
const ownKernels: Record<WorkerKernelName, KernelFunction> = {
  cast: (begin, end, ...args) => castElements(memory.buffer, begin, end, ...args),
  /** Tells the main thread that all commands before are complete. */
  fence: (_begin, _end, id) => {
    parentPort?.postMessage(id)
    return undefined
  },
  nativeMultiply: (begin, end, library, ...args) =>
    nativeMultiply(products[library!]!, memory.buffer, begin, end, ...args),
}
const functions = kernelNames.map((name) => {
  const found = { ...exports, ...ownKernels } as Readonly<Record<string, unknown>>
  return found[name] as KernelFunction
})

/** How often to look for something new before sleeping: some tens of microseconds, as waking up takes. */
const looks = 10_000

function pause(tick: number): void {
  for (let i = 0; i < looks; i++) if (ring.tick !== tick) return
  ring.wait(tick)
}

/** The first argument that is out of range, of a `gather` that has refused the unit before `refused`. */
function refusedIndex(args: readonly number[], refused: number) {
  const [, indices, wide, size, count] = args as [number, number, number, number, number]
  const at = (refused - 1) % count
  const list =
    wide === 0
      ? new Int32Array(memory.buffer, indices, count)
      : new BigInt64Array(memory.buffer, indices, count)
  return { index: Number(list[at]), size }
}

/** How often, a millisecond apart, something out of bounds is tried again. */
const mostRetries = 10
/** Nobody notifies this: waiting for it is a pause. */
const nobody = new Int32Array(new SharedArrayBuffer(4))

/**
 * Runs units of a kernel. V8 tells other threads that memory has grown by an interrupt, which may come
 * later than a command that uses the new memory: a bulk copy then traps. To wait lets the interrupt in, and
 * kernels can run twice, since none writes what it reads.
 */
function untilGrown(run: () => number | undefined): number | undefined {
  for (let retries = 0; ; retries++) {
    try {
      return run()
    } catch (error) {
      const isOutOfBounds =
        error instanceof WebAssembly.RuntimeError && /bounds/.test(error.message)
      if (!isOutOfBounds || retries === mostRetries) throw error
      Atomics.wait(nobody, 0, 0, 1)
    }
  }
}

function compute(share: Share): void {
  const { kernel, tag, arguments: args } = ring.command(share.number)
  try {
    const refused = untilGrown(() => functions[kernel]!(share.begin, share.end, ...args))
    if (refused) ring.putFault({ tag, message: '', index: refusedIndex(args, refused) })
  } catch (error) {
    ring.putFault({ tag, message: `${kernelNames[kernel]}: ${(error as Error).message}` })
  }
  ring.finish(share)
}

while (!ring.isClosing) {
  const { tick } = ring
  const share = ring.take()
  if (share === undefined) pause(tick)
  else compute(share)
}
