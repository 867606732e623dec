/** What the elements of a generated input are, as it is written on the command line. */
import { InvalidArgumentError } from '../../errors.ts'
import { extremes, type Fill, normal, specials } from '../../ops/samples.ts'
import { codecs, type DType, dtypes, hostArrayOver, isFloatDType } from '../../tensor/dtype.ts'

export const fillForms =
  'normal[:DEVIATION], range:FROM:TO (evenly spaced), integers:BELOW, every (number of a 16-bit dtype), extremes, specials'

/** The fill of `count` elements. Throws `InvalidArgumentError` for a form there is not. */
export function parseFill(text: string, dtype: DType, count: number): Fill {
  const [form, ...parameters] = text.split(':')
  const numbers = parameters.map(Number)
  const isValid = parameters.every((p) => p.trim() !== '') && numbers.every(Number.isFinite)
  const [first = 1, second = 1] = numbers
  const given = `${form}${isValid ? ` ${numbers.length}` : ''}`
  if (given === 'normal 0') return normal
  if (given === 'normal 1' && first >= 0) return { kind: 'normal', deviation: first }
  if (given === 'range 2') return { kind: 'values', values: evenlySpaced(first, second, count) }
  if (given === 'integers 1' && Number.isInteger(first) && first > 0) {
    return { kind: 'integers', below: first }
  }
  if (given === 'specials 0') return specials
  if (given === 'extremes 0' && isFloatDType(dtype)) return extremes(dtype)
  if (given === 'every 0') return { kind: 'values', values: everyNumber(dtype) }
  throw new InvalidArgumentError('--fill', `'${text}' cannot fill a ${dtype} tensor`, {
    hint: `use ${fillForms}`,
  })
}

function evenlySpaced(from: number, to: number, count: number): number[] {
  const step = (to - from) / Math.max(count - 1, 1)
  return Array.from({ length: count }, (_, i) => from + i * step)
}

/** All finite numbers of a 16-bit dtype. */
export function everyNumber(dtype: DType): number[] {
  if (!isFloatDType(dtype) || dtypes[dtype].itemsize !== 2) {
    throw new InvalidArgumentError('--fill', `${dtype} has too many numbers to try every one`, {
      hint: 'use float16 or bfloat16, or a range',
    })
  }
  const patterns = hostArrayOver(
    dtype,
    Uint16Array.from({ length: 2 ** 16 }, (_, i) => i).buffer,
    0,
    2 ** 16,
  )
  const { decode } = codecs[dtype]
  return [...patterns.keys()].map((i) => decode(patterns, i)).filter(Number.isFinite)
}
