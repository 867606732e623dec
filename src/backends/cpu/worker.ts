/** One of the threads that compute; runs as a worker of `command-queue.ts` only. */
import { parentPort, workerData } from 'node:worker_threads'
import type { WorkerSetup } from './command-queue.ts'
import { CommandRing, type Share } from './command-ring.ts'
import { type KernelFunction, kernelNames, type WorkerKernelName } from './kernel-names.ts'
import { castElements } from './kernels/cast-elements.ts'
import { nativeAttention, type Softmax } from './kernels/native-attention.ts'
import { type AddBias, nativeMultiply, nativeMultiplyBfloat16 } from './kernels/native-multiply.ts'
import { bindBlas, type Products } from './native-blas.ts'

const { module, memory, shared, blas, index } = workerData as WorkerSetup
const ring = new CommandRing(shared)
const { exports } = new WebAssembly.Instance(module, { env: { memory } })

/** The products of the library, bound at their first use. */
let products: Products | undefined
/**
 * A thread that loads native code while the process ends takes it down, and one that computes is waited
 * for.
 */
function boundProducts(): Products {
  products ??= bindBlas(blas!.name)
  return products
}

const ownKernels: Record<WorkerKernelName, KernelFunction> = {
  cast: (begin, end, ...args) => castElements(memory.buffer, begin, end, ...args),
  /** Tells the main thread that all commands before are complete. */
  fence: (_begin, _end, id) => {
    parentPort?.postMessage(id)
    return undefined
  },
  nativeAttention: (begin, end, ...args) => {
    const softmax = exports.softmax as Softmax
    return nativeAttention(
      boundProducts().multiply,
      softmax,
      memory.buffer,
      index,
      begin,
      end,
      ...args,
    )
  },
  nativeMultiply: (begin, end, ...args) => {
    const addBias = exports.addBias as AddBias
    return nativeMultiply(boundProducts().multiply, addBias, memory.buffer, begin, end, ...args)
  },
  nativeMultiplyBfloat16: (begin, end, ...args) => {
    const multiply = boundProducts().multiplyBfloat16!
    return nativeMultiplyBfloat16(multiply, memory.buffer, begin, end, ...args)
  },
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

/**
 * V8 tells other threads of grown memory by an interrupt, which may come later than a command that uses the
 * new memory; bulk copies, which compare with the size that the thread knows, would then trap. To
 * grow by nothing makes this thread look.
 */
function lookAtMemory(): void {
  if ((exports.pages as () => number)() < ring.pages) memory.grow(0)
}

function compute(share: Share): void {
  const { kernel, tag, arguments: args } = ring.command(share.number)
  lookAtMemory()
  try {
    const refused = functions[kernel]!(share.begin, share.end, ...args)
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
