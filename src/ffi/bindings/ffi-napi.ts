/**
 * The binding over ffi-napi and ref-napi.
 *
 * The packages are optional, installed under these names from the @2060.io forks, which compile with
 * current Node. What is used of them is declared here, since their types may not be installed.
 * ref-napi reads and writes addresses and 64-bit integers as numbers or strings; the types below do
 * it with bigints. An integer out of the range of its type throws a RangeError.
 *
 * ForeignFunction of ffi-napi makes buffers for each call and argument, at some 20 µs a call. Plain calls
 * here write into buffers that each function keeps, at some 2 µs (`bench/ffi.mjs`).
 */
import { createRequire } from 'node:module'
import { InvalidArgumentError } from '../../errors.ts'
import type { Binding, NativeFunction, NativeLibrary } from '../binding.ts'
import { LibraryLoadError } from '../binding.ts'
import type { Arguments, CType, Result, Signature } from '../signature.ts'
import { parseSignature } from '../signature.ts'

interface RefType {
  readonly size: number
  readonly indirection: number
  readonly alignment?: number
  readonly ffi_type?: unknown
  get(buffer: Buffer, offset: number): unknown
  set(buffer: Buffer, offset: number, value: unknown): void
}

interface RefNapi {
  readonly types: Readonly<Record<string, RefType>>
  refType(type: RefType): RefType
  isNull(pointer: Buffer): boolean
  readPointer(buffer: Buffer, offset: number, length: number): Buffer
  _writePointer(buffer: Buffer, offset: number, target: Buffer): void
}

interface ForeignFunction {
  (...args: unknown[]): unknown
  async(...args: unknown[]): void
}

/** What ForeignFunction itself is made of; ffi-napi does not document it. */
interface FfiCalls {
  ffi_call(cif: Buffer, address: Buffer, result: Buffer, args: Buffer): void
}

interface FfiNapi {
  readonly types: Readonly<Record<string, RefType>>
  DynamicLibrary(path: null): { get(symbol: string): Buffer }
  CIF(result: RefType, args: readonly RefType[]): Buffer
  ForeignFunction(address: Buffer, result: RefType, args: readonly RefType[]): ForeignFunction
  readonly RTLD_LAZY: number
}

/**
 * The loader's own functions. DynamicLibrary of ffi-napi would do, but for its errors: it takes the
 * file named in dlerror for a linker script, tries to read it, and so loses what dlopen had said.
 */
function loaderFunctions(ffi: FfiNapi, ref: RefNapi) {
  const program = ffi.DynamicLibrary(null)
  const { void: nothing, CString, int32 } = ffi.types as Record<string, RefType>
  const handle = ref.refType(nothing as RefType)
  const bindLoader = (name: string, result: RefType | undefined, args: (RefType | undefined)[]) =>
    ffi.ForeignFunction(program.get(name), result as RefType, args as RefType[])
  const dlopen = bindLoader('dlopen', handle, [CString, int32])
  const dlsym = bindLoader('dlsym', handle, [handle, CString])
  const dlerror = bindLoader('dlerror', CString, [])
  return {
    open(path: string): Buffer {
      const library = dlopen(path, ffi.RTLD_LAZY) as Buffer
      if (!ref.isNull(library)) return library
      const message = dlerror() as string
      const ownPrefix = `${path}: `
      throw new LibraryLoadError(
        path,
        message.startsWith(ownPrefix) ? message.slice(ownPrefix.length) : message,
      )
    },
    find(library: Buffer, symbol: string): Buffer | undefined {
      const address = dlsym(library, symbol) as Buffer
      return ref.isNull(address) ? undefined : address
    },
  }
}

/** The ref-napi type of every type of the notation. */
function refTypes(ffi: FfiNapi, ref: RefNapi): (type: CType) => RefType {
  const plain = (name: string): RefType => ffi.types[name] as RefType
  const int64: RefType = {
    ...plain('int64'),
    get: (buffer, offset) => buffer.readBigInt64LE(offset),
    set: (buffer, offset, value) => buffer.writeBigInt64LE(value as bigint, offset),
  }
  const uint64: RefType = {
    ...plain('uint64'),
    get: (buffer, offset) => buffer.readBigUInt64LE(offset),
    set: (buffer, offset, value) => buffer.writeBigUInt64LE(value as bigint, offset),
  }
  // An address travels as uint64, which both supported ABIs (x86-64, AArch64) pass alike.
  const address: RefType = {
    ...uint64,
    set(buffer, offset, value) {
      const view = value as bigint | NodeJS.ArrayBufferView | null
      if (typeof view === 'bigint') buffer.writeBigUInt64LE(view, offset)
      else if (view === null || view.byteLength === 0) buffer.writeBigUInt64LE(0n, offset)
      else if (view.buffer instanceof SharedArrayBuffer) {
        throw new InvalidArgumentError('view', 'ffi-napi cannot pass shared memory', {
          hint: 'copy it, or unset ROBERTA_ASCEND_FFI to use koffi',
        })
      } else {
        const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength)
        ref._writePointer(buffer, offset, bytes)
      }
    },
  }
  return (type) => {
    if (type === 'int64') return int64
    if (type === 'uint64') return uint64
    if (type === 'pointer' || type === 'memory' || type.endsWith('*')) return address
    return plain(type === 'string' ? 'CString' : type)
  }
}

/** The arguments of asynchronous calls in flight: C may read them until the call is done. */
const inFlight = new Set<readonly unknown[]>()

/** An argument, a result and an address each take 8 bytes at most. */
const slot = 8

/** Plain calls of a function, one at a time, in buffers of their own. */
function directCall(
  { ffi, ref, calls }: Packages,
  address: Buffer,
  result: RefType,
  types: readonly RefType[],
): (...args: unknown[]) => unknown {
  const cif = ffi.CIF(result, types)
  const returned = Buffer.alloc(slot)
  const values = Buffer.alloc(slot * types.length)
  const addresses = Buffer.alloc(slot * types.length)
  for (const i of types.keys()) {
    ref._writePointer(addresses, slot * i, values.subarray(slot * i))
  }
  return (...args) => {
    for (const [i, type] of types.entries()) type.set(values, slot * i, args[i])
    calls.ffi_call(cif, address, returned, addresses)
    return result.get(returned, 0)
  }
}

function bind<S extends Signature>(
  plain: (...args: unknown[]) => unknown,
  raw: ForeignFunction,
  library: string,
  symbol: string,
  signature: S,
): NativeFunction<S> {
  const call = (...args: Arguments<S>): Result<S> => plain(...args) as Result<S>
  const async = (...args: Arguments<S>): Promise<Result<S>> =>
    new Promise((resolve, reject) => {
      inFlight.add(args)
      raw.async(...args, (error: unknown, value: unknown) => {
        inFlight.delete(args)
        if (error) reject(error)
        else resolve(value as Result<S>)
      })
    })
  return Object.assign(call, { async, library, symbol, signature })
}

interface Packages {
  readonly ffi: FfiNapi
  readonly ref: RefNapi
  readonly calls: FfiCalls
}

export function createFfiNapiBinding(): Binding {
  const require = createRequire(import.meta.url)
  const ffi = require('ffi-napi') as FfiNapi
  const ref = require('ref-napi') as RefNapi
  // Not what the package promises to keep, so that its version is exact in package.json.
  const calls = require('ffi-napi/lib/bindings') as FfiCalls
  const loader = loaderFunctions(ffi, ref)
  const refType = refTypes(ffi, ref)
  return {
    name: 'ffi-napi',
    version: (require('ffi-napi/package.json') as { version: string }).version,
    view(address, length) {
      const pointer = Buffer.alloc(8)
      pointer.writeBigUInt64LE(address)
      return ref.readPointer(pointer, 0, length)
    },
    open(path: string): NativeLibrary {
      const handle = loader.open(path)
      return {
        path,
        find(symbol, signature) {
          const address = loader.find(handle, symbol)
          if (address === undefined) return undefined
          const parsed = parseSignature(signature)
          const types = parsed.arguments.map(({ type }) => refType(type))
          const result = refType(parsed.result)
          const raw = ffi.ForeignFunction(address, result, types)
          // A string needs memory of its own for each call.
          const isDirect = !types.includes(ffi.types.CString as RefType)
          const call = isDirect ? directCall({ ffi, ref, calls }, address, result, types) : raw
          return bind(call, raw, path, symbol, signature)
        },
      }
    },
  }
}
