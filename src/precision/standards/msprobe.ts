/**
 * `msprobe`: the thresholds of Huawei's msprobe (MindStudio), for whole dumps and for single operators
 * by their class.
 */
import { type DType, isFloatDType } from '../../tensor/dtype.ts'
import type { Metrics } from '../metrics.ts'
import {
  allOf,
  atLeast,
  atMost,
  defineStandard,
  digits,
  type Finding,
  identical,
  type Judged,
  withinAt,
} from './standard.ts'
import { ratios, smallValue } from './three-way.ts'

export const msprobeStandard = defineStandard(
  'msprobe',
  "the thresholds of Huawei's msprobe: by class of operator, or for the outputs of a whole model",
  (judged) => {
    const { errorClass, dtype, metrics, truth, sameDType } = judged
    if (errorClass === 'movement' || !isFloatDType(dtype)) return identical(judged)
    if (errorClass === 'accumulated') return wholeDump(metrics)
    if (errorClass === 'elementwise') return elementwise(judged)
    const isExactKnown = truth !== undefined && sameDType !== undefined
    if (errorClass === 'matmul') {
      const finding = products(metrics, dtype)
      // Sums that cancel are many ULP off in any float32; the second device has a say then.
      return finding.status !== 'pass' && isExactKnown ? ratios(judged) : finding
    }
    return isExactKnown ? ratios(judged) : singleOperator(metrics, dtype)
  },
)

/** An error if (cosine < 0.99 and max |N − B| > 1e-3) or cosine < 0.9 or max |N − B| > 1. */
function wholeDump({ cosine, maxAbs }: Metrics): Finding {
  const largest = (limit: number) => atMost('max |N − B|', maxAbs, limit)
  if (cosine >= 0.99) return allOf([largest(1), atLeast('cosine', cosine, 0.99)])
  return allOf([atLeast('cosine', cosine, 0.9), largest(1e-3)])
}

/** Every element within 2^-20, 2^-10 or 2^-8 of |B|; small ones within 2^-30 or 2^-16. */
function elementwise(judged: Judged): Finding {
  const { dtype } = judged
  const rtol = { float32: -20, float16: -10, bfloat16: -8 }[dtype as string]!
  const small = smallValue(dtype)
  const atol = dtype === 'float32' ? -30 : -16
  return withinAt(
    judged,
    judged.expected,
    (b) => (Math.abs(b) < small ? 2 ** atol : 2 ** rtol * Math.abs(b)),
    (b) => (Math.abs(b) < small ? `2^${atol}` : `2^${rtol} · ${digits(Math.abs(b))}`),
  )
}

function products({ ulp }: Metrics, dtype: DType): Finding {
  const below = (name: string, share: number, limit: number) =>
    atMost(name, share, limit, { strictly: true })
  if (dtype !== 'float32') return below('share of errors above 1 ULP', ulp.shareAbove1, 0.001)
  const mean = below('mean error in ULP', ulp.mean, 64)
  return mean.status === 'pass'
    ? mean
    : below(`${mean.rule}, and share of errors above 32 ULP`, ulp.shareAbove32, 0.05)
}

/** Cosine above 0.99, and max |N − B| below 1e-3 or few large relative errors. */
function singleOperator({ cosine, maxAbs, relative }: Metrics, dtype: DType): Finding {
  if (!(cosine > 0.99)) {
    const rule = `cosine = ${cosine} ≤ 0.99`
    return { status: 'error', rule, allowed: 0.99, needed: cosine }
  }
  const largest = atMost('max |N − B|', maxAbs, 1e-3, { strictly: true })
  if (largest.status === 'pass') return { ...largest, rule: `cosine > 0.99 and ${largest.rule}` }
  const [error, warning] =
    dtype === 'float32' ? (['1e-3', '1e-4'] as const) : (['1e-2', '1e-3'] as const)
  const share = (limit: '1e-2' | '1e-3' | '1e-4', otherwise: 'error' | 'warning') =>
    atMost(`share of relative errors ≥ ${limit}`, 1 - relative.shareBelow[limit], Number(limit), {
      strictly: true,
      otherwise,
    })
  return allOf([share(error, 'error'), share(warning, 'warning')])
}
