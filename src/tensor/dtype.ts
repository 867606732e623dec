/**
 * The element types of tensors: sizes, host arrays, and exact conversion of single elements.
 *
 * A host array holds a tensor's elements as bytes of their own dtype: float16 and bfloat16 as bit
 * patterns in a Uint16Array, bool as 0 or 1 in a Uint8Array. Add a dtype by adding a row to
 * `dtypes`, its host array to `HostArrays`, and its codec to `codecs`.
 */
import {
  bfloat16ToNumber,
  float16ToNumber,
  numberToBfloat16,
  numberToFloat16,
} from './float-bits.ts'

export interface DTypeInfo {
  readonly kind: 'float' | 'int' | 'bool'
  /** Bytes per element. */
  readonly itemsize: number
}

export const dtypes = {
  float32: { kind: 'float', itemsize: 4 },
  float16: { kind: 'float', itemsize: 2 },
  bfloat16: { kind: 'float', itemsize: 2 },
  int32: { kind: 'int', itemsize: 4 },
  int64: { kind: 'int', itemsize: 8 },
  bool: { kind: 'bool', itemsize: 1 },
} as const satisfies Record<string, DTypeInfo>

export type DType = keyof typeof dtypes
export type FloatDType = 'float32' | 'float16' | 'bfloat16'

/** The typed array that holds a dtype's elements on the host. */
export interface HostArrays {
  float32: Float32Array
  float16: Uint16Array
  bfloat16: Uint16Array
  int32: Int32Array
  int64: BigInt64Array
  bool: Uint8Array
}
export type HostArray = HostArrays[DType]

export const dtypeNames = Object.keys(dtypes) as readonly DType[]
export const floatDTypes: readonly FloatDType[] = ['float32', 'float16', 'bfloat16']

export function isDType(name: string): name is DType {
  return Object.hasOwn(dtypes, name)
}

export function isFloatDType(dtype: DType): dtype is FloatDType {
  return dtypes[dtype].kind === 'float'
}

export interface FloatInfo {
  /** The spacing of numbers just above 1. */
  readonly eps: number
  /** The largest finite number. */
  readonly max: number
  readonly smallestNormal: number
  readonly smallestSubnormal: number
}

/** The limits of the float dtypes, named as in `numpy.finfo`. */
export const finfo: Readonly<Record<FloatDType, FloatInfo>> = {
  float32: {
    eps: 2 ** -23,
    max: (2 - 2 ** -23) * 2 ** 127,
    smallestNormal: 2 ** -126,
    smallestSubnormal: 2 ** -149,
  },
  float16: { eps: 2 ** -10, max: 65504, smallestNormal: 2 ** -14, smallestSubnormal: 2 ** -24 },
  bfloat16: {
    eps: 2 ** -7,
    max: (2 - 2 ** -7) * 2 ** 127,
    smallestNormal: 2 ** -126,
    smallestSubnormal: 2 ** -133,
  },
}

interface HostArrayConstructor {
  new (length: number): HostArray
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): HostArray
}

const hostArrayConstructors: Readonly<Record<DType, HostArrayConstructor>> = {
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
}

/** A zeroed host array of `length` elements. */
export function newHostArray<T extends DType>(dtype: T, length: number): HostArrays[T] {
  return new hostArrayConstructors[dtype](length) as HostArrays[T]
}

/**
 * The host array over `length` elements that begin at byte `byteOffset` of `buffer`, without a copy
 * where the offset is aligned for the dtype and with one where it is not.
 */
export function hostArrayOver<T extends DType>(
  dtype: T,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): HostArrays[T] {
  const { itemsize } = dtypes[dtype]
  if (byteOffset % itemsize === 0) {
    return new hostArrayConstructors[dtype](buffer, byteOffset, length) as HostArrays[T]
  }
  return hostArrayOver(dtype, buffer.slice(byteOffset, byteOffset + length * itemsize), 0, length)
}

/** Turns one stored element into a number and back. */
export interface Codec {
  /** Exact, except int64 beyond ±2^53, which rounds to the nearest float64. */
  readonly decode: (array: HostArray, index: number) => number
  /**
   * Rounds to nearest even for floats, overflowing to ±Inf. Integers truncate toward zero,
   * saturate at the ends of their range and take NaN as 0. bool is `value !== 0`, so NaN is true.
   */
  readonly encode: (array: HostArray, index: number, value: number) => void
}

const int64Max = 2n ** 63n - 1n
const int64Min = -(2n ** 63n)

function toInt32(value: number): number {
  if (Number.isNaN(value)) return 0
  return Math.min(Math.max(Math.trunc(value), -(2 ** 31)), 2 ** 31 - 1)
}

function toInt64(value: number): bigint {
  if (Number.isNaN(value)) return 0n
  if (value >= 2 ** 63) return int64Max
  if (value <= -(2 ** 63)) return int64Min
  return BigInt(Math.trunc(value))
}

const plainDecode = (array: HostArray, index: number): number => Number(array[index])

export const codecs: Readonly<Record<DType, Codec>> = {
  float32: {
    decode: plainDecode,
    encode: (array, index, value) => {
      array[index] = value
    },
  },
  float16: {
    decode: (array, index) => float16ToNumber(array[index] as number),
    encode: (array, index, value) => {
      array[index] = numberToFloat16(value)
    },
  },
  bfloat16: {
    decode: (array, index) => bfloat16ToNumber(array[index] as number),
    encode: (array, index, value) => {
      array[index] = numberToBfloat16(value)
    },
  },
  int32: {
    decode: plainDecode,
    encode: (array, index, value) => {
      array[index] = toInt32(value)
    },
  },
  int64: {
    decode: plainDecode,
    encode: (array, index, value) => {
      ;(array as BigInt64Array)[index] = toInt64(value)
    },
  },
  bool: {
    decode: plainDecode,
    encode: (array, index, value) => {
      array[index] = value !== 0 ? 1 : 0
    },
  },
}

/** All elements as numbers (exact, but for int64 beyond ±2^53). */
export function decodeAll(dtype: DType, data: HostArray): Float64Array {
  if (data instanceof Float32Array) return new Float64Array(data)
  const { decode } = codecs[dtype]
  const result = new Float64Array(data.length)
  for (let index = 0; index < data.length; index++) result[index] = decode(data, index)
  return result
}

/** Numbers as elements of `dtype`, each rounded as its codec says. */
export function encodeAll<T extends DType>(dtype: T, values: ArrayLike<number>): HostArrays[T] {
  const result = newHostArray(dtype, values.length)
  const { encode } = codecs[dtype]
  for (let index = 0; index < values.length; index++) encode(result, index, values[index]!)
  return result
}
