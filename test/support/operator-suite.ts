/**
 * The walk through the operator catalogue that every backend has to pass: each sample of each
 * operator and dtype against the oracle, within the operator's tolerance, and each invalid sample
 * refused. A new backend is one call of `operatorSuite`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dispatch } from '../../src/ops/dispatch.ts'
import {
  type Attributes,
  type Backend,
  catalogue,
  type OperatorDefinition,
  type OperatorName,
  permute,
  tensor,
} from '../../src/ops/index.ts'
import { type Sample, sampleData, sampleTensor, type TensorSample } from '../../src/ops/samples.ts'
import { toleranceOf } from '../../src/ops/tolerance.ts'
import {
  type DType,
  type FloatDType,
  floatDTypes,
  type HostArray,
  type HostArrays,
  hostArrayOver,
  isFloatDType,
} from '../../src/tensor/dtype.ts'
import type { Shape } from '../../src/tensor/shape.ts'
import { leakedStorageCount } from '../../src/tensor/storage.ts'
import type { Tensor } from '../../src/tensor/tensor.ts'
import { assertClose, assertSameBits, assertSameValues, overflowed } from './compare.ts'
import { bitsOf, valuesOf } from './elements.ts'
import { floatFormats } from './float-format.ts'
import { collectGarbage } from './garbage.ts'
import {
  castElement,
  compute,
  isArithmetic,
  isMovement,
  type MovementOperator,
  move,
  type Values,
} from './oracle.ts'

export type AnyDefinition = OperatorDefinition<Attributes, OperatorName>

export const definitions: readonly AnyDefinition[] = Object.values(catalogue)

export function definitionOf(operator: OperatorName): AnyDefinition {
  return catalogue[operator]
}

/** For example `gelu float16 · ordinary · a matrix {"approximate":"tanh"}`. */
export function sampleLabel(operator: string, dtype: DType, sample: Sample): string {
  const attributes = Object.keys(sample.attributes).length
    ? ` ${JSON.stringify(sample.attributes)}`
    : ''
  return `${operator} ${dtype} · ${sample.category} · ${sample.name}${attributes}`
}

/** Each input of a sample has numbers of its own. */
function seedOf(position: number): number {
  return position + 1
}

/** What came back from a device. */
export interface HostResult {
  readonly dtype: DType
  readonly shape: Shape
  readonly data: HostArray
}

/** Runs a sample and reads its result. Fails if the operator has changed its inputs. */
export async function runSample(
  backend: Backend,
  definition: AnyDefinition,
  inputs: readonly (TensorSample | undefined)[],
  attributes: Attributes,
): Promise<HostResult> {
  const tensors = inputs.map((input, i) => input && sampleTensor(backend, input, seedOf(i)))
  try {
    using output = dispatch(definition, tensors, attributes)
    const { dtype, shape } = output
    const data = await output.data()
    for (const [i, input] of inputs.entries()) {
      if (input === undefined) continue
      expect(bitsOf(input.dtype, await tensors[i]!.data()), `input ${i} after the call`).toEqual(
        bitsOf(input.dtype, sampleData(input, seedOf(i))),
      )
    }
    return { dtype, shape, data }
  } finally {
    for (const tensor of tensors) tensor?.dispose()
  }
}

/** The elements of a sample's inputs, decoded by `read`. */
export function sampleInputs<E>(
  inputs: readonly (TensorSample | undefined)[],
  read: (dtype: DType, data: HostArray) => E[],
): (Values<E> | undefined)[] {
  return inputs.map(
    (input, i) =>
      input && { shape: input.shape, data: read(input.dtype, sampleData(input, seedOf(i))) },
  )
}

export function numbersOf(dtype: DType, data: HostArray): number[] {
  return valuesOf(dtype, data).map(Number)
}

/** Compares a result with the oracle's, in the way that suits the operator. */
function check(
  definition: AnyDefinition,
  dtype: DType,
  { inputs, attributes }: Sample,
  result: HostResult,
  label: string,
): void {
  const { name } = definition
  const context = { label, shape: result.shape }
  if (isArithmetic(name) && isFloatDType(dtype)) {
    const expected = compute(name, sampleInputs(inputs, numbersOf), attributes, dtype)
    expect({ dtype: result.dtype, shape: result.shape }).toEqual({ dtype, shape: expected.shape })
    const tolerance = toleranceOf(definition.errorClass, dtype)
    const exact = overflowed(dtype, expected.data)
    assertClose(numbersOf(dtype, result.data), exact, tolerance, context)
  } else if (isMovement(name)) {
    const expected = move(name, sampleInputs(inputs, bitsOf) as Values<bigint>[], attributes)
    expect({ dtype: result.dtype, shape: result.shape }).toEqual({ dtype, shape: expected.shape })
    assertSameBits(bitsOf(dtype, result.data), expected.data, context)
  } else {
    expect(name, 'the only operator of its kind in the oracle').toBe('cast')
    const [input] = sampleInputs(inputs, valuesOf)
    const to = attributes.dtype as DType
    expect({ dtype: result.dtype, shape: result.shape }).toEqual({ dtype: to, shape: input!.shape })
    const expected = input!.data.map((value) => castElement(value, to))
    assertSameValues(valuesOf(to, result.data), expected, context)
  }
}

/** Bit patterns of NaNs, quiet and signalling, of both signs. */
function patternsOfNaN<T extends FloatDType>(dtype: T, count: number): HostArrays[T] {
  const { exponentBits, fractionBits } = floatFormats[dtype]
  const patterns = Array.from({ length: count }, (_, i) => {
    const sign = (i % 2) * 2 ** (exponentBits + fractionBits)
    const fraction = 1 + ((i * 2654435761) % (2 ** fractionBits - 1))
    return sign + (2 ** exponentBits - 1) * 2 ** fractionBits + fraction
  })
  const stored = dtype === 'float32' ? Uint32Array.from(patterns) : Uint16Array.from(patterns)
  return hostArrayOver(dtype, stored.buffer, 0, count)
}

export function operatorSuite(device: string, openBackend: () => Backend | Promise<Backend>): void {
  describe(`operators on ${device}`, () => {
    let backend: Backend
    let leakedBefore: number
    beforeAll(async () => {
      backend = await openBackend()
      leakedBefore = leakedStorageCount()
    })
    afterAll(async () => {
      await collectGarbage()
      expect(leakedStorageCount()).toBe(leakedBefore)
      await backend.close()
    })

    it.each(floatDTypes)('moving elements keeps the bits of every NaN in %s', async (dtype) => {
      const data = patternsOfNaN(dtype, 24)
      const rows = { shape: [4, 6], data: bitsOf(dtype, data) }
      const columns = move('permute', [rows], { axes: [1, 0] })
      const picks = { shape: [3], data: [3n, 0n, 3n] }
      using given = tensor(backend, dtype, rows.shape, data)
      using turned = permute(given, [1, 0])
      using indices = tensor(backend, 'int32', picks.shape, Int32Array.of(3, 0, 3))
      const cases: [MovementOperator, Tensor[], Values<bigint>[], Attributes][] = [
        ['contiguous', [turned], [columns], {}],
        ['slice', [turned], [columns], { axis: 1, end: 4, step: 2 }],
        ['concat', [turned, turned], [columns, columns], { axis: 1 }],
        ['index_select', [turned, indices], [columns, picks], { axis: 1 }],
        ['embedding', [indices, turned], [picks, columns], {}],
      ]
      for (const [operator, tensors, values, attributes] of cases) {
        using output = dispatch(definitionOf(operator), tensors, attributes)
        const expected = move(operator, values, attributes)
        const context = { label: `${operator} ${dtype} · NaN`, shape: expected.shape }
        assertSameBits(bitsOf(dtype, await output.data()), expected.data, context)
      }
    })

    for (const to of floatDTypes) {
      const name = `an int64 that float64 cannot hold is rounded to ${to} once`
      it(name, async () => {
        // Beside the midpoint of 2^62 and the next number of each float dtype, where 2^62 is one.
        const data = [23, 10, 7]
          .map((fractionBits) => 2n ** 62n + 2n ** BigInt(61 - fractionBits))
          .flatMap((midpoint) => [midpoint - 1n, midpoint, midpoint + 1n, -midpoint - 1n])
        using input = tensor(backend, 'int64', [data.length], BigInt64Array.from(data))
        using output = dispatch(definitionOf('cast'), [input], { dtype: to })
        const expected = data.map((value) => castElement(value, to))
        const context = { label: `cast int64 to ${to}`, shape: output.shape }
        assertSameValues(valuesOf(to, await output.data()), expected, context)
      })
    }

    for (const definition of definitions) operatorTests(definition, () => backend)
  })
}

/** The samples of one operator, and what it refuses. */
export function operatorTests(definition: AnyDefinition, backend: () => Backend): void {
  for (const dtype of definition.dtypes) {
    for (const sample of definition.samples(dtype)) {
      const label = sampleLabel(definition.name, dtype, sample)
      it(label, async () => {
        const { inputs, attributes } = sample
        const result = await runSample(backend(), definition, inputs, attributes)
        check(definition, dtype, sample, result, label)
      })
    }
  }
  for (const { name, inputs, attributes, error, mentions } of definition.invalid) {
    it(`${definition.name} refuses ${name}`, async () => {
      // A device may find out only when the result is read.
      const refused = runSample(backend(), definition, inputs, attributes)
      await expect(refused).rejects.toMatchObject({
        name: error,
        message: expect.stringContaining(mentions),
      })
    })
  }
  it(`${definition.name} refuses a disposed tensor`, async () => {
    const { inputs, attributes } = definition.samples(definition.dtypes[0]!)[0]!
    const tensors = inputs.map((input, i) => input && sampleTensor(backend(), input, seedOf(i)))
    for (const tensor of tensors) tensor?.dispose()
    expect(() => dispatch(definition, tensors, attributes)).toThrow(
      expect.objectContaining({ name: 'DisposedTensorError' }),
    )
  })
}
