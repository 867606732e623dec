/**
 * What a safetensors file holds: its dtypes, and the rules that a single tensor keeps.
 *
 * The reader, the writer and the conversion all judge tensors by the functions here. How tensors
 * lie in a file is the business of `header.ts`. Add a dtype by adding a row to
 * `itemSizes` and its conversion to `convert.ts`.
 */
import { formatShape } from '../../tensor/shape.ts'
import { quote } from '../quote.ts'
import type { SafetensorsReason } from './error.ts'

/**
 * Bytes per element, from the largest alignment to the smallest: the order in which the reference
 * writer (huggingface/safetensors, `Dtype` in tensor.rs) lays tensors out, so that each is aligned.
 */
export const itemSizes = {
  I64: 8,
  F64: 8,
  F32: 4,
  I32: 4,
  BF16: 2,
  F16: 2,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const satisfies Record<string, number>

export type SafetensorsDType = keyof typeof itemSizes

export function isSafetensorsDType(name: string): name is SafetensorsDType {
  return Object.hasOwn(itemSizes, name)
}

/** Where a tensor is and how to read it. */
export interface TensorInfo {
  readonly name: string
  readonly dtype: SafetensorsDType
  readonly shape: readonly number[]
  /** From the beginning of the file, not of the data. */
  readonly byteOffset: number
  readonly byteLength: number
}

/**
 * A tensor's elements as they are stored: dense, row-major, little-endian. Typed arrays see them
 * right only on a little-endian host, and every processor that Node.js releases are built for except
 * s390x is one; byte order is not looked at anywhere else.
 */
export interface RawTensor {
  readonly dtype: SafetensorsDType
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

export interface TensorFault {
  readonly reason: SafetensorsReason
  readonly problem: string
}

function describe(dtype: SafetensorsDType, shape: readonly number[]): string {
  const shown = shape.length > 8 ? `${shape.length} axes` : formatShape(shape)
  return `shape ${shown} of ${dtype}`
}

export function dtypeFault(dtype: string): TensorFault {
  const known = Object.keys(itemSizes).join(', ')
  return { reason: 'unknown-dtype', problem: `dtype ${quote(dtype)} is not one of ${known}` }
}

/** What is wrong with a tensor of this many bytes; undefined if nothing is. */
export function sizeFault(
  dtype: SafetensorsDType,
  shape: readonly number[],
  byteLength: number,
): TensorFault | undefined {
  const itemSize = itemSizes[dtype]
  // Sizes of 0 are left out at first: the strides of an empty tensor must not overflow either.
  const reach = shape.reduce((product, size) => product * (size === 0 ? 1 : size), itemSize)
  if (!Number.isSafeInteger(reach)) {
    return {
      reason: 'shape-overflow',
      problem: `${describe(dtype, shape)} has more than 2^53 - 1 bytes`,
    }
  }
  const needed = shape.includes(0) ? 0 : reach
  if (needed === byteLength) return undefined
  return {
    reason: 'size-mismatch',
    problem: `${describe(dtype, shape)} takes ${needed} bytes, but there are ${byteLength}`,
  }
}

/** What is wrong with the bytes of a tensor whose size is right; undefined if nothing is. */
export function contentFault({ dtype, bytes }: RawTensor): TensorFault | undefined {
  if (dtype !== 'BOOL') return undefined
  const index = bytes.findIndex((byte) => byte > 1)
  if (index === -1) return undefined
  return {
    reason: 'invalid-bool',
    problem: `element ${index} of a BOOL tensor is ${bytes[index]}, neither 0 nor 1`,
  }
}

/** What is wrong with a tensor that did not come from a file; undefined if nothing is. */
export function rawTensorFault(tensor: RawTensor): TensorFault | undefined {
  const { dtype, shape, bytes } = tensor
  if (!isSafetensorsDType(dtype)) return dtypeFault(dtype)
  const size = shape.find((size) => !Number.isSafeInteger(size) || size < 0)
  if (size !== undefined) {
    return {
      reason: 'invalid-number',
      problem: `the size ${size} in a shape is not an integer from 0 to 2^53 - 1`,
    }
  }
  return sizeFault(dtype, shape, bytes.length) ?? contentFault(tensor)
}
