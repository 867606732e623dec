/** Compares two tensors, or two arrays: metrics, a verdict, and the worst element. */
import { InvalidArgumentError } from '../errors.ts'
import { catalogue, type OperatorName } from '../ops/index.ts'
import { type DType, decodeAll, type HostArray } from '../tensor/dtype.ts'
import { ShapeError } from '../tensor/errors.ts'
import { formatShape, type Shape, sameShape } from '../tensor/shape.ts'
import { Tensor } from '../tensor/tensor.ts'
import { type Metrics, measure, type WorstElement } from './metrics.ts'
import {
  defaultStandard,
  type JudgedClass,
  type Standard,
  standardOf,
  type Verdict,
} from './standards/index.ts'

export interface TensorComparison {
  readonly shape: Shape
  /** That of the actual tensor. */
  readonly dtype: DType
  readonly metrics: Metrics
  readonly verdict: Verdict
  /** The element that decided the verdict, or else the one with the largest error. */
  readonly worst: WorstElement | undefined
}

export interface ComparisonOptions {
  /** `three-way` (if not given), `msprobe`, `allclose`, `strict`, or the path of a .json file of rules. */
  readonly standard?: string | Standard
  /** What computed the tensor; its class decides which rule of a standard applies. */
  readonly operator?: OperatorName
  /** Given instead of `operator`, or because inputs differed already; if not given, `accumulated`. */
  readonly errorClass?: JudgedClass
  /** Of arrays of numbers; `float32` if not given. */
  readonly dtype?: DType
  /** Of arrays of numbers; one axis if not given. */
  readonly shape?: Shape
  /** The exact result and that of the reference in the same dtype; see `exact.ts`. */
  readonly truth?: Float64Array
  readonly sameDType?: Float64Array
}

type Numbers = Tensor | ArrayLike<number>

/**
 * Compares `actual` with `expected`. Tensors may lie on different devices and differ in dtype. Throws
 * `ShapeError` where the shapes differ, and `InvalidArgumentError` for an unknown standard.
 */
export async function compareTensors(
  actual: Numbers,
  expected: Numbers,
  options: ComparisonOptions = {},
): Promise<TensorComparison> {
  const [a, b] = [await elementsOf(actual, options), await elementsOf(expected, options)]
  if (!sameShape(a.shape, b.shape)) {
    throw new ShapeError(
      'compareTensors',
      `actual is ${formatShape(a.shape)}, expected is ${formatShape(b.shape)}`,
    )
  }
  const [actualNumbers, expectedNumbers] = decodePair(a, b)
  return compareElements(actualNumbers, expectedNumbers, {
    ...options,
    dtype: a.dtype,
    shape: a.shape,
  })
}

/** As `compareTensors` for elements that are numbers already, in row-major order. */
export function compareElements(
  actual: Float64Array,
  expected: Float64Array,
  options: ComparisonOptions & { readonly dtype: DType; readonly shape: Shape },
): TensorComparison {
  const { shape, dtype, operator, truth, sameDType, standard = defaultStandard } = options
  for (const [name, elements] of Object.entries({ truth, sameDType })) {
    if (elements === undefined || elements.length === actual.length) continue
    throw new InvalidArgumentError(
      name,
      `has ${elements.length} elements, the tensors have ${actual.length}`,
    )
  }
  const metrics = measure(actual, expected, { dtype, shape })
  const { judge } = typeof standard === 'string' ? standardOf(standard) : standard
  const verdict = judge({
    operator,
    errorClass: options.errorClass ?? (operator ? catalogue[operator].errorClass : 'accumulated'),
    dtype,
    shape,
    metrics,
    actual,
    expected,
    truth,
    sameDType,
  })
  return { shape, dtype, metrics, verdict, worst: verdict.element ?? metrics.worst }
}

interface Elements {
  readonly dtype: DType
  readonly shape: Shape
  readonly data: HostArray | Float64Array
}

async function elementsOf(numbers: Numbers, options: ComparisonOptions): Promise<Elements> {
  if (numbers instanceof Tensor) {
    return { dtype: numbers.dtype, shape: numbers.shape, data: await numbers.data() }
  }
  const { dtype = 'float32', shape = [numbers.length] } = options
  return { dtype, shape, data: Float64Array.from(numbers) }
}

/**
 * The elements as numbers. float64 does not hold every int64: integers that differ but are the same
 * float64 are made to differ by the least there is, so that they are not taken for equal.
 */
export function decodePair(actual: Elements, expected: Elements): [Float64Array, Float64Array] {
  const [a, b] = [actual, expected].map(({ dtype, data }) =>
    data instanceof Float64Array ? data : decodeAll(dtype, data),
  ) as [Float64Array, Float64Array]
  if (actual.data instanceof BigInt64Array && expected.data instanceof BigInt64Array) {
    for (let i = 0; i < a.length; i++) {
      if (a[i] === b[i] && actual.data[i] !== expected.data[i]) a[i]! *= 1 + Number.EPSILON
    }
  }
  return [a, b]
}
