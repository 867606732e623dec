/**
 * The exact result of a call, for verdicts that ask how much worse a device is than it need be. The
 * float64 computation is slow, so of large products and of GELU only some rows are made, those with the
 * largest errors among them.
 */
import type { HostTensor, OperatorInputs, TensorSpec } from '../../ops/index.ts'
import { dtypes, isFloatDType, newHostArray } from '../../tensor/dtype.ts'
import { numel, type Shape } from '../../tensor/shape.ts'
import { type ExactResult, exactResult } from '../exact.ts'
import { type Player, toHost } from './replay.ts'
import type { Call, Tape } from './tape.ts'

/** What the reference does in about a twentieth of a second. */
const mostWork = 32e6

/**
 * How long the reference takes, in multiply-adds and the like, for operators that work row by row and
 * take long: erf is about 200 of them.
 */
function workOf(
  { operator, definition, attributes, output }: Call,
  inputs: OperatorInputs<TensorSpec>,
) {
  if (operator === 'linear') return definition.flops(inputs, attributes, output)
  return operator === 'gelu' ? 200 * output.size : 0
}

export interface Truth extends Pick<ExactResult, 'truth' | 'sameDType'> {
  /** The rows that are known, where that is not all; in the others there is NaN. */
  readonly rows?: readonly number[]
}

/** Rows are counted over all axes but the last; `isLeftOut` are those that nobody asks for. */
export async function truthOf(
  call: Call,
  tape: Tape,
  { parameters, precision }: Player,
  errors: { readonly actual: Float64Array; readonly expected: Float64Array },
  isLeftOut: (row: number) => boolean = () => false,
): Promise<Truth> {
  const inputs = await Promise.all(
    call.inputs.map(async (source) => {
      if (source === undefined) return undefined
      const isParameter = source.kind === 'parameter'
      const { dtype, shape, data } = await toHost(
        isParameter ? parameters.get(source.name)! : tape.tensorOf(source),
      )
      const to = isFloatDType(dtype) ? precision.dtype : dtype
      return { dtype: to, shape, data: precision.convert(data, dtype, to) }
    }),
  )
  const { attributes, operator, output } = call
  const work = workOf(call, inputs)
  if (work <= mostWork) return exactResult(operator, inputs, attributes)
  const rows = numel(output.shape.slice(0, -1))
  const count = Math.max(1, Math.floor((mostWork / work) * rows))
  const chosen = chooseRows(errors, rows, count, isLeftOut)
  const [input, ...weights] = inputs as [HostTensor, ...HostTensor[]]
  const some = exactResult(operator, [pick(input, chosen), ...weights], attributes)
  const spread = (values: Float64Array) => spreadRows(values, chosen, output.shape)
  return { truth: spread(some.truth), sameDType: spread(some.sameDType), rows: chosen }
}

/** A third each: those with the largest errors, with the largest relative errors, and evenly spaced. */
function chooseRows(
  { actual, expected }: { readonly actual: Float64Array; readonly expected: Float64Array },
  rows: number,
  count: number,
  isLeftOut: (row: number) => boolean,
): number[] {
  const width = actual.length / rows
  const candidates = Array.from({ length: rows }, (_, row) => row).filter((row) => !isLeftOut(row))
  const errors = candidates.map((row) => {
    let [absolute, relative] = [0, 0]
    for (let i = row * width; i < (row + 1) * width; i++) {
      const error = Math.abs(actual[i]! - expected[i]!)
      if (error > absolute) absolute = error
      if (error > relative * Math.abs(expected[i]!)) relative = error / Math.abs(expected[i]!)
    }
    return { row, absolute, relative }
  })
  const worstBy = (key: 'absolute' | 'relative'): number[] =>
    [...errors].sort((a, b) => b[key] - a[key]).map(({ row }) => row)
  const third = Math.ceil(count / 3)
  const chosen = new Set([
    ...worstBy('absolute').slice(0, third),
    ...worstBy('relative').slice(0, third),
  ])
  const step = candidates.length / Math.max(count - chosen.size, 1)
  for (let at = 0; at < candidates.length && chosen.size < count; at += step) {
    chosen.add(candidates[Math.floor(at)]!)
  }
  return [...chosen].sort((a, b) => a - b)
}

/** The rows of `[rows, width]` or `[…, width]`, as `[picked, width]`. */
function pick({ dtype, shape, data }: HostTensor, rows: readonly number[]): HostTensor {
  const width = shape.at(-1)!
  const picked = newHostArray(dtype, rows.length * width)
  const bytes = width * dtypes[dtype].itemsize
  const target = new Uint8Array(picked.buffer)
  rows.forEach((row, at) => {
    target.set(new Uint8Array(data.buffer, data.byteOffset + row * bytes, bytes), at * bytes)
  })
  return { dtype, shape: [rows.length, width], data: picked }
}

function spreadRows(values: Float64Array, rows: readonly number[], shape: Shape): Float64Array {
  const width = shape.at(-1)!
  const all = new Float64Array(numel(shape)).fill(Number.NaN)
  rows.forEach((row, at) => {
    all.set(values.subarray(at * width, (at + 1) * width), row * width)
  })
  return all
}
