/**
 * The binding over koffi 3.
 *
 * koffi takes an address as a bigint or as a view, and gives one as a bigint, or null for NULL. It
 * gives a 64-bit integer as a number where that is exact, so those results are widened. An integer
 * out of the range of its type is truncated in silence.
 */
import { createRequire } from 'node:module'
import type { Binding, NativeFunction, NativeLibrary } from '../binding.ts'
import { LibraryLoadError } from '../binding.ts'
import type { Arguments, CType, Result, Signature } from '../signature.ts'
import { parseSignature } from '../signature.ts'

type Koffi = typeof import('koffi')

function koffiType(type: CType): string {
  if (type === 'string') return 'const char *'
  return type === 'pointer' || type === 'memory' || type.endsWith('*') ? 'void *' : type
}

/** The result as the signature promises it; undefined where koffi's own value is right already. */
function resultConversion(type: CType): ((value: unknown) => unknown) | undefined {
  if (type === 'pointer') return (value) => value ?? 0n
  if (type === 'int64' || type === 'uint64') return (value) => BigInt(value as number | bigint)
  return undefined
}

/** All that were opened: koffi closes a library whose object is collected as garbage. */
const openLibraries: unknown[] = []

/** The arguments of asynchronous calls in flight: C may read them until the call is done. */
const inFlight = new Set<readonly unknown[]>()

function bind<S extends Signature>(
  raw: ReturnType<ReturnType<Koffi['load']>['func']>,
  library: string,
  symbol: string,
  signature: S,
): NativeFunction<S> {
  const convert = resultConversion(parseSignature(signature).result)
  const call: (...args: Arguments<S>) => Result<S> =
    convert === undefined
      ? (...args) => raw(...args)
      : (...args) => convert(raw(...args)) as Result<S>
  const async = (...args: Arguments<S>): Promise<Result<S>> =>
    new Promise((resolve, reject) => {
      inFlight.add(args)
      raw.async(...args, (error: unknown, value: unknown) => {
        inFlight.delete(args)
        if (error) reject(error)
        else resolve((convert === undefined ? value : convert(value)) as Result<S>)
      })
    })
  return Object.assign(call, { async, library, symbol, signature })
}

export function createKoffiBinding(): Binding {
  const koffi = createRequire(import.meta.url)('koffi') as Koffi
  return {
    name: 'koffi',
    version: koffi.version,
    view: (address, length) => new Uint8Array(koffi.view(address, length)),
    open(path: string): NativeLibrary {
      const handle = (() => {
        try {
          const library = koffi.load(path, { lazy: true })
          openLibraries.push(library)
          return library
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error)
          throw new LibraryLoadError(path, message.replace('Failed to load shared library: ', ''))
        }
      })()
      return {
        path,
        find(symbol, signature) {
          const parsed = parseSignature(signature)
          const types = parsed.arguments.map(({ type }) => koffiType(type))
          try {
            const raw = handle.func(symbol, koffiType(parsed.result), types)
            return bind(raw, path, symbol, signature)
          } catch (error) {
            if (error instanceof Error && error.message.startsWith('Cannot find function')) {
              return undefined
            }
            throw error
          }
        },
      }
    },
  }
}
