import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Checkpoint } from '../../src/checkpoint/checkpoint.ts'
import { convertTo, numbersOf, rawTensor } from '../../src/checkpoint/convert.ts'
import type { RawTensor, SafetensorsDType } from '../../src/checkpoint/safetensors/reader.ts'
import { InvalidArgumentError } from '../../src/errors.ts'
import { codecs, type DType, dtypeNames, newHostArray } from '../../src/tensor/dtype.ts'
import { numberToBfloat16, numberToFloat16 } from '../../src/tensor/float-bits.ts'

type Elements =
  | Float64Array
  | Float32Array
  | Uint16Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array

function raw(dtype: SafetensorsDType, elements: Elements): RawTensor {
  const { buffer, byteOffset, byteLength, length } = elements
  return { dtype, shape: [length], bytes: new Uint8Array(buffer, byteOffset, byteLength) }
}

const f64 = (...values: number[]): RawTensor => raw('F64', Float64Array.from(values))
const f32 = (...values: number[]): RawTensor => raw('F32', Float32Array.from(values))
const f16 = (...bits: number[]): RawTensor => raw('F16', Uint16Array.from(bits))
const bf16 = (...bits: number[]): RawTensor => raw('BF16', Uint16Array.from(bits))
const i64 = (...values: bigint[]): RawTensor => raw('I64', BigInt64Array.from(values))
const i32 = (...values: number[]): RawTensor => raw('I32', Int32Array.from(values))
const i16 = (...values: number[]): RawTensor => raw('I16', Int16Array.from(values))
const i8 = (...values: number[]): RawTensor => raw('I8', Int8Array.from(values))
const u8 = (...values: number[]): RawTensor => raw('U8', Uint8Array.from(values))
const bool = (...values: number[]): RawTensor => raw('BOOL', Uint8Array.from(values))

describe('the same dtype', () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, index) => index % 2)
  const pairs: [SafetensorsDType, DType, number][] = [
    ['F32', 'float32', 4],
    ['F16', 'float16', 2],
    ['BF16', 'bfloat16', 2],
    ['I32', 'int32', 4],
    ['I64', 'int64', 8],
    ['BOOL', 'bool', 1],
  ]

  test.each(pairs)('%s as %s is a view of the same memory', (dtype, to, itemSize) => {
    const view = convertTo({ dtype, shape: [16 / itemSize], bytes }, to)
    expect(view.buffer).toBe(bytes.buffer)
    expect(view.length).toBe(16 / itemSize)
    const inside = convertTo({ dtype, shape: [8 / itemSize], bytes: bytes.subarray(8) }, to)
    expect(inside.buffer).toBe(bytes.buffer)
    expect(inside.byteOffset).toBe(8)
  })

  test.each(pairs)('%s as %s is a copy where it is not aligned', (dtype, to, itemSize) => {
    for (const whole of [bytes, Buffer.from(bytes)]) {
      const odd = whole.subarray(1, 9)
      const result = convertTo({ dtype, shape: [8 / itemSize], bytes: odd }, to)
      const got = new Uint8Array(result.buffer, result.byteOffset, result.byteLength)
      expect(got).toEqual(Uint8Array.from(odd))
    }
  })

  test('keeps the bits of NaN', () => {
    const bits = Uint32Array.of(0x7f800001, 0xffc12345)
    const { bytes } = raw('F32', new Float32Array(bits.buffer))
    const result = convertTo({ dtype: 'F32', shape: [2], bytes }, 'float32')
    expect(new Uint32Array(result.buffer)).toEqual(bits)
  })
})

// The expected bits were made with numpy 2.4: np.array(values, np.float32).astype(np.float16)
// .view(np.uint16), from values around ties, the ends and the subnormals of float16.
const intoFloat16: readonly [number, number][] = [
  [0.1, 0x2e66],
  [-0.1, 0xae66],
  [1 / 3, 0x3555],
  [2049, 0x6800],
  [2051, 0x6802],
  [65519, 0x7bff],
  [65519.99609375, 0x7bff],
  [65520, 0x7c00],
  [1e-8, 0],
  [2 ** -25, 0],
  [2.980232594040899e-8, 0x0001],
  [2 ** -24, 0x0001],
  [6.1e-5, 0x03ff],
  [6.097555160522461e-5, 0x03ff],
  [2 ** -14, 0x0400],
  [-1e-7, 0x8002],
  [3.4e38, 0x7c00],
  [Infinity, 0x7c00],
  [-Infinity, 0xfc00],
  [NaN, 0x7e00],
  [-0, 0x8000],
  [1 + 2 ** -11, 0x3c00],
  [1 + 2 ** -11 + 2 ** -20, 0x3c01],
]

// By hand: bfloat16 is the upper half of float32, so its spacing above 1 is 2^-7 and above 256 is 2.
const intoBfloat16: readonly [number, number][] = [
  [1, 0x3f80],
  [1 + 2 ** -8, 0x3f80],
  [1 + 3 * 2 ** -8, 0x3f82],
  [1 + 2 ** -8 + 2 ** -23, 0x3f81],
  [257, 0x4380],
  [259, 0x4382],
  [-257.00006103515625, 0xc381],
  [-0, 0x8000],
  [2 ** -149, 0],
  [2 ** -134, 0],
  [3 * 2 ** -134, 0x0002],
  [3.3895313892515355e38, 0x7f7f],
  [3.4028234663852886e38, 0x7f80],
  [Infinity, 0x7f80],
  [-Infinity, 0xff80],
  [NaN, 0x7fc0],
]

describe('F32', () => {
  test.each(intoFloat16)('%d as float16 is %i', (value, bits) => {
    expect(convertTo(f32(value), 'float16')).toEqual(Uint16Array.of(bits))
  })

  test.each(intoBfloat16)('%d as bfloat16 is %i', (value, bits) => {
    expect(convertTo(f32(value), 'bfloat16')).toEqual(Uint16Array.of(bits))
  })

  test('every NaN is the quiet NaN, and none becomes infinite', () => {
    const bits = Uint32Array.of(0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0xffff8000)
    const nans = raw('F32', new Float32Array(bits.buffer))
    expect(convertTo(nans, 'float16')).toEqual(new Uint16Array(5).fill(0x7e00))
    expect(convertTo(nans, 'bfloat16')).toEqual(new Uint16Array(5).fill(0x7fc0))
  })

  test('around every float16 and bfloat16, the fast loops round as the codecs do', () => {
    // The upper halves of all float32, each with lower halves at, below and above the ties.
    const lower = [
      0, 1, 0x0fff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x3001, 0x7fff, 0x8000, 0x8001, 0xffff,
    ]
    const bits = new Uint32Array(0x10000 * lower.length)
    for (let upper = 0; upper < 0x10000; upper++) {
      lower.forEach((low, index) => {
        bits[upper * lower.length + index] = upper * 0x10000 + low
      })
    }
    const values = new Float32Array(bits.buffer)
    const toFloat16 = convertTo(raw('F32', values), 'float16')
    const toBfloat16 = convertTo(raw('F32', values), 'bfloat16')
    const wrong = (got: Uint16Array, codec: (value: number) => number): number =>
      got.findIndex((pattern, index) => pattern !== codec(values[index]!))
    expect(wrong(toFloat16, numberToFloat16)).toBe(-1)
    expect(wrong(toBfloat16, numberToBfloat16)).toBe(-1)
  })

  test('as integers and bool', () => {
    const values = f32(1.9, -1.9, 3e9, -3e9, NaN, -0, Infinity)
    expect(convertTo(values, 'int32')).toEqual(
      Int32Array.of(1, -1, 2147483647, -2147483648, 0, 0, 2147483647),
    )
    expect(convertTo(values, 'int64')).toEqual(
      BigInt64Array.of(1n, -1n, 3000000000n, -3000000000n, 0n, 0n, 2n ** 63n - 1n),
    )
    expect(convertTo(values, 'bool')).toEqual(Uint8Array.of(1, 1, 1, 1, 1, 0, 1))
  })
})

describe('16-bit floats', () => {
  test('F16 as float32, exactly', () => {
    const patterns = f16(
      0,
      0x8000,
      0x3c00,
      0xc000,
      0x7bff,
      1,
      0x03ff,
      0x0400,
      0x7c00,
      0xfc00,
      0x7e01,
    )
    expect(convertTo(patterns, 'float32')).toEqual(
      Float32Array.of(
        0,
        -0,
        1,
        -2,
        65504,
        2 ** -24,
        1023 * 2 ** -24,
        2 ** -14,
        Infinity,
        -Infinity,
        NaN,
      ),
    )
  })

  test('BF16 as float32, exactly', () => {
    expect(convertTo(bf16(0x8000, 0x3f80, 0xc000, 1, 0x7f7f, 0xff80, 0x7fc1), 'float32')).toEqual(
      Float32Array.of(-0, 1, -2, 2 ** -133, 255 * 2 ** 120, -Infinity, NaN),
    )
  })

  test('between each other, rounded once', () => {
    // 65504 and 1 + 2^-10 have more digits than bfloat16; 2^17 and 2^-25 are outside of float16.
    expect(convertTo(f16(0x7bff, 0x3c01, 1, 0x7c00), 'bfloat16')).toEqual(
      Uint16Array.of(0x4780, 0x3f80, 0x3380, 0x7f80),
    )
    expect(convertTo(bf16(0x3f81, 0x4800, 0x3300, 0xff80, 0x7fc1), 'float16')).toEqual(
      Uint16Array.of(0x3c08, 0x7c00, 0, 0xfc00, 0x7e00),
    )
  })

  test('as integers and bool', () => {
    expect(convertTo(f16(0x3e00, 0xbe00, 0x7c00, 0x7e00, 0x8000), 'int32')).toEqual(
      Int32Array.of(1, -1, 2147483647, 0, 0),
    )
    expect(convertTo(bf16(0x4080, 0xff80), 'int64')).toEqual(BigInt64Array.of(4n, -(2n ** 63n)))
    expect(convertTo(f16(0, 0x8000, 1, 0x7e00), 'bool')).toEqual(Uint8Array.of(0, 0, 1, 1))
  })
})

describe('F64', () => {
  // numpy 2.4: np.array(values, np.float64).astype(np.float16).view(np.uint16). By way of float32
  // the first would be 0x3c00, because 2^-40 is lost before the tie is broken.
  test('as float16 is rounded once', () => {
    const values = f64(
      1 + 2 ** -11 + 2 ** -40,
      1 + 2 ** -11,
      1 + 2 ** -11 - 2 ** -40,
      65519.99999999999,
      2 ** -25 * (1 + 2 ** -52),
      2 ** -1074,
    )
    expect(convertTo(values, 'float16')).toEqual(
      Uint16Array.of(0x3c01, 0x3c00, 0x3c00, 0x7bff, 1, 0),
    )
  })

  test('as the others', () => {
    expect(convertTo(f64(1 + 2 ** -8 + 2 ** -40, 1 + 2 ** -8), 'bfloat16')).toEqual(
      Uint16Array.of(0x3f81, 0x3f80),
    )
    expect(convertTo(f64(0.1, 1e39, 2 ** -150), 'float32')).toEqual(
      Float32Array.of(0.10000000149011612, Infinity, 0),
    )
    expect(convertTo(f64(2 ** 53, -1.5), 'int64')).toEqual(BigInt64Array.of(2n ** 53n, -1n))
    expect(convertTo(f64(0, 5e-324), 'bool')).toEqual(Uint8Array.of(0, 1))
  })
})

describe('integers', () => {
  // numpy 2.4: np.array(values, np.int64).astype(np.float32). 2^62 + 2^38 is a tie and goes down;
  // one more goes up, which is lost on the way through float64.
  test('I64 beyond 2^53 as float32 is rounded once', () => {
    const tie = 2n ** 62n + 2n ** 38n
    const values = i64(2n ** 53n + 1n, tie + 1n, tie, -tie - 1n, 2n ** 63n - 1n, -(2n ** 63n))
    expect(convertTo(values, 'float32')).toEqual(
      Float32Array.of(
        2 ** 53,
        2 ** 62 + 2 ** 39,
        2 ** 62,
        -(2 ** 62) - 2 ** 39,
        2 ** 63,
        -(2 ** 63),
      ),
    )
  })

  test('I64 as bfloat16 is rounded once', () => {
    // The spacing of bfloat16 at 2^62 is 2^55, and half of it is the tie.
    const tie = 2n ** 62n + 2n ** 54n
    expect(convertTo(i64(tie, tie + 1n), 'bfloat16')).toEqual(Uint16Array.of(0x5e80, 0x5e81))
  })

  test('I64 as the others', () => {
    expect(convertTo(i64(2049n, 65520n, 65519n, -1n), 'float16')).toEqual(
      Uint16Array.of(0x6800, 0x7c00, 0x7bff, 0xbc00),
    )
    expect(convertTo(i64(2n ** 32n + 5n, 2n ** 31n, -1n), 'int32')).toEqual(
      Int32Array.of(5, -(2 ** 31), -1),
    )
    expect(convertTo(i64(0n, 2n ** 40n, -1n), 'bool')).toEqual(Uint8Array.of(0, 1, 1))
  })

  test('the smaller ones', () => {
    expect(convertTo(i32(16777217, -1), 'float32')).toEqual(Float32Array.of(16777216, -1))
    expect(convertTo(i32(-(2 ** 31)), 'int64')).toEqual(BigInt64Array.of(-(2n ** 31n)))
    expect(convertTo(i16(-32768, 32767), 'float32')).toEqual(Float32Array.of(-32768, 32767))
    expect(convertTo(i8(-128, 127), 'int32')).toEqual(Int32Array.of(-128, 127))
    expect(convertTo(u8(255, 0), 'float16')).toEqual(Uint16Array.of(0x5bf8, 0))
    expect(convertTo(u8(255, 0), 'bool')).toEqual(Uint8Array.of(1, 0))
    expect(convertTo(bool(1, 0), 'float32')).toEqual(Float32Array.of(1, 0))
    expect(convertTo(bool(1, 0), 'bfloat16')).toEqual(Uint16Array.of(0x3f80, 0))
  })
})

test('every pair of dtypes converts any tensor, of any alignment, as the codecs say', () => {
  const numbers: Record<SafetensorsDType, (view: DataView, at: number) => number | bigint> = {
    F64: (view, at) => view.getFloat64(at, true),
    F32: (view, at) => view.getFloat32(at, true),
    F16: (view, at) => codecs.float16.decode(Uint16Array.of(view.getUint16(at, true)), 0),
    BF16: (view, at) => codecs.bfloat16.decode(Uint16Array.of(view.getUint16(at, true)), 0),
    I64: (view, at) => view.getBigInt64(at, true),
    I32: (view, at) => view.getInt32(at, true),
    I16: (view, at) => view.getInt16(at, true),
    I8: (view, at) => view.getInt8(at),
    U8: (view, at) => view.getUint8(at),
    BOOL: (view, at) => view.getUint8(at),
  }
  const sizes = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 }
  const stored = fc.constantFrom(...(Object.keys(sizes) as SafetensorsDType[]))
  const memory = fc.uint8Array({ minLength: 8, maxLength: 80 })
  fc.assert(
    fc.property(
      stored,
      fc.constantFrom(...dtypeNames),
      memory,
      fc.nat(7),
      (dtype, to, all, skip) => {
        const bits = dtype === 'BOOL' ? all.map((byte) => byte & 1) : all
        const count = Math.floor((bits.length - skip) / sizes[dtype])
        const bytes = bits.subarray(skip, skip + count * sizes[dtype])
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
        const result = convertTo({ dtype, shape: [count], bytes }, to)
        expect(result.length).toBe(count)
        const { decode, encode } = codecs[to]
        for (let index = 0; index < count; index++) {
          const number = numbers[dtype](view, index * sizes[dtype])
          // Integers of 64 bits have tests of their own, above.
          if (typeof number === 'bigint') continue
          const one = newHostArray(to, 1)
          encode(one, 0, number)
          expect(decode(result, index)).toBe(decode(one, 0))
        }
      },
    ),
    { numRuns: 2000 },
  )
})

test('an empty tensor and a scalar', () => {
  expect(convertTo({ dtype: 'F16', shape: [3, 0], bytes: new Uint8Array(0) }, 'float32')).toEqual(
    new Float32Array(0),
  )
  const one = { dtype: 'F16' as const, shape: [], bytes: Uint8Array.of(0, 0x3c) }
  expect(convertTo(one, 'float32')).toEqual(Float32Array.of(1))
})

test.each([
  ['a BOOL byte of 2', bool(0, 1, 2), 'element 2 of a BOOL tensor is 2, neither 0 nor 1'],
  ['too few bytes', { ...f32(1), shape: [2] }, 'shape [2] of F32 takes 8 bytes, but there are 4'],
  ['half an element', { ...f32(1), bytes: new Uint8Array(3) }, 'takes 4 bytes, but there are 3'],
])('refuses %s', (_, tensor, says) => {
  for (const dtype of dtypeNames) {
    expect(() => convertTo(tensor, dtype)).toThrow(InvalidArgumentError)
    expect(() => convertTo(tensor, dtype)).toThrow(says)
  }
})

// Made with numpy, through load() of weights/roberta-tiny-go_emotions/training/st_io.py:
// float(tensor[index]) and float(tensor.astype(np.float64).sum()).
test('the embedded model as float32', async () => {
  const config = new URL('../../weights/roberta-tiny-go_emotions/config.json', import.meta.url)
  await using checkpoint = await Checkpoint.open(dirname(fileURLToPath(config)))
  const words = convertTo(
    await checkpoint.read('roberta.embeddings.word_embeddings.weight'),
    'float32',
  )
  expect(words.length).toBe(8000 * 320)
  expect(words[0]).toBe(0.07354736328125)
  expect(words[2 * 320 + 5]).toBe(0.057037353515625)
  expect(words.at(-1)).toBe(-0.0011091232299804688)
  const head = convertTo(await checkpoint.read('classifier.out_proj.weight'), 'float32')
  expect([head[0], head.at(-1)]).toEqual([-0.062347412109375, 0.007427215576171875])
  // Sums of float16 numbers below 2^13 are exact in float64, in whatever order.
  const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0)
  expect(sum(words)).toBe(-108.97352278232574)
  expect(sum(head)).toBe(-1.8087528944015503)
})

describe('into memory that is given', () => {
  test.each([
    [f32(1, 2), 'float32', new Float32Array(2), [1, 2]],
    [f64(1, 2), 'float32', new Float32Array(2), [1, 2]],
    [f16(0x3c00, 0xc000), 'float32', new Float32Array(2), [1, -2]],
    [f32(1, -2), 'float16', new Uint16Array(2), [0x3c00, 0xc000]],
    [i64(3n, 4n), 'int32', new Int32Array(2), [3, 4]],
  ] as const)('%s as %s', (stored, dtype, memory, expected) => {
    expect(convertTo(stored, dtype as DType, memory)).toBe(memory)
    expect([...memory]).toEqual(expected)
  })

  test('of another length is refused', () => {
    const convert = () => convertTo(f32(1, 2), 'float32', new Float32Array(3))
    expect(convert).toThrow(InvalidArgumentError)
    expect(convert).toThrow("has 3 elements, not the tensor's 2")
  })
})

test.each<[RawTensor, number[]]>([
  [f64(0.1, -1e300, Infinity), [0.1, -1e300, Infinity]],
  [f32(0.5, NaN), [0.5, NaN]],
  [f16(0x3c00, 0x7bff, 0xfc00), [1, 65504, -Infinity]],
  [bf16(0x3f80, 0xc049), [1, -3.140625]],
  [i64(-5n, 2n ** 53n), [-5, 2 ** 53]],
  [i32(-7), [-7]],
  [i16(-300), [-300]],
  [i8(-3), [-3]],
  [u8(200), [200]],
  [bool(1, 0), [1, 0]],
])('elements as numbers: %j', (tensor, numbers) => {
  expect([...numbersOf(tensor)]).toEqual(numbers)
})

test.each(dtypeNames)('%s as a file stores it, without a copy', (dtype) => {
  const data = newHostArray(dtype, 2)
  codecs[dtype].encode(data, 1, 1)
  const stored = rawTensor(dtype, [2, 1], data)
  expect(stored.shape).toEqual([2, 1])
  expect(stored.bytes.buffer).toBe(data.buffer)
  expect([...numbersOf(stored)]).toEqual([0, 1])
  expect(convertTo(stored, dtype)).toEqual(data)
})
