/** What is said of a tensor where its elements are not kept, and of the first that is not finite. */
import { indexAt, type Shape } from '../../tensor/shape.ts'

/** Of the finite elements where it is not a count; null where there are none. */
export interface Statistics {
  readonly count: number
  readonly nan: number
  readonly positiveInfinity: number
  readonly negativeInfinity: number
  readonly zeros: number
  readonly min: number | null
  readonly max: number | null
  readonly mean: number | null
  /** That of the elements themselves, divided by their number, as `numpy.std` has it. */
  readonly std: number | null
}

export function statisticsOf(values: Float64Array): Statistics {
  let [nan, positiveInfinity, negativeInfinity, zeros] = [0, 0, 0, 0]
  let [finite, sum, min, max] = [0, 0, Infinity, -Infinity]
  for (const value of values) {
    if (Number.isNaN(value)) nan += 1
    else if (value === Infinity) positiveInfinity += 1
    else if (value === -Infinity) negativeInfinity += 1
    else {
      finite += 1
      sum += value
      if (value === 0) zeros += 1
      if (value < min) min = value
      if (value > max) max = value
    }
  }
  const counts = { count: values.length, nan, positiveInfinity, negativeInfinity, zeros }
  if (finite === 0) return { ...counts, min: null, max: null, mean: null, std: null }
  const mean = sum / finite
  let squares = 0
  for (const value of values) if (Number.isFinite(value)) squares += (value - mean) ** 2
  return { ...counts, min, max, mean, std: Math.sqrt(squares / finite) }
}

/** An element that is NaN or infinite. */
export interface BadElement {
  readonly index: readonly number[]
  readonly value: number
  /** The elements around it along the last axis, itself among them. */
  readonly around: readonly number[]
  /** The position of the first of them along the last axis. */
  readonly aroundFrom: number
}

/** How many elements are shown on each side of a bad one. */
const neighbours = 4

/** The first element in row-major order that is not finite. */
export function firstBadElement(values: Float64Array, shape: Shape): BadElement | undefined {
  const position = values.findIndex((value) => !Number.isFinite(value))
  if (position < 0) return undefined
  const width = shape.at(-1) ?? 1
  const column = position % width
  const aroundFrom = Math.max(0, column - neighbours)
  const begin = position - column
  const end = Math.min(width, column + neighbours + 1)
  return {
    index: indexAt(shape, position),
    value: values[position]!,
    around: [...values.subarray(begin + aroundFrom, begin + end)],
    aroundFrom,
  }
}
