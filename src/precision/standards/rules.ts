/**
 * A standard of the user's own: a JSON file of rules. Every rule that applies must hold; where none
 * applies the verdict is an error. docs/precision-metrics.md has an example.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { z } from 'zod'
import { FileError } from '../../errors.ts'
import { type OperatorName, operatorNames } from '../../ops/catalogue.ts'
import { dtypeNames } from '../../tensor/dtype.ts'
import type { Metrics } from '../metrics.ts'
import { allclose } from './allclose.ts'
import {
  allOf,
  atLeast,
  atMost,
  defineStandard,
  type Finding,
  failure,
  type Judged,
  type JudgedClass,
  type Standard,
} from './standard.ts'

/** What a rule can set a limit to. */
const readers = {
  cosine: (m) => m.cosine,
  maxAbs: (m) => m.maxAbs,
  mae: (m) => m.mae,
  rmse: (m) => m.rmse,
  relativeL2: (m) => m.relativeL2,
  nmse: (m) => m.nmse,
  effectiveBits: (m) => m.effectiveBits,
  'relative.max': (m) => m.relative.max,
  'relative.mean': (m) => m.relative.mean,
  'relative.p99': (m) => m.relative.p99,
  'relative.shareBelow.1e-2': (m) => m.relative.shareBelow['1e-2'],
  'relative.shareBelow.5e-3': (m) => m.relative.shareBelow['5e-3'],
  'relative.shareBelow.1e-3': (m) => m.relative.shareBelow['1e-3'],
  'relative.shareBelow.1e-4': (m) => m.relative.shareBelow['1e-4'],
  'ulp.max': (m) => m.ulp.max,
  'ulp.mean': (m) => m.ulp.mean,
  'ulp.p99': (m) => m.ulp.p99,
  'ulp.shareAbove1': (m) => m.ulp.shareAbove1,
  'ulp.shareAbove32': (m) => m.ulp.shareAbove32,
  errorBalance: (m) => m.errorBalance,
} as const satisfies Record<string, (metrics: Metrics) => number>

type MetricName = keyof typeof readers

const classes: readonly JudgedClass[] = [
  'movement',
  'elementwise',
  'transcendental',
  'reduction',
  'matmul',
  'composite',
  'accumulated',
]

const limit = z.number()
const selection = {
  operators: z
    .array(z.enum(operatorNames as readonly [OperatorName]))
    .min(1)
    .optional(),
  classes: z.array(z.enum(classes)).min(1).optional(),
  dtypes: z.array(z.enum(dtypeNames)).min(1).optional(),
  otherwise: z.enum(['warning', 'error']).default('error'),
}
const metric = z.enum(Object.keys(readers) as MetricName[])
const ruleSchema = z.union(
  [
    z.strictObject({ ...selection, metric, atMost: limit }),
    z.strictObject({ ...selection, metric, atLeast: limit }),
    z.strictObject({ ...selection, rtol: limit.min(0), atol: limit.min(0) }),
  ],
  'is no rule: it needs a known metric with atMost or atLeast, or rtol and atol, and known operators, classes and dtypes',
)
const schema = z.strictObject({ rules: z.array(ruleSchema).min(1) })

type Rule = z.infer<typeof ruleSchema>

/** Reads a file of rules. Throws `FileError` that says where it is wrong. */
export function readRules(path: string): Standard {
  const { rules } = parse(path)
  return defineStandard(basename(path), `the rules in ${path}`, (judged) => {
    const applying = rules.filter((rule) => applies(rule, judged))
    if (applying.length > 0) return allOf(applying.map((rule) => judgeBy(rule, judged)))
    const { operator, errorClass, dtype } = judged
    return failure(`no rule applies to ${operator ?? 'this output'} (${errorClass}, ${dtype})`)
  })
}

function parse(path: string): z.infer<typeof schema> {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new FileError(path, `is not JSON: ${error.message}`, { cause: error })
    }
    const { code } = error as NodeJS.ErrnoException
    const problem = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`
    throw new FileError(path, problem, { cause: error })
  }
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const { path: where, message } = result.error.issues[0]!
  throw new FileError(path, `${where.join('.') || 'the file'}: ${message}`)
}

function applies(rule: Rule, { operator, errorClass, dtype }: Judged): boolean {
  if (rule.operators !== undefined && !rule.operators.some((name) => name === operator))
    return false
  if (rule.classes !== undefined && !rule.classes.includes(errorClass)) return false
  return rule.dtypes === undefined || rule.dtypes.includes(dtype)
}

function judgeBy(rule: Rule, judged: Judged): Finding {
  const { otherwise } = rule
  if ('rtol' in rule) {
    const finding = allclose(judged, rule)
    const isMiss = finding.status === 'error' && finding.needed !== undefined
    return isMiss ? { ...finding, status: otherwise } : finding
  }
  const { metric } = rule
  const value = readers[metric](judged.metrics)
  return 'atMost' in rule
    ? atMost(metric, value, rule.atMost, { otherwise })
    : atLeast(metric, value, rule.atLeast, { otherwise })
}
