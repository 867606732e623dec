/** Runs a case on a device and on a reference, and compares: accuracy, time, and the worst element. */
import { type Labelled, labelOf } from '../../bench/report.ts'
import { median } from '../../bench/statistics.ts'
import { dispatch } from '../../ops/dispatch.ts'
import type { Attributes, Backend, TensorSpec } from '../../ops/index.ts'
import { bytesMoved } from '../../ops/operator.ts'
import { type SampleLayout, tensorWithLayout } from '../../ops/samples.ts'
import { type DType, decodeAll, type HostArray } from '../../tensor/dtype.ts'
import { type Shape, sameShape } from '../../tensor/shape.ts'
import { compareElements, decodePair } from '../compare-tensors.ts'
import { type ExactResult, exactResult } from '../exact.ts'
import { type Metrics, measure } from '../metrics.ts'
import type { Standard, Verdict } from '../standards/index.ts'
import type { OperatorCase } from './case.ts'
import { errorByValue, type ValueBin } from './error-by-value.ts'

export interface CaseResult {
  readonly operator: string
  readonly verdict: Verdict
  /** Of the output. */
  readonly shape: Shape
  readonly dtype: DType
  readonly attributes: Attributes
  /** Those of the reference. */
  readonly against: Attributes
  readonly inputs: readonly (InputReport | undefined)[]
  readonly device: SideReport
  readonly reference: SideReport
  /** The device against the reference. */
  readonly metrics: Metrics
  /** Each side against the exact result. */
  readonly exact: { readonly device: Metrics; readonly reference: Metrics }
  /** The element that is nearest to its limit, or furthest beyond it; missing where there is none. */
  readonly worst?: WorstReport
  readonly errorByValue: {
    readonly of: 'input' | 'exact result'
    readonly bins: readonly ValueBin[]
  }
}

export interface InputReport extends TensorSpec {
  readonly name: string
  readonly layout: SampleLayout
  readonly source: string
}

export interface SideReport extends Labelled {
  readonly device: string
  readonly settings: Readonly<Record<string, string>>
  readonly time?: TimeReport
}

/** The median over rounds of a call with a wait for the device after it, after one to warm up. */
export interface TimeReport {
  readonly rounds: number
  readonly seconds: number
  /** By the formulas of the catalogue; 0 for an operator that has none. */
  readonly flopsPerSecond: number
  readonly bytesPerSecond: number
}

export interface WorstReport {
  readonly index: readonly number[]
  readonly device: number
  readonly reference: number
  readonly exact: number
  /** The element of the first input at the same place, where that has the shape of the output. */
  readonly input?: number
  /** What its error is, what it may be, and who says so: `strict` where the standard judges no single element. */
  readonly needed: number | undefined
  readonly allowed: number | undefined
  readonly standard: string
}

export interface CaseOptions {
  readonly standard: Standard
  /** How many calls are timed; 0 for none. */
  readonly rounds: number
}

/** Throws what `dispatch` and the devices throw, such as `UnsupportedOperatorError`. */
export async function runCase(
  theCase: OperatorCase,
  device: Backend,
  reference: Backend,
  { standard, rounds }: CaseOptions,
): Promise<CaseResult> {
  const { definition, inputs, attributes, against } = theCase
  const exact = exactResult(definition.name, inputs, against)
  const actual = await runOn(device, theCase, rounds)
  const expected = await runOn(reference, { ...theCase, attributes: against }, rounds)
  const { shape, dtype } = actual
  const [n, b] = decodePair(actual, expected)
  const judged = { ...exact, operator: definition.name }
  const { verdict, metrics } = compareElements(n, b, { ...judged, standard })
  const ofElement =
    verdict.element === undefined
      ? compareElements(n, b, { ...judged, standard: 'strict' }).verdict
      : verdict
  return {
    operator: definition.name,
    verdict,
    shape,
    dtype,
    attributes,
    against,
    inputs: inputs.map((input) => {
      if (input === undefined) return undefined
      const { data: _, ...report } = input
      return report
    }),
    device: actual.side,
    reference: expected.side,
    metrics,
    exact: {
      device: measure(n, exact.truth, { dtype, shape }),
      reference: measure(b, exact.truth, { dtype, shape }),
    },
    ...(ofElement.element && { worst: worstReport(theCase, ofElement, n, b, exact) }),
    errorByValue: byValue(theCase, n, exact),
  }
}

interface Outcome {
  readonly dtype: DType
  readonly shape: Shape
  readonly data: HostArray
  readonly side: SideReport
}

async function runOn(
  backend: Backend,
  { definition, inputs, attributes }: Omit<OperatorCase, 'against'>,
  rounds: number,
): Promise<Outcome> {
  const tensors = inputs.map((input) => input && tensorWithLayout(backend, input, input.layout))
  try {
    using output = dispatch(definition, tensors, attributes)
    const { dtype, shape } = output
    const data = await output.data()
    const times: number[] = []
    for (let round = 0; round < rounds; round++) {
      const begin = performance.now()
      using _again = dispatch(definition, tensors, attributes)
      await backend.synchronize()
      times.push((performance.now() - begin) / 1000)
    }
    const seconds = median(times)
    const time: TimeReport = {
      rounds,
      seconds,
      flopsPerSecond: definition.flops(inputs, attributes, output) / seconds,
      bytesPerSecond: bytesMoved(definition, inputs, output) / seconds,
    }
    const { device, settings } = backend
    const side = { device, ...labelOf(device), settings, ...(rounds > 0 && { time }) }
    return { dtype, shape, data, side }
  } finally {
    for (const tensor of tensors) tensor?.dispose()
  }
}

/** The first input's elements where there is one for each of the output's. */
function valuesIn({ inputs }: OperatorCase, { shape }: ExactResult): Float64Array | undefined {
  const [first] = inputs
  if (first === undefined || !sameShape(first.shape, shape)) return undefined
  return decodeAll(first.dtype, first.data)
}

function worstReport(
  theCase: OperatorCase,
  { element, needed, allowed, standard }: Verdict,
  device: Float64Array,
  reference: Float64Array,
  exact: ExactResult,
): WorstReport {
  const { index } = element!
  const at = index.reduce((position, i, axis) => position * exact.shape[axis]! + i, 0)
  const values = valuesIn(theCase, exact)
  return {
    index,
    device: device[at]!,
    reference: reference[at]!,
    exact: exact.truth[at]!,
    ...(values && { input: values[at]! }),
    needed,
    allowed,
    standard,
  }
}

function byValue(
  theCase: OperatorCase,
  actual: Float64Array,
  exact: ExactResult,
): CaseResult['errorByValue'] {
  const values = valuesIn(theCase, exact)
  return {
    of: values === undefined ? 'exact result' : 'input',
    bins: errorByValue(values ?? exact.truth, actual, exact.truth, exact.dtype),
  }
}
