/**
 * The notation for C signatures, what its types are in JavaScript, and its parser.
 *
 *     'int32 (devPtr: pointer*, size: uint64, policy: int32)'
 *
 * TypeScript derives the type of the callable from the string, and a binding derives the call from
 * the same string, so nothing is listed twice. The notation knows the LP64 types that AscendCL
 * passes by value, and addresses; it knows no structs by value and no varargs. Add a type by adding
 * a row to `Values` or `Elements` and to `cTypes`, and its conversion to each binding.
 */

/** The JavaScript value of each C type that is passed by value. */
interface Values {
  int8: number
  int32: number
  uint32: number
  /** Always a bigint: half of the values of a 64-bit integer are no exact number. */
  int64: bigint
  /** Also `size_t`. */
  uint64: bigint
  float: number
  double: number
  bool: boolean
  /** A handle or a device address; `0n` is NULL. */
  pointer: bigint
  /** Memory that the callee may touch before it returns: a host view, or an address of any kind. */
  memory: bigint | NodeJS.ArrayBufferView | null
  /** A NUL-terminated string in UTF-8, copied in both directions; `null` is NULL. */
  string: string | null
  void: undefined
}

/**
 * `T*`, an array that the callee reads or an out-parameter that it writes, is a typed array of T
 * that the caller keeps; `null` is NULL.
 */
interface Elements {
  int32: Int32Array
  uint32: Uint32Array
  int64: BigInt64Array
  uint64: BigUint64Array
  float: Float32Array
  pointer: BigUint64Array
}

export type CType = keyof Values | `${keyof Elements}*`

/** All types of the notation, for the parser and for those who must cover all of them. */
export const cTypes = [
  ...(['int8', 'int32', 'uint32', 'int64', 'uint64', 'float', 'double', 'bool'] as const),
  ...(['pointer', 'memory', 'string', 'void'] as const),
  ...(['int32*', 'uint32*', 'int64*', 'uint64*', 'float*', 'pointer*'] as const),
] satisfies readonly CType[]

export type Signature = `${Exclude<keyof Values, 'memory'>} (${string})`

type Value<T> = T extends keyof Values
  ? Values[T]
  : T extends `${infer E extends keyof Elements}*`
    ? Elements[E] | null
    : never

type Argument<S> = S extends `${string}: ${infer T}` ? Value<T> : never

type ArgumentList<S> = S extends ''
  ? []
  : S extends `${infer Head}, ${infer Rest}`
    ? [Argument<Head>, ...ArgumentList<Rest>]
    : [Argument<S>]

export type Arguments<S extends Signature> = S extends `${string} (${infer List})`
  ? ArgumentList<List>
  : never

export type Result<S extends Signature> = S extends `${infer T} (${string})` ? Value<T> : never

export interface ParsedSignature {
  readonly result: CType
  readonly arguments: readonly { readonly name: string; readonly type: CType }[]
}

function parseType(type: string | undefined, signature: string): CType {
  const known = cTypes.find((name) => name === type)
  if (known === undefined) throw new TypeError(`unknown C type '${type}' in '${signature}'`)
  return known
}

/** The parts of a signature. A TypeError here is a mistake in a table, not in anybody's input. */
export function parseSignature(signature: Signature): ParsedSignature {
  const [, result, list] = /^(\w+) \((.*)\)$/.exec(signature) ?? []
  return {
    result: parseType(result, signature),
    arguments: (list === '' ? [] : (list ?? '').split(', ')).map((argument) => {
      const [name, type] = argument.split(': ')
      return { name: name as string, type: parseType(type, signature) }
    }),
  }
}
