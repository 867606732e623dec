/** One of the threads that compute; runs as a worker of `workers.ts` only. */
import { parentPort, workerData } from 'node:worker_threads'
import { Bell } from './bell.ts'
import { CommandRing, type Share } from './command-ring.ts'
import { type KernelFunction, kernelNames, type WorkerKernelName } from './kernel-names.ts'
import { castElements } from './kernels/cast-elements.ts'
import { nativeAttention, type Softmax } from './kernels/native-attention.ts'
import { type AddBias, nativeMultiply, nativeMultiplyBfloat16 } from './kernels/native-multiply.ts'
import { bindBlas, type Products } from './native-blas.ts'
import type { WorkerSetup } from './workers.ts'

const { module, memory, blas, index, ...setup } = workerData as WorkerSetup
const bell = new Bell(setup.bell)
const rings = setup.rings.map((ring) => new CommandRing(bell, ring))
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
  for (let i = 0; i < looks; i++) if (bell.tick !== tick) return
  bell.wait(tick)
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
function lookAtMemory(pages: number): void {
  if ((exports.pages as () => number)() < pages) memory.grow(0)
}

function compute(ring: CommandRing, share: Share): void {
  const { kernel, tag, arguments: args } = ring.command(share.number)
  lookAtMemory(ring.pages)
  try {
    const refused = functions[kernel]!(share.begin, share.end, ...args)
    if (refused) ring.putFault({ tag, message: '', index: refusedIndex(args, refused) })
  } catch (error) {
    ring.putFault({ tag, message: `${kernelNames[kernel]}: ${(error as Error).message}` })
  }
  ring.finish(share)
}

/** Where to look first when both streams have come equally far. */
let turn = 0

/**
 * The streams, that which is behind first. So two forwards go through a model side by side, and a weight is still in
 * a cache when the second needs it; what one leaves idle at the end of a command, the other fills.
 */
function ringsInOrder(): readonly CommandRing[] {
  const [first, second] = rings as [CommandRing, CommandRing]
  const ahead = first.progress - second.progress || turn - 0.5
  return ahead > 0 ? [second, first] : rings
}

/** Whether there was anything to compute. */
function computeNext(): boolean {
  for (const ring of ringsInOrder()) {
    const share = ring.take()
    if (share === undefined) continue
    turn = ring === rings[0] ? 1 : 0
    compute(ring, share)
    return true
  }
  return false
}

for (;;) {
  // Before all that it tells of is looked at: who sleeps with an older one wakes up.
  const { tick } = bell
  if (bell.isClosing) break
  if (!computeNext()) pause(tick)
}
