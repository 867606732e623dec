/** Reads host arrays for expectations: as raw bits, and as the values that the bits stand for. */
import { type DType, dtypes, type HostArray, isFloatDType } from '../../src/tensor/dtype.ts'
import { decodeBits } from './float-format.ts'

const unsigned = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }

function storedBits(dtype: DType, data: HostArray): Iterable<number | bigint> {
  return new unsigned[dtypes[dtype].itemsize](
    data.buffer as ArrayBuffer,
    data.byteOffset,
    data.length,
  )
}

/** The stored bits of every element as unsigned integers. */
export function bitsOf(dtype: DType, data: HostArray): bigint[] {
  return Array.from(storedBits(dtype, data), BigInt)
}

/** The value of every element, exactly: integers as bigint, floats and bool as numbers. */
export function valuesOf(dtype: DType, data: HostArray): (number | bigint)[] {
  if (isFloatDType(dtype)) {
    return Array.from(storedBits(dtype, data), (bits) => decodeBits(dtype, Number(bits)))
  }
  return Array.from<number | bigint, number | bigint>(data, dtype === 'bool' ? Number : BigInt)
}
