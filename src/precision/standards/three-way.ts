/**
 * `three-way`: the device's error against that of a correct computation in the same dtype, both
 * measured from the exact result. So a device is judged by how much worse it is than it need be, and
 * not by how coarse its dtype is.
 */
import { type DType, isFloatDType } from '../../tensor/dtype.ts'
import { formatShape, indexAt } from '../../tensor/shape.ts'
import { spacingOf } from '../ulp.ts'
import {
  allOf,
  defineStandard,
  digits,
  type Finding,
  failure,
  identical,
  type Judged,
} from './standard.ts'
import { strictAllowance, strictFinding } from './strict.ts'

/** Largest ratios to the benchmark's error: those of msprobe's benchmark standard. */
const limits = { rmse: 2, mean: 2, max: 10 }

/** Below this, an error counts relative to this; msprobe's "small values". */
export function smallValue(dtype: DType): number {
  return dtype === 'float32' ? 2 ** -20 : 2 ** -10
}

/** Sums over the errors of one side, as far as they are finite. */
class Errors {
  #count = 0
  #squares = 0
  #sum = 0
  max = 0

  /** `size` is what the error is relative to. */
  add(error: number, size: number): void {
    if (!(error < Infinity)) return
    const relative = error / size
    this.#count++
    this.#squares += error * error
    this.#sum += relative
    if (relative > this.max) this.max = relative
  }

  get rmse(): number {
    return Math.sqrt(this.#squares / Math.max(this.#count, 1))
  }

  get mean(): number {
    return this.#sum / Math.max(this.#count, 1)
  }
}

export const threeWayStandard = defineStandard(
  'three-way',
  'RMSE and mean relative error at most 2 times, largest relative error at most 10 times those of ' +
    'the reference in the same dtype, from the exact result; what only moves elements is identical',
  (judged) => {
    const { errorClass, dtype, truth } = judged
    if (errorClass === 'movement' || !isFloatDType(dtype)) return identical(judged)
    // The exact result of a chain of operators is usually not at hand.
    if (errorClass === 'accumulated' && truth === undefined) return strictFinding(judged)
    return ratios(judged)
  },
)

/** The findings that each error of the device is within its limit, as a multiple of the benchmark's. */
export function ratios(judged: Judged): Finding {
  const { actual, truth, sameDType, dtype } = judged
  if (actual === undefined || truth === undefined || sameDType === undefined) {
    return failure('errors are measured from the exact result, which is not known here')
  }
  const [device, reference, unavoidable] = [new Errors(), new Errors(), new Errors()]
  const unavoidableAt = noise(judged, truth, sameDType)
  const small = smallValue(dtype)
  for (let i = 0; i < truth.length; i++) {
    const exact = truth[i]!
    // Device and reference may agree in a NaN and both be wrong.
    const isKnown = Number.isFinite(exact) === Number.isFinite(sameDType[i])
    if (isKnown && isMisplaced(actual[i]!, sameDType[i]!)) {
      return failure(
        `N at ${formatShape(indexAt(judged.shape, i))} is ${actual[i]}, exact is ${exact}`,
      )
    }
    if (!Number.isFinite(exact)) continue
    const size = Math.max(Math.abs(exact), small)
    device.add(Math.abs(actual[i]! - exact), size)
    reference.add(Math.abs(sameDType[i]! - exact), size)
    unavoidable.add(unavoidableAt(i), size)
  }
  const finding = (name: string, key: keyof typeof limits): Finding => {
    const benchmark = Math.max(reference[key], unavoidable[key])
    const ratio = device[key] === 0 ? 0 : device[key] / benchmark
    const holds = ratio <= limits[key]
    return {
      status: holds ? 'pass' : 'error',
      rule:
        `${name}: ${digits(device[key])} / ${digits(benchmark)} = ${digits(ratio)} ` +
        `${holds ? '≤' : '>'} ${limits[key]}`,
      allowed: limits[key],
      needed: ratio,
    }
  }
  return allOf([
    finding('RMSE', 'rmse'),
    finding('mean relative error', 'mean'),
    finding('max relative error', 'max'),
  ])
}

/** Whether one is NaN or an infinity that the other is not. */
function isMisplaced(a: number, b: number): boolean {
  return !Number.isFinite(a - b) && !Object.is(a, b)
}

/**
 * The error of a correct kernel, by position. It rounds what its dtype does not have: a quarter of the
 * spacing on average, where the reference, with few elements, may be lucky; small values as if they
 * were larger, as above. And it computes in float32, which the reference does not, and which shows in
 * a float32 result: a quarter of the tolerance of its class.
 */
function noise(judged: Judged, truth: Float64Array, rounded: Float64Array): (i: number) => number {
  const small = smallValue(judged.dtype)
  const spacing = spacingOf(judged.dtype)
  const rounding = (i: number): number => {
    const size = Math.abs(truth[i]!)
    if (size < small) return spacing(small) / 4
    return rounded[i] === truth[i] ? 0 : spacing(size) / 4
  }
  if (judged.dtype !== 'float32') return rounding
  const allowed = strictAllowance(judged, truth)
  return (i) => Math.max(rounding(i), allowed(truth[i]!) / 4)
}
