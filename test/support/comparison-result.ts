/**
 * A comparison made up for the report's tests: two layers, one operator that is wrong, one that gives
 * NaN, a flip, and texts that would be harmful if they were read as HTML.
 */
import type { OperatorName } from '../../src/ops/index.ts'
import { agreementOf } from '../../src/precision/agreement.ts'
import type {
  ComparisonResult,
  Graft,
  Judgement,
  ModuleComparison,
  OperatorComparison,
  TextComparison,
} from '../../src/precision/compare/result.ts'
import { measure } from '../../src/precision/metrics.ts'
import type { Status, Verdict } from '../../src/precision/standards/index.ts'

export const harmfulText = '</script><img src=x onerror="document.title=\'harmed\'"><!-- & "quotes"'

export const verdictOf = (status: Status, rule = `a rule that says ${status}`): Verdict => ({
  ...{ status, standard: 'strict', rule },
  ...{ allowed: 1, needed: 2 },
})

/** Eight elements from 1 to 8, of which the third is off by `error`. */
function judgement(status: Status, error: number): Judgement {
  const expected = Float64Array.from({ length: 8 }, (_, index) => index + 1)
  const actual = expected.map((value, index) => (index === 2 ? value + error : value))
  const metrics = measure(actual, expected, { dtype: 'float32', shape: [2, 4] })
  return { metrics, verdict: verdictOf(status), batch: 0 }
}

const layer = (index: number): string => `roberta.encoder.layer.${index}`

function operator(
  scope: string,
  name: OperatorName,
  own: number,
  { status = 'pass', graft }: { status?: Status; graft?: number } = {},
): OperatorComparison {
  const number = /layer\.(\d+)/.exec(scope)?.[1]
  const grafted: Graft | undefined =
    graft === undefined
      ? undefined
      : { maxLogitError: graft, rmsLogitError: graft / 2, maxProbabilityError: graft / 10 }
  return {
    id: `${scope}/${name}#0`,
    ...{ operator: name, scope, within: undefined, shape: [2, 4], dtype: 'float32' },
    layer: number === undefined ? undefined : Number(number),
    errorClass: name === 'gelu' ? 'transcendental' : 'matmul',
    cascaded: judgement(status, own * 3),
    isolated: judgement(status, own),
    ...(grafted && { grafted }),
    rerun: `roberta-ascend op ${name} --device emulator --reference cpu --shape 2x4`,
  }
}

export const operators: readonly OperatorComparison[] = [
  operator('roberta.embeddings.word_embeddings', 'embedding', 0, { graft: 0 }),
  operator(`${layer(0)}.intermediate.dense`, 'linear', 1e-6, { graft: 2e-6 }),
  operator(`${layer(0)}.intermediate.intermediate_act_fn`, 'gelu', 1e-2, {
    ...{ status: 'error', graft: 5e-3 },
  }),
  operator(`${layer(1)}.intermediate.dense`, 'linear', 2e-6, { status: 'warning', graft: 3e-6 }),
  operator(`${layer(1)}.intermediate.intermediate_act_fn`, 'gelu', Number.NaN, { status: 'error' }),
  operator('classifier.out_proj', 'linear', 0, { graft: 0 }),
]

const modules: readonly ModuleComparison[] = [
  'roberta.embeddings',
  layer(0),
  layer(1),
  'classifier',
].map((scope, index) => ({
  ...judgement('pass', index === 0 ? 0 : 10 ** -(6 - index)),
  ...{ scope, layer: index === 1 || index === 2 ? index - 1 : undefined, shape: [2, 4] },
}))

export const labels = ['joy', 'love', 'anger', 'neutral']

function texts(count: number): TextComparison[] {
  return Array.from({ length: count }, (_, index) => {
    const referenceProbabilities = [0.9, 0.3, 0.2, 0.1]
    const deviceProbabilities = index === 1 ? [0.9, 0.299, 0.2, 0.1] : referenceProbabilities
    const scored = (probabilities: readonly number[]) =>
      labels.slice(0, 3).map((label, id) => ({ label, probability: probabilities[id]! }))
    return {
      ...{ index, text: index === 0 ? harmfulText : `text number ${index}` },
      ...{ deviceProbabilities, referenceProbabilities },
      device: scored(deviceProbabilities),
      reference: scored(referenceProbabilities),
      maxLogitError: index === 1 ? 5e-3 : index * 1e-9,
    }
  })
}

export const sample = Array.from({ length: 40 }, (_, index) => ({
  device: index + (index % 2) * 1e-3,
  reference: index,
}))

export function comparisonResult(textCount = 3): ComparisonResult {
  const compared = texts(textCount)
  const probabilities = (side: 'deviceProbabilities' | 'referenceProbabilities') =>
    compared.map((text) => text[side])
  return {
    verdict: verdictOf('error', `${operators[2]!.id}: 1 < 2`),
    model: { name: 'a model <b>', layers: 2, labels },
    device: {
      ...{ device: 'emulator', dtype: 'float32', isEmulated: true },
      settings: { cubeMathType: 'keep', FFI: 'koffi', CANN: '8.5.0.emulator', driver: '25.1' },
    },
    reference: { device: 'cpu', dtype: 'float32', settings: { threads: 2 }, isEmulated: false },
    standard: 'strict',
    modes: ['cascaded', 'isolated', 'grafted'],
    environment: { 'roberta-ascend': '0.1.0', commit: 'abcdef123456', node: 'v20.12.0' },
    agreement: agreementOf(
      probabilities('deviceProbabilities'),
      probabilities('referenceProbabilities'),
      labels,
      0.3,
    ),
    logits: judgement('error', 5e-3).metrics,
    probabilities: judgement('error', 1e-3).metrics,
    logitsVerdict: verdictOf('error'),
    texts: compared,
    inputs: [],
    parameters: { compared: 12, different: [] },
    modules,
    operators,
    unmatched: [],
    firstDivergent: operators[2]!.id,
    grafts: { done: 5, leftOut: 1 },
    sample,
  }
}
