/**
 * PyTorch's results (test/golden/operators.py) against the reference backend, and against the oracle
 * that all other operator tests take their expectations from.
 */
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import { dispatch } from '../../src/ops/dispatch.ts'
import { type Attributes, type OperatorName, tensor } from '../../src/ops/index.ts'
import { toleranceOf } from '../../src/ops/tolerance.ts'
import { codecs, type DType, isFloatDType, newHostArray } from '../../src/tensor/dtype.ts'
import { assertClose, assertCorrectlyRounded, assertSameValues } from '../support/compare.ts'
import { bitsOf, valuesOf } from '../support/elements.ts'
import { definitionOf, type HostResult, numbersOf } from '../support/operator-suite.ts'
import { castElement, compute, isArithmetic, move, type Values } from '../support/oracle.ts'

/** Numbers; strings where JSON has none: NaN, infinities, integers beyond 2^53. */
interface GoldenTensor<D = DType> {
  readonly dtype: D
  readonly shape: readonly number[]
  readonly data: readonly (number | string)[]
}

interface GoldenCase {
  readonly operator: OperatorName
  readonly name: string
  readonly inputs: readonly (GoldenTensor | null)[]
  readonly attributes: Attributes
  /** In float64; null for operators that move elements. */
  readonly exact: GoldenTensor<'float64'> | null
  /** In the dtype of the inputs; null where PyTorch has no kernel, or none that is good enough. */
  readonly native: GoldenTensor | null
}

const { cases } = JSON.parse(
  readFileSync(new URL('../golden/operators.json', import.meta.url), 'utf8'),
) as { cases: readonly GoldenCase[] }

/** Golden numbers are of their dtype already, so that nothing is rounded here. */
function hostData({ dtype, data }: GoldenTensor): HostResult['data'] {
  if (dtype === 'int64') return BigInt64Array.from(data, (value) => BigInt(value))
  const stored = newHostArray(dtype, data.length)
  for (const [i, value] of data.entries()) codecs[dtype].encode(stored, i, Number(value))
  return stored
}

function goldenValues({ dtype, data }: GoldenTensor): (number | bigint)[] {
  return data.map((value) => (dtype.startsWith('int') ? BigInt(value) : Number(value)))
}

const backend = new ReferenceBackend()

async function runReference({ operator, inputs, attributes }: GoldenCase): Promise<HostResult> {
  const tensors = inputs.map(
    (input) => input && tensor(backend, input.dtype, input.shape, hostData(input) as never),
  )
  try {
    const given = tensors.map((input) => input ?? undefined)
    using output = dispatch(definitionOf(operator), given, attributes)
    return { dtype: output.dtype, shape: output.shape, data: await output.data() }
  } finally {
    for (const input of tensors) input?.dispose()
  }
}

describe('PyTorch agrees', () => {
  afterAll(() => {
    expect(backend.heldBytes).toBe(0)
  })

  for (const golden of cases) {
    const { operator, name, inputs, attributes, exact, native } = golden
    const { dtype } = (native ?? inputs[0])!
    const label = `${operator} ${dtype} · ${name}`

    it(`with the reference: ${label}`, async () => {
      const result = await runReference(golden)
      const { shape } = (exact ?? native)!
      expect({ dtype: result.dtype, shape: result.shape }).toEqual({ dtype, shape })
      const context = { label, shape }
      const actual = numbersOf(result.dtype, result.data)
      if (exact !== null && operator !== 'attention' && isFloatDType(dtype)) {
        assertCorrectlyRounded(actual, exact.data.map(Number), dtype, context)
      }
      if (native === null) return
      const tolerance = toleranceOf(definitionOf(operator).errorClass, dtype)
      if (exact !== null) assertClose(actual, native.data.map(Number), tolerance, context)
      else assertSameValues(valuesOf(dtype, result.data), goldenValues(native), context)
    })

    it(`with the oracle: ${label}`, () => {
      const context = { label, shape: (exact ?? native)!.shape }
      if (operator === 'cast') {
        const expected = goldenValues(inputs[0]!).map((value) => castElement(value, dtype))
        assertSameValues(expected, goldenValues(native!), context)
      } else if (isArithmetic(operator) && isFloatDType(dtype)) {
        const values = inputs.map(
          (input) => input && { shape: input.shape, data: input.data.map(Number) },
        )
        const given = values.map((input) => input ?? undefined)
        const { shape, data } = compute(operator, given, attributes, dtype)
        expect(shape).toEqual(context.shape)
        // PyTorch's 1 + erf and our sums each lose a few of float64's digits to cancellation.
        const tolerance = { relative: 1e-11, scaled: 1e-15, smallest: 0 }
        assertClose(data, exact!.data.map(Number), tolerance, context)
      } else {
        const bits = inputs.map(
          (input): Values<bigint> => ({
            shape: input!.shape,
            data: bitsOf(input!.dtype, hostData(input!)),
          }),
        )
        const { shape, data } = move(operator as 'embedding', bits, attributes)
        expect({ shape, data }).toEqual({
          shape: native!.shape,
          data: bitsOf(dtype, hostData(native!)),
        })
      }
    })
  }
})
