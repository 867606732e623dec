/** `allclose`: the rule and the tolerances of torch.testing.assert_close. */
import { type DType, type FloatDType, isFloatDType } from '../../tensor/dtype.ts'
import {
  defineStandard,
  digits,
  type Finding,
  identical,
  type Judged,
  withinAt,
} from './standard.ts'
import { ratios } from './three-way.ts'

/** PyTorch's documentation of torch.testing.assert_close has this table. */
const tolerances: Readonly<Record<FloatDType, { readonly rtol: number; readonly atol: number }>> = {
  float32: { rtol: 1.3e-6, atol: 1e-5 },
  float16: { rtol: 1e-3, atol: 1e-5 },
  bfloat16: { rtol: 1.6e-2, atol: 1e-5 },
}

/**
 * |N − B| ≤ atol + rtol · |B| at every element. Each of several operators in a row may err by so much, and
 * independent errors add up as the root of their number.
 */
export function allclose(judged: Judged, { rtol, atol }: { rtol: number; atol: number }): Finding {
  const { depth = 1 } = judged
  const times = Math.sqrt(depth)
  return withinAt(
    judged,
    judged.expected,
    (b) => times * (atol + rtol * Math.abs(b)),
    (b) => {
      const one = `${atol} + ${rtol} · ${digits(Math.abs(b))}`
      return depth === 1 ? one : `√${depth} · (${one})`
    },
  )
}

function tolerancesOf(dtype: DType) {
  return isFloatDType(dtype) ? tolerances[dtype] : undefined
}

export const allcloseStandard = defineStandard(
  'allclose',
  '|N − B| ≤ atol + rtol · |B| at every element, with the tolerances of torch.testing.assert_close',
  (judged) => {
    const tolerance = tolerancesOf(judged.dtype)
    if (tolerance === undefined) return identical(judged)
    const finding = allclose(judged, tolerance)
    const { errorClass, truth, sameDType } = judged
    // Terms that are far larger than their sum leave an error that no tolerance relative to the sum fits.
    const hasSums = errorClass === 'matmul' || errorClass === 'composite'
    const isExactKnown = truth !== undefined && sameDType !== undefined
    return finding.status !== 'pass' && hasSums && isExactKnown ? ratios(judged) : finding
  },
)
