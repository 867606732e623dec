/** Reads host arrays for expectations: as raw bits, and as the values that the bits stand for. */
import { type DType, dtypes, type HostArray, isFloatDType } from '../../src/tensor/dtype.ts'
import { decodeBits } from './float-format.ts'

/** The stored bits of every element as unsigned integers. */
export function bitsOf(dtype: DType, data: HostArray): bigint[] {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const { itemsize } = dtypes[dtype]
  return Array.from({ length: data.length }, (_, index) =>
    bytes
      .subarray(index * itemsize, (index + 1) * itemsize)
      .reduceRight((bits, byte) => bits * 256n + BigInt(byte), 0n),
  )
}

/** The value of every element, exactly: integers as bigint, floats and bool as numbers. */
export function valuesOf(dtype: DType, data: HostArray): (number | bigint)[] {
  if (isFloatDType(dtype)) {
    return bitsOf(dtype, data).map((bits) => decodeBits(dtype, Number(bits)))
  }
  return Array.from<number | bigint, number | bigint>(data, dtype === 'bool' ? Number : BigInt)
}
