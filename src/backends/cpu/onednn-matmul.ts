/**
 * Products of bfloat16 matrices by oneDNN's matmul primitive, of its C API in versions 2 and 3: the library's
 * plain `gemm` functions have none.
 *
 * A primitive is made for the sizes of one product, and kept, until the thread ends with the process's memory. What its
 * memory objects point to is set before each execution, and has to live until then.
 *
 * The instructions take subnormal numbers for zero, whatever the mode of the CPU.
 */
import type { NativeLibrary } from '../../ffi/binding.ts'
import type { Signature } from '../../ffi/signature.ts'

/** C[m, n] = A[m, k] · B[k, n] + bias[n], all bfloat16 and row-major, summed in float32 and rounded once. */
export interface Bfloat16Gemm {
  readonly m: number
  readonly n: number
  readonly k: number
  /** Rows are `k` elements apart. */
  readonly a: Uint16Array
  readonly b: Uint16Array
  /** Elements from one row of B to the next; so is `ldc`. */
  readonly ldb: number
  readonly bias: Uint16Array | undefined
  readonly c: Uint16Array
  readonly ldc: number
}

/** Throws where the library reports a failure. */
export type MultiplyBfloat16 = (gemm: Bfloat16Gemm) => void

/** Enumerators of dnnl_types.h and macros of dnnl.h. */
const cpuEngine = 1
const defaultFlags = 1
const bfloat16 = 2
const argument = { source: 1, weights: 33, bias: 41, destination: 17 } as const

/** Larger than the structures that version 2 has the caller allocate: 696 and 2800 bytes in 2.6. */
const bytesOfDescriptor = 4096
const bytesOfOperation = 16384

/** Primitives of so many different sizes are kept. */
const mostKept = 256

interface Primitive {
  readonly handle: bigint
  /** In the order in which they are given to an execution. */
  readonly memories: readonly bigint[]
  /** What an execution is given: number and memory of each operand, of 16 bytes. */
  readonly operands: Uint8Array
  readonly count: number
}

/** For the calling thread; undefined where the library lacks a function. */
export function bindBfloat16(library: NativeLibrary): MultiplyBfloat16 | undefined {
  let isWhole = true
  const find = <S extends Signature>(symbol: string, signature: S) => {
    const found = library.find(symbol, signature)
    isWhole &&= found !== undefined
    return found!
  }
  const createEngine = find(
    'dnnl_engine_create',
    'int32 (engine: pointer*, kind: int32, index: uint64)',
  )
  const createStream = find(
    'dnnl_stream_create',
    'int32 (stream: pointer*, engine: pointer, flags: uint32)',
  )
  const createPrimitive = find(
    'dnnl_primitive_create',
    'int32 (primitive: pointer*, descriptor: pointer)',
  )
  const createMemory = find(
    'dnnl_memory_create',
    'int32 (memory: pointer*, descriptor: memory, engine: pointer, handle: pointer)',
  )
  const setHandle = find('dnnl_memory_set_data_handle', 'int32 (memory: pointer, handle: memory)')
  const execute = find(
    'dnnl_primitive_execute',
    'int32 (primitive: pointer, stream: pointer, count: int32, arguments: memory)',
  )
  const destroyMemory = find('dnnl_memory_destroy', 'int32 (memory: pointer)')
  const destroyPrimitive = find('dnnl_primitive_destroy', 'int32 (primitive: pointer)')
  const destroyDescriptor = find('dnnl_primitive_desc_destroy', 'int32 (descriptor: pointer)')
  const describe = descriptorsOf(library)
  if (!isWhole || describe === undefined) return undefined

  const make = (name: string, create: (handle: BigUint64Array) => number): bigint => {
    const handle = new BigUint64Array(1)
    check(name, create(handle))
    return handle[0]!
  }
  /** Made at the first product: most threads multiply float32 only. */
  let place: { readonly engine: bigint; readonly stream: bigint } | undefined
  const placeOfWork = () => {
    if (place !== undefined) return place
    const engine = make('dnnl_engine_create', (handle) => createEngine(handle, cpuEngine, 0n))
    const stream = make('dnnl_stream_create', (handle) =>
      createStream(handle, engine, defaultFlags),
    )
    place = { engine, stream }
    return place
  }

  const makePrimitive = ({ m, n, k, ldb, bias, ldc }: Bfloat16Gemm): Primitive => {
    const { engine } = placeOfWork()
    const source = describe.matrix(m, k, k)
    const weights = describe.matrix(k, n, ldb)
    const shift = bias && describe.matrix(1, n, n)
    const destination = describe.matrix(m, n, ldc)
    const descriptor = describe.product(engine, source, weights, shift, destination)
    const handle = make('dnnl_primitive_create', (at) => createPrimitive(at, descriptor))
    destroyDescriptor(descriptor)
    const all = [
      [argument.source, source],
      [argument.weights, weights],
      [argument.destination, destination],
      ...(shift ? [[argument.bias, shift] as const] : []),
    ] as const
    const memories = all.map(([, of]) =>
      make('dnnl_memory_create', (at) => createMemory(at, of, engine, 0n)),
    )
    for (const [, of] of all) describe.destroy(of)
    const operands = new DataView(new ArrayBuffer(16 * all.length))
    all.forEach(([number], at) => {
      operands.setInt32(16 * at, number, true)
      operands.setBigUint64(16 * at + 8, memories[at]!, true)
    })
    return { handle, memories, operands: new Uint8Array(operands.buffer), count: all.length }
  }

  /** Oldest first. */
  const kept = new Map<string, Primitive>()
  const forgetOldest = (): void => {
    for (const [key, { handle, memories }] of kept) {
      kept.delete(key)
      for (const memory of memories) destroyMemory(memory)
      destroyPrimitive(handle)
      return
    }
  }
  const primitiveFor = (gemm: Bfloat16Gemm): Primitive => {
    const { m, n, k, ldb, bias, ldc } = gemm
    const key = [m, n, k, ldb, ldc, bias === undefined].join()
    const known = kept.get(key)
    if (known !== undefined) return known
    if (kept.size === mostKept) forgetOldest()
    const made = makePrimitive(gemm)
    kept.set(key, made)
    return made
  }

  return (gemm) => {
    const { handle, memories, operands, count } = primitiveFor(gemm)
    const views = [gemm.a, gemm.b, gemm.c, gemm.bias]
    memories.forEach((memory, at) => {
      check('dnnl_memory_set_data_handle', setHandle(memory, views[at]!))
    })
    check('dnnl_primitive_execute', execute(handle, placeOfWork().stream, count, operands))
  }
}

function check(name: string, status: number): void {
  if (status !== 0) throw new Error(`${name} returned ${status}`)
}

/** An allocated structure in version 2, a handle in version 3. */
type Descriptor = Uint8Array | bigint

/** What differs between the versions. */
interface Descriptors {
  /** A matrix with rows `stride` elements apart. */
  matrix(rows: number, columns: number, stride: number): Descriptor
  /** The descriptor of a primitive. */
  product(engine: bigint, ...matrices: readonly (Descriptor | undefined)[]): bigint
  destroy(descriptor: Descriptor): void
}

function descriptorsOf(library: NativeLibrary): Descriptors | undefined {
  return descriptorsOf3(library) ?? descriptorsOf2(library)
}

function descriptorsOf3(library: NativeLibrary): Descriptors | undefined {
  const create = library.find(
    'dnnl_memory_desc_create_with_strides',
    'int32 (descriptor: pointer*, axes: int32, sizes: int64*, dtype: int32, strides: int64*)',
  )
  const destroy = library.find('dnnl_memory_desc_destroy', 'int32 (descriptor: pointer)')
  const createProduct = library.find(
    'dnnl_matmul_primitive_desc_create',
    'int32 (descriptor: pointer*, engine: pointer, source: memory, weights: memory, bias: memory, destination: memory, attributes: pointer)',
  )
  if (create === undefined || destroy === undefined || createProduct === undefined) return undefined
  return {
    matrix(rows, columns, stride) {
      const handle = new BigUint64Array(1)
      const sizes = BigInt64Array.of(BigInt(rows), BigInt(columns))
      const strides = BigInt64Array.of(BigInt(stride), 1n)
      const status = create(handle, 2, sizes, bfloat16, strides)
      check('dnnl_memory_desc_create_with_strides', status)
      return handle[0]!
    },
    product(engine, ...matrices) {
      const [source, weights, bias, destination] = matrices.map((matrix) => matrix ?? null)
      const handle = new BigUint64Array(1)
      const status = createProduct(handle, engine, source!, weights!, bias!, destination!, 0n)
      check('dnnl_matmul_primitive_desc_create', status)
      return handle[0]!
    },
    destroy(descriptor) {
      destroy(descriptor as bigint)
    },
  }
}

function descriptorsOf2(library: NativeLibrary): Descriptors | undefined {
  const initMatrix = library.find(
    'dnnl_memory_desc_init_by_strides',
    'int32 (descriptor: memory, axes: int32, sizes: int64*, dtype: int32, strides: int64*)',
  )
  const initProduct = library.find(
    'dnnl_matmul_desc_init',
    'int32 (operation: memory, source: memory, weights: memory, bias: memory, destination: memory)',
  )
  const create = library.find(
    'dnnl_primitive_desc_create',
    'int32 (descriptor: pointer*, operation: memory, attributes: pointer, engine: pointer, hint: pointer)',
  )
  if (initMatrix === undefined || initProduct === undefined || create === undefined)
    return undefined
  return {
    matrix(rows, columns, stride) {
      const descriptor = new Uint8Array(bytesOfDescriptor)
      const sizes = BigInt64Array.of(BigInt(rows), BigInt(columns))
      const strides = BigInt64Array.of(BigInt(stride), 1n)
      const status = initMatrix(descriptor, 2, sizes, bfloat16, strides)
      check('dnnl_memory_desc_init_by_strides', status)
      return descriptor
    },
    product(engine, ...matrices) {
      const [source, weights, bias, destination] = matrices.map((matrix) => matrix ?? null)
      const operation = new Uint8Array(bytesOfOperation)
      const status = initProduct(operation, source!, weights!, bias!, destination!)
      check('dnnl_matmul_desc_init', status)
      const handle = new BigUint64Array(1)
      check('dnnl_primitive_desc_create', create(handle, operation, 0n, engine, 0n))
      return handle[0]!
    },
    destroy() {},
  }
}
