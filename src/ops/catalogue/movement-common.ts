/** What the operators that only move elements have in common: they take every dtype. */
import { type DType, isFloatDType } from '../../tensor/dtype.ts'
import { type Fill, values } from '../samples.ts'

/** Values that show a changed bit, whatever the dtype. */
export function anyFill(dtype: DType): Fill {
  if (dtype === 'bool') return values(1, 0, 0, 1, 1)
  if (isFloatDType(dtype)) return values(1.5, -0, NaN, -Infinity, 0.1, 3e-7, Infinity, -2.75)
  return values(1, -2, 3, 2 ** 31 - 1, -(2 ** 31), 0, 77)
}
