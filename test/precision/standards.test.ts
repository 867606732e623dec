/** Verdicts at and beyond their limits, worked out by hand; and that all of them fail closed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareElements } from '../../src/precision/compare-tensors.ts'
import { measure } from '../../src/precision/metrics.ts'
import {
  type JudgedClass,
  type Status,
  standardNames,
  standardOf,
  type Verdict,
  worstOf,
} from '../../src/precision/standards/index.ts'
import type { DType } from '../../src/tensor/dtype.ts'

interface Case {
  dtype?: DType
  errorClass?: JudgedClass
  actual: number[]
  expected: number[]
  truth?: number[]
  sameDType?: number[]
}

function judge(standard: string, { actual, expected, truth, sameDType, ...rest }: Case): Verdict {
  return compareElements(Float64Array.from(actual), Float64Array.from(expected), {
    dtype: 'float32',
    errorClass: 'transcendental',
    shape: [actual.length],
    standard,
    ...(truth && { truth: Float64Array.from(truth) }),
    ...(sameDType && { sameDType: Float64Array.from(sameDType) }),
    ...rest,
  }).verdict
}

/** `count` ones, of which the first `wrong` are `wrongValue`. */
function ones(count: number, wrong = 0, wrongValue = 1): number[] {
  return Array.from({ length: count }, (_, i) => (i < wrong ? wrongValue : 1))
}

describe.each(standardNames)('%s fails closed', (standard) => {
  test('nothing compared', () => {
    const verdict = judge(standard, { actual: [], expected: [], truth: [], sameDType: [] })
    expect(verdict).toMatchObject({ status: 'error', standard })
    expect(verdict.rule).toContain('nothing was compared')
  })

  test.each<[string, number[], number[]]>([
    ['NaN for a number', [1, Number.NaN], [1, 2]],
    ['a number for NaN', [1, 2], [1, Number.NaN]],
    ['an infinity of the other sign', [1, Infinity], [1, -Infinity]],
    ['NaN for an infinity', [1, Number.NaN], [1, Infinity]],
  ])('%s', (_, actual, expected) => {
    const verdict = judge(standard, { actual, expected, truth: expected, sameDType: expected })
    expect(verdict.status).toBe('error')
    expect(verdict.rule).toContain('1 of 2 elements, the first at [1]')
  })

  test('but the same NaN and infinities pass', () => {
    const same = [Number.NaN, Infinity, 1]
    const given = { actual: same, expected: same, truth: same, sameDType: same }
    expect(judge(standard, given).status).toBe('pass')
    const verdict = judge(standard, {
      ...given,
      actual: same.slice(0, 2),
      expected: same.slice(0, 2),
      truth: same.slice(0, 2),
      sameDType: same.slice(0, 2),
    })
    expect(verdict.status).toBe('pass')
  })

  test.each<DType>(['int32', 'bool', 'int64'])('%s has to be equal', (dtype) => {
    const given = { dtype, actual: [1, 1], expected: [1, 1] }
    expect(judge(standard, given).status).toBe('pass')
    const verdict = judge(standard, { ...given, actual: [1, 0] })
    expect(verdict).toMatchObject({ status: 'error', element: { index: [1] } })
  })
})

test.each(['three-way', 'msprobe', 'strict'])(
  'in %s what moves elements changes none',
  (standard) => {
    const given: Case = { errorClass: 'movement', actual: [1, 0, 3], expected: [1, 0, 3] }
    expect(judge(standard, given).status).toBe('pass')
    expect(judge(standard, { ...given, actual: [1, -0, 3] })).toMatchObject({
      status: 'error',
      rule: '1 of 3 elements are not identical, the first at [1]: -0, expected 0',
    })
  },
)

test.each<[string, Case, Status, string]>([
  // 1e-5 + 1.3e-6 · 2 = 1.26e-5
  ['float32, just within', { actual: [2.0000125], expected: [2] }, 'pass', '1.26e-5'],
  ['float32, beyond', { actual: [2.0000127, 1], expected: [2, 1] }, 'error', '1 of 2'],
  ['float16', { dtype: 'float16', actual: [2.002], expected: [2] }, 'pass', '0.00201'],
  ['bfloat16', { dtype: 'bfloat16', actual: [2.033], expected: [2] }, 'error', '0.03201'],
])('allclose: %s', (_, given, status, words) => {
  const verdict = judge('allclose', given)
  expect(verdict.status).toBe(status)
  expect(verdict.rule).toContain(words)
})

test('allclose shows the element that is furthest beyond, not the one with the largest error', () => {
  const verdict = judge('allclose', { actual: [1000.001, 0.0005], expected: [1000, 0] })
  expect(verdict.element).toEqual({ index: [1], actual: 0.0005, expected: 0 })
  expect([verdict.allowed, verdict.needed]).toEqual([1e-5, 0.0005])
})

test('allclose after n operators in a row is √n times as wide', () => {
  const { judge: allclose } = standardOf('allclose')
  const at = (error: number, depth: number) => {
    const [actual, expected] = [Float64Array.of(error), Float64Array.of(0)]
    const shape = [1]
    const metrics = measure(actual, expected, { dtype: 'float32', shape })
    const rest = { operator: undefined, truth: undefined, sameDType: undefined }
    const given = { ...rest, dtype: 'float32', shape, metrics, actual, expected, depth } as const
    return allclose({ ...given, errorClass: 'accumulated' })
  }
  expect([at(3e-5, 9).status, at(3.1e-5, 9).status, at(1.1e-5, 1).status]).toEqual([
    'pass',
    'error',
    'error',
  ])
  expect(at(3.1e-5, 9).rule).toContain('√9 · (0.00001 + 0.0000013 · 0)')
})

test('allclose judges a product beyond it by the error of a correct one', () => {
  // Large terms cancel: the sum is 0.01, and float32 leaves 3e-5 of them.
  const given: Case = { errorClass: 'matmul', actual: [0.01003, 500], expected: [0.01, 500] }
  const known: Case = { ...given, truth: [0.01, 500], sameDType: [0.01, 500] }
  expect(judge('allclose', given).status).toBe('error')
  expect(judge('allclose', known)).toMatchObject({ status: 'pass' })
  const wrong = [0.0103, 500.1]
  expect(judge('allclose', { ...known, actual: wrong })).toMatchObject({ status: 'error' })
  expect(judge('allclose', { ...known, errorClass: 'reduction' }).status).toBe('error')
})

describe('strict', () => {
  const eps = 2 ** -23
  test('measures from the exact result, in the tolerance of the class', () => {
    // transcendental in float32: (8 · 1 + 2 · 1) ε.
    const at = (error: number) =>
      judge('strict', { actual: [1 + error], expected: [5], truth: [1], sameDType: [1] })
    expect(at(10 * eps).status).toBe('pass')
    const verdict = at(11 * eps)
    expect(verdict.status).toBe('error')
    expect(verdict.needed).toBe(11 * eps)
    expect(verdict.allowed).toBeCloseTo(10 * eps, 12)
  })

  test('NaN where the exact result is a number is an error, whatever the reference has', () => {
    const verdict = judge('strict', {
      actual: [Number.NaN, 1],
      expected: [Number.NaN, 1],
      truth: [1, 1],
    })
    expect(verdict).toMatchObject({ status: 'error', element: { index: [0] } })
  })

  test('after a chain of operators: 512 ε, or 16 in 16 bits, of the largest element', () => {
    const given = (dtype: DType, error: number): Case => ({
      dtype,
      errorClass: 'accumulated',
      actual: [4, error],
      expected: [4, 0],
    })
    expect(judge('strict', given('float32', 4 * 512 * eps)).status).toBe('pass')
    expect(judge('strict', given('float32', 4 * 513 * eps)).status).toBe('error')
    expect(judge('strict', given('float16', 4 * 16 * 2 ** -10)).status).toBe('pass')
    expect(judge('strict', given('float16', 4 * 17 * 2 ** -10)).status).toBe('error')
  })
})

describe('three-way', () => {
  const ulp = 2 ** -10
  const given = (actual: number[], sameDType: number[]): Case => ({
    dtype: 'float16',
    actual,
    expected: actual,
    truth: ones(actual.length),
    sameDType,
  })

  test('the RMSE may be twice that of the reference', () => {
    const reference = ones(4, 4, 1 + ulp)
    expect(judge('three-way', given(ones(4, 4, 1 + 2 * ulp), reference)).status).toBe('pass')
    const verdict = judge('three-way', given(ones(4, 4, 1 + 3 * ulp), reference))
    expect(verdict).toMatchObject({ status: 'error', allowed: 2, needed: 3 })
    expect(verdict.rule).toBe('RMSE: 0.00293 / 9.766e-4 = 3 > 2')
  })

  test('the largest relative error may be ten times that of the reference', () => {
    const reference = ones(1000, 1000, 1 + ulp)
    expect(judge('three-way', given(ones(1000, 1, 1 + 10 * ulp), reference)).status).toBe('pass')
    const verdict = judge('three-way', given(ones(1000, 1, 1 + 11 * ulp), reference))
    expect(verdict.rule).toContain('max relative error: 0.01074 / 9.766e-4 = 11 > 10')
  })

  test('the mean relative error may be twice that of the reference', () => {
    // Small elements: large relative errors that the RMSE does not see.
    const small = 2 ** -8
    const verdict = judge('three-way', {
      dtype: 'float16',
      actual: [1 + ulp, small * 1.005, small * 1.005],
      expected: [1, small, small],
      truth: [1, small, small],
      sameDType: [1 + ulp, small * 1.001, small * 1.001],
    })
    expect(verdict).toMatchObject({ status: 'error', allowed: 2 })
    // (2^-10 + 0.01) / (2^-10 + 0.002)
    expect(verdict.needed).toBeCloseTo((ulp + 0.01) / (ulp + 0.002), 9)
  })

  test('NaN where the exact result is a number is an error, whatever the reference has', () => {
    for (const wrong of [Number.NaN, Infinity]) {
      const verdict = judge('three-way', given([1, wrong], [1, 1]))
      expect(verdict.status).toBe('error')
      expect(verdict.rule).toBe(`N at [1] is ${wrong}, exact is 1`)
      expect(judge('msprobe', given([1, wrong], [1, 1])).status).toBe('error')
    }
    const overflown = { ...given([1, 65504], [1, Infinity]), truth: [1, Infinity] }
    expect(judge('three-way', overflown).status).toBe('error')
    // An overflow within a composite operator, which its parts in this dtype have as well.
    expect(judge('three-way', given([1, Number.NaN], [1, Number.NaN])).status).toBe('pass')
  })

  test('a reference that is nearly right by luck is not the measure: half a unit is allowed', () => {
    const one = (actual: number, truth: number): Status =>
      judge('three-way', { ...given([actual], [1]), truth: [truth] }).status
    expect(one(1 + ulp / 2, 1 + ulp / 16)).toBe('pass')
    expect(one(1 + ulp, 1 + ulp / 16)).toBe('error')
    // What the dtype has needs no rounding.
    expect(one(1 + ulp / 16, 1)).toBe('error')
  })

  test('without the exact result it judges nothing but a chain of operators', () => {
    const one: Case = { actual: [1], expected: [1] }
    expect(judge('three-way', one)).toMatchObject({ status: 'error', needed: undefined })
    expect(judge('three-way', { ...one, errorClass: 'accumulated' }).status).toBe('pass')
  })
})

test.each<[string, Case, Status, string]>([
  [
    'add within 2^-20',
    { errorClass: 'elementwise', actual: [1 + 2 ** -20], expected: [1] },
    'pass',
    '2^-20',
  ],
  [
    'add beyond',
    { errorClass: 'elementwise', actual: [1 + 2 ** -19], expected: [1] },
    'error',
    '2^-20',
  ],
  [
    'add of small values',
    { errorClass: 'elementwise', actual: [2e-9], expected: [1e-9] },
    'error',
    '2^-30',
  ],
  [
    'add in float16',
    { dtype: 'float16', errorClass: 'elementwise', actual: [1 + 2 ** -10], expected: [1] },
    'pass',
    '2^-10',
  ],
  [
    'add in bfloat16',
    { dtype: 'bfloat16', errorClass: 'elementwise', actual: [1 + 2 ** -8], expected: [1] },
    'pass',
    '2^-8',
  ],
  [
    'matmul, 63 ULP',
    { errorClass: 'matmul', actual: ones(2, 2, 1 + 63 * 2 ** -23), expected: ones(2) },
    'pass',
    '63 < 64',
  ],
  [
    'matmul, 64 ULP',
    { errorClass: 'matmul', actual: ones(2, 2, 1 + 64 * 2 ** -23), expected: ones(2) },
    'error',
    '64 ≥ 64',
  ],
  [
    'matmul, 4 % beyond 32 ULP',
    { errorClass: 'matmul', actual: ones(100, 4, 2), expected: ones(100) },
    'pass',
    '0.04 < 0.05',
  ],
  [
    'matmul, 5 % beyond 32 ULP',
    { errorClass: 'matmul', actual: ones(100, 5, 2), expected: ones(100) },
    'error',
    '0.05 ≥ 0.05',
  ],
  [
    'matmul in float16, 1 in 2000 beyond 1 ULP',
    { dtype: 'float16', errorClass: 'matmul', actual: ones(2000, 1, 2), expected: ones(2000) },
    'pass',
    '5e-4 < 0.001',
  ],
  [
    'matmul in float16, 1 in 1000',
    { dtype: 'float16', errorClass: 'matmul', actual: ones(1000, 1, 2), expected: ones(1000) },
    'error',
    '0.001 ≥ 0.001',
  ],
  ['softmax by itself: cosine', { actual: [1, 0], expected: [1, 1] }, 'error', 'cosine'],
  [
    'softmax by itself: small errors',
    { actual: [1, 0.0009], expected: [1, 0] },
    'pass',
    '9e-4 < 0.001',
  ],
  [
    'softmax by itself: few relative errors',
    { actual: ones(10_001, 1, 1.01), expected: ones(10_001) },
    'pass',
    'share',
  ],
  [
    'softmax by itself: some',
    { actual: ones(5000, 1, 1.01), expected: ones(5000) },
    'warning',
    '1e-4',
  ],
  [
    'softmax by itself: many',
    { actual: ones(1000, 1, 1.01), expected: ones(1000) },
    'error',
    '1e-3',
  ],
  [
    'softmax by itself in float16',
    { dtype: 'float16', actual: ones(100, 1, 1.005), expected: ones(100) },
    'warning',
    '1e-3',
  ],
  [
    'a whole model',
    { errorClass: 'accumulated', actual: [1.9, 20], expected: [1, 20] },
    'pass',
    '0.9 ≤ 1',
  ],
  [
    'a whole model, off by more than 1',
    { errorClass: 'accumulated', actual: [2.1, 20], expected: [1, 20] },
    'error',
    '1.1 > 1',
  ],
  [
    'a whole model, cosine 0.95',
    { errorClass: 'accumulated', actual: [1, 0.33], expected: [1, 0] },
    'error',
    '0.33 > 0.001',
  ],
  [
    'a whole model, cosine below 0.9',
    { errorClass: 'accumulated', actual: [1e-5, 1e-5], expected: [1e-5, 0] },
    'error',
    '< 0.9',
  ],
])('msprobe: %s', (_, given, status, words) => {
  const verdict = judge('msprobe', given)
  expect(verdict.rule).toContain(words)
  expect(verdict.status).toBe(status)
})

test('msprobe judges softmax and the like by three-way ratios where it can', () => {
  const exact = { truth: [1], sameDType: [1] }
  const verdict = judge('msprobe', { dtype: 'float16', actual: [1.01], expected: [1], ...exact })
  expect(verdict.rule).toContain('RMSE')
})

test('msprobe: a product that is many ULP off passes where a correct kernel is as far off', () => {
  // A sum of large terms that cancel: 1e-3 beside 1000, whose rounding it has.
  const given: Case = { errorClass: 'matmul', actual: [1000, 1.01e-3], expected: [1000, 1e-3] }
  expect(judge('msprobe', given)).toMatchObject({ status: 'error', allowed: 0.05, needed: 0.5 })
  const exact = { truth: given.expected, sameDType: given.expected }
  expect(judge('msprobe', { ...given, ...exact }).status).toBe('pass')
  expect(judge('msprobe', { ...given, ...exact, actual: [1001, 1.01e-3] }).status).toBe('error')
})

describe('rules of the user', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'roberta-ascend-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  function file(content: unknown): string {
    const path = join(folder, 'mine.json')
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }

  test('every rule that applies has to hold', () => {
    const path = file({
      rules: [
        { classes: ['transcendental'], dtypes: ['float32'], metric: 'maxAbs', atMost: 0.5 },
        { metric: 'cosine', atLeast: 0.99, otherwise: 'warning' },
        { operators: ['softmax'], rtol: 0, atol: 0 },
      ],
    })
    expect(judge(path, { actual: [1, 1.25], expected: [1, 1] })).toMatchObject({
      status: 'pass',
      standard: 'mine.json',
      rule: expect.stringMatching(/^maxAbs = 0.25 ≤ 0.5 and cosine = 0.99\d* ≥ 0.99$/),
    })
    expect(judge(path, { actual: [1, 1.75], expected: [1, 1] })).toMatchObject({
      status: 'error',
      rule: 'maxAbs = 0.75 > 0.5',
      allowed: 0.5,
      needed: 0.75,
    })
    expect(judge(path, { actual: [1, 0.5], expected: [1, 1] }).status).toBe('warning')
  })

  test('where none applies the verdict is an error', () => {
    const path = file({ rules: [{ dtypes: ['float16'], metric: 'maxAbs', atMost: 1 }] })
    expect(judge(path, { actual: [1], expected: [1] })).toMatchObject({
      status: 'error',
      rule: 'no rule applies to this output (transcendental, float32)',
    })
  })

  test.each<[string, unknown, string]>([
    ['no JSON', '{', 'is not JSON'],
    ['no rules', { rules: [] }, 'rules'],
    ['an unknown metric', { rules: [{ metric: 'max', atMost: 1 }] }, 'rules.0: is no rule'],
    [
      'an unknown operator',
      { rules: [{ operators: ['relu'], metric: 'mae', atMost: 1 }] },
      'rules.0',
    ],
    ['an unknown class', { rules: [{ classes: ['slow'], metric: 'mae', atMost: 1 }] }, 'rules.0'],
    ['a rule without a limit', { rules: [{ metric: 'mae' }] }, 'rules.0'],
    ['a limit spelt wrong', { rules: [{ metric: 'mae', atmost: 1 }] }, 'rules.0'],
    [
      'a list of operators that is empty',
      { rules: [{ operators: [], metric: 'mae', atMost: 1 }] },
      'rules.0',
    ],
  ])('refuses %s', (_, content, words) => {
    expect(() => standardOf(file(content))).toThrow(
      expect.objectContaining({ name: 'FileError', message: expect.stringContaining(words) }),
    )
  })

  test('refuses a file there is not', () => {
    expect(() => standardOf(join(folder, 'none.json'))).toThrow('none.json: there is no such file')
  })
})

test('an unknown standard is an error', () => {
  expect(() => standardOf('lenient')).toThrow(
    expect.objectContaining({
      name: 'InvalidArgumentError',
      message: expect.stringContaining('three-way, msprobe, allclose, strict'),
    }),
  )
})

test('the worst of verdicts is the first of the severest; of none it is an error', () => {
  const [pass, warning, error, second] = ['pass', 'warning', 'error', 'error'].map((status, i) => ({
    status: status as Status,
    standard: String(i),
    rule: '',
    allowed: 1,
    needed: 1,
  })) as [Verdict, Verdict, Verdict, Verdict]
  expect(worstOf([pass, error, warning, second])).toBe(error)
  expect(worstOf([pass, warning])).toBe(warning)
  expect(worstOf([pass])).toBe(pass)
  expect(worstOf([])).toMatchObject({ status: 'error', rule: 'nothing was compared' })
})
