/**
 * Turns the bytes of a checkpoint's tensor into a host array of one of our dtypes.
 *
 * The rules are those of the operator `cast`, rounding once from the stored value, and the codecs of
 * `tensor/dtype.ts` are what says how; the loops here only make the common conversions fast. To add
 * a stored dtype, add a row to `sources`.
 */
import { InvalidArgumentError } from '../errors.ts'
import {
  codecs,
  type DType,
  decodeAll,
  type HostArray,
  type HostArrays,
  isFloatDType,
  newHostArray,
} from '../tensor/dtype.ts'
import {
  bfloat16ToNumber,
  float16ToNumber,
  numberToFloat16,
  oddNumber,
} from '../tensor/float-bits.ts'
import type { Shape } from '../tensor/shape.ts'
import { itemSizes, rawTensorFault } from './safetensors/format.ts'
import type { RawTensor, SafetensorsDType } from './safetensors/reader.ts'

type StoredArray = HostArray | Float64Array | Int16Array | Int8Array

interface Source {
  readonly array: new (buffer: ArrayBufferLike, byteOffset: number, length: number) => StoredArray
  /** The dtype of ours that has the same bytes. */
  readonly same?: DType
  /** The number that a 16-bit pattern stands for, where the array holds patterns. */
  readonly decode?: (bits: number) => number
}

const sources: Readonly<Record<SafetensorsDType, Source>> = {
  F64: { array: Float64Array },
  F32: { array: Float32Array, same: 'float32' },
  F16: { array: Uint16Array, same: 'float16', decode: float16ToNumber },
  BF16: { array: Uint16Array, same: 'bfloat16', decode: bfloat16ToNumber },
  I64: { array: BigInt64Array, same: 'int64' },
  I32: { array: Int32Array, same: 'int32' },
  I16: { array: Int16Array },
  I8: { array: Int8Array },
  U8: { array: Uint8Array },
  BOOL: { array: Uint8Array, same: 'bool' },
}

/**
 * The tensor's elements as `dtype`. To a float: to nearest, ties to even, overflow to ±Inf. Float to
 * integer: toward zero, saturating, NaN to 0. int64 to int32: the low 32 bits. To bool: not 0.
 *
 * If the stored dtype is `dtype` already, the result is a view of `raw.bytes` where that is aligned
 * to the items (as what `read` returns always is), and a copy where it is not.
 *
 * @throws InvalidArgumentError if the bytes are not what the shape and the stored dtype say
 */
export function convertTo<T extends DType>(raw: RawTensor, dtype: T): HostArrays[T] {
  const fault = rawTensorFault(raw)
  if (fault !== undefined) throw new InvalidArgumentError('raw', fault.problem)
  return convert(raw, dtype) as HostArrays[T]
}

function convert(raw: RawTensor, dtype: DType): HostArray {
  const { same, decode } = sources[raw.dtype]
  const stored = storedArray(raw)
  if (same === dtype) return stored as HostArray
  const result = newHostArray(dtype, stored.length)
  if (stored instanceof BigInt64Array) {
    convertInt64(stored, result, dtype)
  } else if (decode !== undefined) {
    lookUp(stored as Uint16Array, result, tableOf(raw.dtype, decode, dtype))
  } else if (raw.dtype === 'F32' && dtype === 'float16') {
    roundToFloat16(stored as Float32Array, result as Uint16Array)
  } else if (raw.dtype === 'F32' && dtype === 'bfloat16') {
    roundToBfloat16(stored as Float32Array, result as Uint16Array)
  } else {
    const { encode } = codecs[dtype]
    for (let index = 0; index < stored.length; index++) {
      encode(result, index, stored[index] as number)
    }
  }
  return result
}

/** The elements as numbers (exact, but for int64 beyond ±2^53). */
export function numbersOf(raw: RawTensor): Float64Array {
  const { same, decode } = sources[raw.dtype]
  const stored = storedArray(raw)
  if (decode !== undefined) return Float64Array.from(stored as Uint16Array, decode)
  if (same !== undefined) return decodeAll(same, stored as HostArray)
  return Float64Array.from(stored as Float64Array)
}

/** Elements of one of our dtypes as a file stores them; the bytes are those of `data`. */
export function rawTensor(dtype: DType, shape: Shape, data: HostArray): RawTensor {
  const stored = Object.entries(sources).find(([, { same }]) => same === dtype)!
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return { dtype: stored[0] as SafetensorsDType, shape, bytes }
}

function storedArray({ dtype, bytes }: RawTensor): StoredArray {
  const itemSize = itemSizes[dtype]
  const { buffer, byteOffset } = byteAligned(bytes, itemSize)
  return new sources[dtype].array(buffer, byteOffset, bytes.length / itemSize)
}

function byteAligned(bytes: Uint8Array, itemSize: number): Uint8Array {
  // Not slice: that of a Buffer does not copy.
  return bytes.byteOffset % itemSize === 0 ? bytes : new Uint8Array(bytes)
}

function convertInt64(stored: BigInt64Array, result: HostArray, dtype: DType): void {
  const { encode } = codecs[dtype]
  const toNumber = isFloatDType(dtype)
    ? oddNumber
    : (value: bigint): number => Number(dtype === 'int32' ? BigInt.asIntN(32, value) : value)
  for (let index = 0; index < stored.length; index++) {
    encode(result, index, toNumber(stored[index] as bigint))
  }
}

const tables = new Map<string, HostArray>()

/**
 * All 65536 values of a 16-bit dtype converted to `dtype`, made at the first use. 256 KiB for
 * float32, which stays in the second-level cache of the processor.
 */
function tableOf(
  stored: SafetensorsDType,
  decode: (bits: number) => number,
  dtype: DType,
): HostArray {
  const key = `${stored} ${dtype}`
  let table = tables.get(key)
  if (table === undefined) {
    table = newHostArray(dtype, 2 ** 16)
    const { encode } = codecs[dtype]
    for (let bits = 0; bits < table.length; bits++) encode(table, bits, decode(bits))
    tables.set(key, table)
  }
  return table
}

function lookUp(stored: Uint16Array, result: HostArray, table: HostArray): void {
  for (let index = 0; index < stored.length; index++) {
    result[index] = table[stored[index] as number] as number
  }
}

/** Rounds the bits as integers where the result is normal, and leaves the rest to the codec. */
function roundToFloat16(stored: Float32Array, result: Uint16Array): void {
  const patterns = new Uint32Array(stored.buffer, stored.byteOffset, stored.length)
  for (let index = 0; index < stored.length; index++) {
    const bits = patterns[index] as number
    const magnitude = bits & 0x7fffffff
    // From 2^-14, the smallest normal float16, to below 65520, from where it rounds to Inf.
    if (magnitude >= 0x38800000 && magnitude < 0x477ff000) {
      // Rebias the exponent from 127 to 15, then round 13 bits off, ties to even.
      const rounded = (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13
      result[index] = ((bits >>> 16) & 0x8000) | rounded
    } else {
      result[index] = numberToFloat16(stored[index] as number)
    }
  }
}

function roundToBfloat16(stored: Float32Array, result: Uint16Array): void {
  const patterns = new Uint32Array(stored.buffer, stored.byteOffset, stored.length)
  for (let index = 0; index < stored.length; index++) {
    const bits = patterns[index] as number
    // Above the bits of Inf is NaN, which may not be rounded to Inf: it is the quiet NaN, as in the
    // codec. The rest is rounded 16 bits off, ties to even.
    result[index] =
      (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16
  }
}
