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

/** PyTorch's documentation of torch.testing.assert_close has this table. */
const tolerances: Readonly<Record<FloatDType, { readonly rtol: number; readonly atol: number }>> = {
  float32: { rtol: 1.3e-6, atol: 1e-5 },
  float16: { rtol: 1e-3, atol: 1e-5 },
  bfloat16: { rtol: 1.6e-2, atol: 1e-5 },
}

/** |N − B| ≤ atol + rtol · |B| at every element. */
export function allclose(judged: Judged, { rtol, atol }: { rtol: number; atol: number }): Finding {
  return withinAt(
    judged,
    judged.expected,
    (b) => atol + rtol * Math.abs(b),
    (b) => `${atol} + ${rtol} · ${digits(Math.abs(b))}`,
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
    return tolerance === undefined ? identical(judged) : allclose(judged, tolerance)
  },
)
