/**
 * Native libraries for products of matrices, where the machine has them: oneDNN's `dnnl_sgemm` and the
 * `cblas_sgemm` of OpenBLAS. Both are called through FFI, by each worker on its part, on the memory that
 * WebAssembly shares.
 *
 * The workers are the threads, so that a library is told to use one. A library is found by its soname
 * (on Linux; elsewhere there are none) and never required. A further one is a row of `libraries`, where
 * the one that is faster comes first.
 */
import { readFileSync } from 'node:fs'
import { DeviceUnavailableError, InvalidArgumentError, RobertaAscendError } from '../../errors.ts'
import { LibraryLoadError, type NativeLibrary } from '../../ffi/binding.ts'
import { loadBinding } from '../../ffi/load-binding.ts'
import { bindBfloat16, type MultiplyBfloat16 } from './onednn-matmul.ts'

/**
 * Columns of a panel of a packed weight. Of 64 to 1536, oneDNN is fastest with this for up to 64 rows, and
 * with more as fast as with any (docs/performance.md). It is a multiple of 48, the columns that its
 * AVX-512 kernel takes at once.
 */
export const panelWidth = 192

/** C[m, n] = A[m, k] · B[k, n], or with Bᵀ of B[n, k]. All are float32 and row-major. */
export interface Gemm {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: Float32Array
  /** Elements from one row of A to the next; so are `ldb` and `ldc`. */
  readonly lda: number
  readonly b: Float32Array
  readonly ldb: number
  readonly isTransposed?: boolean
  readonly c: Float32Array
  readonly ldc: number
}

/** Throws where the library reports a failure. */
export type Multiply = (gemm: Gemm) => void

/** What a library computes. */
export interface Products {
  readonly multiply: Multiply
  /** Undefined where the library has none, or the CPU no instructions for it. */
  readonly multiplyBfloat16?: MultiplyBfloat16 | undefined
}

interface LibraryRow {
  /** What people call it. */
  readonly title: string
  /** Newest first. */
  readonly sonames: readonly string[]
  /** Of `process.arch`, where the library has a fast product; all if missing. */
  readonly architectures?: readonly string[]
  /** Variables that it reads when it is loaded; those that are set already stay. */
  environment?(): Readonly<Record<string, string>>
  /** A reason why this build cannot be used. */
  refuse?(library: NativeLibrary): string | undefined
  /** For the calling thread; undefined where the library lacks a function. */
  bind(library: NativeLibrary): Products | undefined
}

/** Of oneDNN's dnnl.h, the same in versions 2 and 3; row-major. */
const dnnlSgemm =
  'int32 (transa: int8, transb: int8, M: int64, N: int64, K: int64, alpha: float, A: memory, lda: int64, B: memory, ldb: int64, beta: float, C: memory, ldc: int64)'
/** Of cblas.h, with integers of 32 bits. */
const cblasSgemm =
  'void (order: int32, transA: int32, transB: int32, M: int32, N: int32, K: int32, alpha: float, A: memory, lda: int32, B: memory, ldb: int32, beta: float, C: memory, ldc: int32)'
/** Enumerators of cblas.h. */
const cblas = { rowMajor: 101, noTrans: 111, trans: 112 } as const
/** What dnnl_sgemm takes for a matrix as it is, and for its transpose. */
const asIs = 'N'.charCodeAt(0)
const transposed = 'T'.charCodeAt(0)

const libraries = {
  onednn: {
    title: 'oneDNN',
    // Debian 13 gives version 3 a name of its own.
    sonames: ['libdnnl.so.3', 'libdnnl.so.3.6', 'libdnnl.so.2'],
    // On others dnnl_sgemm is a plain loop unless the library was built with a vendor's BLAS.
    architectures: ['x64'],
    refuse: (library) =>
      library.find('omp_set_num_threads', ompSetNumThreads) === undefined
        ? 'it was built without OpenMP, and cannot be told to use one thread'
        : undefined,
    bind(library) {
      const sgemm = library.find('dnnl_sgemm', dnnlSgemm)
      // OpenMP's number of threads is that of the calling thread.
      library.find('omp_set_num_threads', ompSetNumThreads)?.(1)
      if (sgemm === undefined) return undefined
      const multiply: Multiply = ({ m, n, k, a, lda, b, ldb, isTransposed, c, ldc }) => {
        const [M, N, K] = [BigInt(m), BigInt(n), BigInt(k)]
        const [A, B, C] = [BigInt(lda), BigInt(ldb), BigInt(ldc)]
        const status = sgemm(
          asIs,
          isTransposed ? transposed : asIs,
          M,
          N,
          K,
          1,
          a,
          A,
          b,
          B,
          0,
          c,
          C,
        )
        if (status !== 0) throw new Error(`dnnl_sgemm returned ${status}`)
      }
      return {
        multiply,
        multiplyBfloat16: hasCpuFlags(['avx512_bf16']) ? bindBfloat16(library) : undefined,
      }
    },
  },
  openblas: {
    title: 'OpenBLAS',
    sonames: ['libopenblas.so.0'],
    environment: () => ({ OPENBLAS_NUM_THREADS: '1', ...coreType() }),
    refuse(library) {
      const config = library.find('openblas_get_config', 'string ()')?.() ?? ''
      if (config.includes('USE64BITINT')) return 'it was built with integers of 64 bits'
      const parallel = library.find('openblas_get_parallel', 'int32 ()')?.()
      // Without threads of its own it has no locks either, and several threads may not call it.
      return parallel === 0 ? 'it was built for a single thread' : undefined
    },
    bind(library) {
      const sgemm = library.find('cblas_sgemm', cblasSgemm)
      if (sgemm === undefined) return undefined
      const { rowMajor, noTrans, trans } = cblas
      const multiply: Multiply = ({ m, n, k, a, lda, b, ldb, isTransposed, c, ldc }) => {
        const transB = isTransposed ? trans : noTrans
        sgemm(rowMajor, noTrans, transB, m, n, k, 1, a, lda, b, ldb, 0, c, ldc)
      }
      return { multiply }
    },
  },
} as const satisfies Record<string, LibraryRow>

const ompSetNumThreads = 'void (threads: int32)'

export type BlasName = keyof typeof libraries

/** All libraries. */
export const blasNames = Object.keys(libraries) as readonly BlasName[]

/** What OpenBLAS's kernels for AVX-512 need of the CPU, as Linux names it. */
const avx512 = ['avx512f', 'avx512cd', 'avx512bw', 'avx512dq', 'avx512vl']

/**
 * An OpenBLAS older than the CPU takes it for one of an older family, and leaves AVX-512 unused. All that
 * know AVX-512 know SKYLAKEX, whose float32 product is that of the later core types too.
 */
function coreType(): Record<string, string> {
  return hasCpuFlags(avx512) ? { OPENBLAS_CORETYPE: 'SKYLAKEX' } : {}
}

function hasCpuFlags(wanted: readonly string[]): boolean {
  let text: string
  try {
    text = readFileSync('/proc/cpuinfo', 'utf8')
  } catch {
    return false
  }
  const flags = new Set(/^flags\s*:(.*)$/m.exec(text)?.[1]?.split(' '))
  return wanted.every((flag) => flags.has(flag))
}

/**
 * Calls `body` with variables set in the C library's environment, as libraries read it; that of Node does
 * not reach it from a worker thread. Neither children of this process nor later libraries see them.
 */
function withEnvironment<T>(variables: Readonly<Record<string, string>>, body: () => T): T {
  const libc = loadBinding('koffi').open('libc.so.6')
  const get = libc.find('getenv', 'string (name: string)')
  const set = libc.find('setenv', 'int32 (name: string, value: string, overwrite: int32)')
  const unset = libc.find('unsetenv', 'int32 (name: string)')
  const names = Object.keys(variables).filter((name) => get?.(name) === null)
  for (const name of names) set?.(name, variables[name]!, 1)
  try {
    return body()
  } finally {
    for (const name of names) unset?.(name)
  }
}

/** Opens by the first soname that there is; throws the first failure where there is none. */
function openLibrary({ sonames }: LibraryRow): { soname: string; library: NativeLibrary } {
  // koffi whatever the environment says: ffi-napi cannot pass shared memory.
  const binding = loadBinding('koffi')
  let failure: unknown
  for (const soname of sonames) {
    try {
      return { soname, library: binding.open(soname) }
    } catch (error) {
      if (!(error instanceof LibraryLoadError)) throw error
      failure ??= error
    }
  }
  throw failure
}

/** A library that the machine has. */
export interface Blas {
  readonly name: BlasName
  /** What people call it, and what was loaded. */
  readonly description: string
  /** Whether it multiplies bfloat16 matrices, too. */
  readonly hasBfloat16: boolean
}

const found = new Map<BlasName, Blas>()

/** Looks for a library, once in a thread. Throws a RobertaAscendError that says why it cannot be used. */
function findBlas(name: BlasName): Blas {
  const known = found.get(name)
  if (known !== undefined) return known
  const blas = lookForBlas(name)
  found.set(name, blas)
  return blas
}

function lookForBlas(name: BlasName): Blas {
  const row: LibraryRow = libraries[name]
  const { title, architectures, environment } = row
  const refusal = (problem: string) =>
    new DeviceUnavailableError('cpu', `${title} cannot be used: ${problem}`)
  if (architectures?.includes(process.arch) === false) {
    throw refusal(`it has no fast product for ${process.arch}`)
  }
  const open = () => openLibrary(row)
  const { soname, library } =
    environment === undefined ? open() : withEnvironment(environment(), open)
  const problem = row.refuse?.(library)
  if (problem !== undefined) throw refusal(`${soname}: ${problem}`)
  const products = row.bind(library)
  if (products === undefined) throw refusal(`${soname}: it lacks its function`)
  const hasBfloat16 = products.multiplyBfloat16 !== undefined && works(products.multiplyBfloat16)
  const also = hasBfloat16 ? ', bfloat16 too' : ''
  return { name, description: `${title} (${soname}${also})`, hasBfloat16 }
}

/** Whether the library has such a product on this CPU: ONEDNN_MAX_CPU_ISA may keep it from instructions. */
function works(multiply: MultiplyBfloat16): boolean {
  const one = 0x3f80
  const [a, b, c] = [Uint16Array.of(one), Uint16Array.of(one), new Uint16Array(1)]
  try {
    multiply({ m: 1, n: 1, k: 1, a, b, ldb: 1, bias: undefined, c, ldc: 1 })
  } catch {
    return false
  }
  return c[0] === one
}

/** The products of a library that was found, for the calling thread. */
export function bindBlas(name: BlasName): Products {
  const row: LibraryRow = libraries[name]
  return row.bind(openLibrary(row).library)!
}

/** The library, or undefined where it cannot be used. */
export function installedBlas(name: BlasName): Blas | undefined {
  try {
    return findBlas(name)
  } catch (error) {
    if (error instanceof RobertaAscendError && error.kind === 'environment') return undefined
    throw error
  }
}

/** What ROBERTA_ASCEND_BLAS may be. */
export type BlasChoice = 'off' | BlasName

/**
 * The library to use: the one that `wanted` names, the first there is if it names none, and none where it
 * says `off`. Throws InvalidArgumentError for another value, and DeviceUnavailableError where the machine
 * does not have the library that is asked for, or it cannot be used.
 */
export function chosenBlas(
  wanted: string | undefined = process.env.ROBERTA_ASCEND_BLAS || undefined,
): Blas | undefined {
  if (wanted === 'off') return undefined
  if (wanted === undefined) {
    for (const known of blasNames) {
      const blas = installedBlas(known)
      if (blas !== undefined) return blas
    }
    return undefined
  }
  const name = blasNames.find((known) => known === wanted)
  if (name === undefined) {
    throw new InvalidArgumentError('ROBERTA_ASCEND_BLAS', `there is no library '${wanted}'`, {
      hint: `use one of off, ${blasNames.join(', ')}`,
    })
  }
  try {
    return findBlas(name)
  } catch (cause) {
    const { title, sonames } = libraries[name]
    const reason = cause instanceof DeviceUnavailableError ? cause.reason : `${cause}`
    throw new DeviceUnavailableError('cpu', `${name} was asked for: ${reason}`, {
      hint: `install ${title} with ${sonames.join(' or ')}, or let ROBERTA_ASCEND_BLAS be off or unset`,
      cause,
    })
  }
}

/** For notes: what multiplies matrices with weights. */
export function describeBlas(blas: Blas | undefined): string {
  return blas?.description ?? 'WebAssembly'
}
