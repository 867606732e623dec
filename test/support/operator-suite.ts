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
import {
  type Sample,
  sampleData,
  type TensorSample,
  tensorWithLayout,
} from '../../src/ops/samples.ts'
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
import {
  assertClose,
  assertSameBits,
  assertSameValues,
  type ComparisonContext,
  overflowed,
} from './compare.ts'
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

/** `make(key)`, once for each key: what is expected of a sample is the same for every backend. */
function once<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const made = new WeakMap<K, V>()
  return (key) => {
    if (!made.has(key)) made.set(key, make(key))
    return made.get(key)!
  }
}

type Inputs = readonly (TensorSample | undefined)[]

/** The elements of each input. Each has numbers of its own. */
const dataOf = once((inputs: Inputs) =>
  inputs.map((input, position) => input && sampleData(input, position + 1)),
)

/** The inputs on a device. */
function tensorsOf(backend: Backend, inputs: Inputs): (Tensor | undefined)[] {
  const data = dataOf(inputs)
  return inputs.map(
    (input, i) => input && tensorWithLayout(backend, { ...input, data: data[i]! }, input.layout),
  )
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
  inputs: Inputs,
  attributes: Attributes,
): Promise<HostResult> {
  const tensors = tensorsOf(backend, inputs)
  try {
    using output = dispatch(definition, tensors, attributes)
    const { dtype, shape } = output
    const data = await output.data()
    for (const [i, given] of dataOf(inputs).entries()) {
      if (given === undefined) continue
      const { dtype, shape } = inputs[i]!
      const context = { label: `input ${i} after the call`, shape }
      assertSameBits(bitsOf(dtype, await tensors[i]!.data()), bitsOf(dtype, given), context)
    }
    return { dtype, shape, data }
  } finally {
    for (const tensor of tensors) tensor?.dispose()
  }
}

/** The elements of a sample's inputs, decoded by `read`. */
export function sampleInputs<E>(
  inputs: Inputs,
  read: (dtype: DType, data: HostArray) => E[],
): (Values<E> | undefined)[] {
  const data = dataOf(inputs)
  return inputs.map(
    (input, i) => input && { shape: input.shape, data: read(input.dtype, data[i]!) },
  )
}

export function numbersOf(dtype: DType, data: HostArray): number[] {
  return valuesOf(dtype, data).map(Number)
}

/** A sample of an operator in one of its dtypes. */
interface Case {
  readonly definition: AnyDefinition
  readonly dtype: DType
  readonly sample: Sample
  readonly label: string
}

const casesOf = once((definition: AnyDefinition): Case[] =>
  definition.dtypes.flatMap((dtype) =>
    definition.samples(dtype).map((sample) => {
      return { definition, dtype, sample, label: sampleLabel(definition.name, dtype, sample) }
    }),
  ),
)

/** What the oracle says of a case, and the comparison that suits the operator. */
interface Expectation {
  readonly dtype: DType
  readonly shape: Shape
  readonly compare: (data: HostArray, context: ComparisonContext) => void
}

const expectationOf = once(({ definition, dtype, sample }: Case): Expectation => {
  const { name, errorClass } = definition
  const { inputs, attributes } = sample
  if (isArithmetic(name) && isFloatDType(dtype)) {
    const { shape, data } = compute(name, sampleInputs(inputs, numbersOf), attributes, dtype)
    const tolerance = toleranceOf(errorClass, dtype)
    const exact = overflowed(dtype, data)
    return {
      dtype,
      shape,
      compare: (data, context) => assertClose(numbersOf(dtype, data), exact, tolerance, context),
    }
  }
  if (isMovement(name)) {
    const moved = move(name, sampleInputs(inputs, bitsOf) as Values<bigint>[], attributes)
    return {
      dtype,
      shape: moved.shape,
      compare: (data, context) => assertSameBits(bitsOf(dtype, data), moved.data, context),
    }
  }
  expect(name, 'the only operator of its kind in the oracle').toBe('cast')
  const [input] = sampleInputs(inputs, valuesOf)
  const to = attributes.dtype as DType
  const elements = input!.data.map((value) => castElement(value, to))
  return {
    dtype: to,
    shape: input!.shape,
    compare: (data, context) => assertSameValues(valuesOf(to, data), elements, context),
  }
})

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

/**
 * Does something with each part, and fails with the name of every part that it failed for. A test for each of
 * them costs more than what is tested: the samples of all backends are some 30,000, at a millisecond or two.
 */
async function forEachOf<T>(
  parts: readonly T[],
  nameOf: (part: T) => string,
  body: (part: T) => Promise<void>,
): Promise<void> {
  const failures: string[] = []
  for (const part of parts) {
    try {
      await body(part)
    } catch (error) {
      failures.push(`${nameOf(part)}: ${error instanceof Error ? error.message : error}`)
    }
  }
  if (failures.length > 0) expect.fail(failures.join('\n'))
}

/** The samples of one operator, and what it refuses. */
export function operatorTests(definition: AnyDefinition, backend: () => Backend): void {
  const { name, dtypes, invalid } = definition
  for (const dtype of dtypes) {
    const cases = casesOf(definition).filter((given) => given.dtype === dtype)
    it(`${name} ${dtype}: ${cases.length} samples`, () =>
      forEachOf(
        cases,
        ({ label }) => label,
        async (given) => {
          const { inputs, attributes } = given.sample
          const result = await runSample(backend(), definition, inputs, attributes)
          const { dtype, shape, compare } = expectationOf(given)
          expect({ dtype: result.dtype, shape: result.shape }).toEqual({ dtype, shape })
          compare(result.data, { label: 'the result', shape })
        },
      ))
  }
  it(`${name} refuses bad inputs: ${invalid.length} samples`, () =>
    forEachOf(
      invalid,
      (given) => `${name} refuses ${given.name}`,
      async ({ inputs, attributes, error, mentions }) => {
        // A device may find out only when the result is read.
        const refused = runSample(backend(), definition, inputs, attributes)
        await expect(refused).rejects.toMatchObject({
          name: error,
          message: expect.stringContaining(mentions),
        })
      },
    ))
  it(`${name} refuses a disposed tensor`, async () => {
    const { inputs, attributes } = definition.samples(dtypes[0]!)[0]!
    const tensors = tensorsOf(backend(), inputs)
    for (const tensor of tensors) tensor?.dispose()
    expect(() => dispatch(definition, tensors, attributes)).toThrow(
      expect.objectContaining({ name: 'DisposedTensorError' }),
    )
  })
}
