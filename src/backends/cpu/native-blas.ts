/**
 * Native libraries for products of matrices, where the machine has them: oneDNN's `dnnl_sgemm` and the
 * `cblas_sgemm` of OpenBLAS. Both are called through FFI, by each worker on its part, on the memory that
 * WebAssembly shares; nothing is copied for them.
 *
 * The workers are the threads, so that a library is told to use one. A library is found by its soname
 * and never required. A further one is a row of `libraries`.
 */
import { readFileSync } from 'node:fs'
import { DeviceUnavailableError, InvalidArgumentError } from '../../errors.ts'
import { BindingUnavailableError, LibraryLoadError, type NativeLibrary } from '../../ffi/binding.ts'
import { loadBinding } from '../../ffi/load-binding.ts'

/**
 * One product with a weight `[n, k]`, all operands row-major; those of a library are in the form
 * that it is fastest in.
 *
 * - `rows`: C[m, n] += A[m, k] · Wᵀ; the rows of C are `ldc` elements apart.
 * - `columns`: Cᵀ[n, m] = W · Aᵀ[k, m]; `ldc` is m.
 */
export type Multiply = (
  m: number,
  n: number,
  k: number,
  a: NodeJS.ArrayBufferView,
  weight: NodeJS.ArrayBufferView,
  c: NodeJS.ArrayBufferView,
  ldc: number,
) => void

export type Form = 'rows' | 'columns'

interface LibraryRow {
  /** What people call it. */
  readonly title: string
  /** Newest first. */
  readonly sonames: readonly string[]
  /** A package of Debian that has it. */
  readonly debian: string
  readonly form: Form
  /** What has to be done before it is loaded. */
  prepare?(): void
  /** Undefined where the library lacks a function. */
  bind(library: NativeLibrary): Multiply | undefined
}

/** Of oneDNN's dnnl.h, the same in versions 2 and 3; row-major. */
const dnnlSgemm =
  'int32 (transa: int8, transb: int8, M: int64, N: int64, K: int64, alpha: float, A: memory, lda: int64, B: memory, ldb: int64, beta: float, C: memory, ldc: int64)'
/** Of cblas.h, with integers of 32 bits. */
const cblasSgemm =
  'void (order: int32, transA: int32, transB: int32, M: int32, N: int32, K: int32, alpha: float, A: memory, lda: int32, B: memory, ldb: int32, beta: float, C: memory, ldc: int32)'
/** Enumerators of cblas.h. */
const cblas = { rowMajor: 101, noTrans: 111, trans: 112 } as const
/** What dnnl_sgemm takes for a matrix that is not to be turned. */
const asIs = 'N'.charCodeAt(0)

const libraries = {
  onednn: {
    title: 'oneDNN',
    sonames: ['libdnnl.so.3', 'libdnnl.so.2'],
    debian: 'libdnnl2',
    // A · Wᵀ copies the weight for every call; in this form it is read in place (docs/performance.md).
    form: 'columns',
    bind(library) {
      const sgemm = library.find('dnnl_sgemm', dnnlSgemm)
      if (sgemm === undefined) return undefined
      useOneThreadOfOpenMP()
      return (m, n, k, a, weight, c) => {
        const [M, N, K] = [BigInt(m), BigInt(n), BigInt(k)]
        sgemm(asIs, asIs, N, M, K, 1, weight, K, a, M, 0, c, M)
      }
    },
  },
  openblas: {
    title: 'OpenBLAS',
    sonames: ['libopenblas.so.0'],
    debian: 'libopenblas0-pthread',
    form: 'rows',
    prepare: nameCoreType,
    bind(library) {
      const sgemm = library.find('cblas_sgemm', cblasSgemm)
      if (sgemm === undefined) return undefined
      library.find('openblas_set_num_threads', 'void (threads: int32)')?.(1)
      const { rowMajor, noTrans, trans } = cblas
      return (m, n, k, a, weight, c, ldc) => {
        sgemm(rowMajor, noTrans, trans, m, n, k, 1, a, k, weight, k, 1, c, ldc)
      }
    },
  },
} as const satisfies Record<string, LibraryRow>

export type BlasName = keyof typeof libraries

/** All libraries. */
export const blasNames = Object.keys(libraries) as readonly BlasName[]

/** OpenMP's number of threads is that of the calling thread, and of the threads it starts. */
function useOneThreadOfOpenMP(): void {
  for (const soname of ['libgomp.so.1', 'libomp.so.5']) {
    open(soname)?.find('omp_set_num_threads', 'void (threads: int32)')?.(1)
  }
}

/** What OpenBLAS's kernels for AVX-512 need of the CPU, as Linux names it. */
const avx512 = ['avx512f', 'avx512cd', 'avx512bw', 'avx512dq', 'avx512vl']

/**
 * An OpenBLAS older than the CPU takes it for one of an older family, without AVX-512, and is then half
 * as fast. It reads its variable when it is loaded.
 */
function nameCoreType(): void {
  if (process.env.OPENBLAS_CORETYPE === undefined && hasCpuFlags(avx512)) {
    process.env.OPENBLAS_CORETYPE = 'SKYLAKEX'
  }
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

/** koffi whatever the environment says: ffi-napi cannot pass shared memory. */
function open(soname: string): NativeLibrary | undefined {
  try {
    return loadBinding('koffi').open(soname)
  } catch (error) {
    if (error instanceof LibraryLoadError || error instanceof BindingUnavailableError) {
      return undefined
    }
    throw error
  }
}

export interface Blas {
  readonly name: BlasName
  /** What people call it, and what was loaded. */
  readonly description: string
  readonly form: Form
  readonly multiply: Multiply
}

/** A library, opened for the calling thread; undefined where the machine does not have it. */
export function openBlas(name: BlasName): Blas | undefined {
  const row: LibraryRow = libraries[name]
  row.prepare?.()
  for (const soname of row.sonames) {
    const library = open(soname)
    const multiply = library && row.bind(library)
    if (multiply !== undefined) {
      return { name, description: `${row.title} (${soname})`, form: row.form, multiply }
    }
  }
  return undefined
}

/** What ROBERTA_ASCEND_BLAS may be. */
export type BlasChoice = 'off' | BlasName

/**
 * The libraries to use: the one that `wanted` names, all there are if it names none, and none where it
 * says `off`. Throws InvalidArgumentError for another value, and DeviceUnavailableError where the machine
 * does not have the library that is asked for.
 */
export function chosenBlas(
  wanted: string | undefined = process.env.ROBERTA_ASCEND_BLAS || undefined,
): readonly Blas[] {
  if (wanted === 'off') return []
  if (wanted === undefined) return blasNames.flatMap((name) => openBlas(name) ?? [])
  const name = blasNames.find((known) => known === wanted)
  if (name === undefined) {
    throw new InvalidArgumentError('ROBERTA_ASCEND_BLAS', `there is no library '${wanted}'`, {
      hint: `use one of off, ${blasNames.join(', ')}`,
    })
  }
  const blas = openBlas(name)
  if (blas !== undefined) return [blas]
  const { title, sonames, debian } = libraries[name]
  throw new DeviceUnavailableError(
    'cpu',
    `ROBERTA_ASCEND_BLAS asks for ${title}, and ${sonames.join(' and ')} cannot be loaded`,
    { hint: `install it (in Debian ${debian}), or unset ROBERTA_ASCEND_BLAS` },
  )
}
