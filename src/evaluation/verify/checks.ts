/** The checks of `verify`, one function for each; what follows from them is in `verify-model.ts`. */
import type { RobertaConfig } from '../../model/config.ts'
import { probabilities } from '../../model/scores.ts'
import type { SequenceClassifier } from '../../model/sequence-classifier.ts'
import type { RobertaTokenizer } from '../../tokenizer/tokenizer.ts'
import type { Dataset } from '../dataset/labelled-texts.ts'
import { predict } from '../predict.ts'
import { qualityOf } from '../quality/quality.ts'
import {
  type PublishedFigures,
  type PublishedMetric,
  publishedMetrics,
} from './published-figures.ts'

/** One thing that was looked at. */
export interface Check {
  readonly subject: string
  readonly status: 'pass' | 'fail' | 'skipped'
  /** What was found, beside what was expected. */
  readonly finding: string
}

function check(subject: string, passes: boolean, finding: string): Check {
  return { subject, status: passes ? 'pass' : 'fail', finding }
}

export function skipped(subject: string, reason: string): Check {
  return { subject, status: 'skipped', finding: reason }
}

/** Sizes and labels. */
export function checkConfig(
  config: RobertaConfig,
  { config: facts, testSplit }: PublishedFigures,
): Check[] {
  const wrong = Object.entries(facts).filter(
    ([field, value]) => config[field as keyof RobertaConfig] !== value,
  )
  const names = testSplit.labels.map(({ label }) => label)
  const count = names.length
  const at = Array.from({ length: count }).findIndex((_, id) => config.labels[id] !== names[id])
  const label = at < 0 ? undefined : (config.labels[at] ?? 'missing')
  const labelFinding =
    config.labels.length !== count
      ? `${config.labels.length}, not ${count}`
      : `label ${at} is ${label}, not ${names[at]}`
  const fits = config.labels.length === count && at < 0
  return [
    check(
      'config.json',
      wrong.length === 0,
      wrong.length === 0
        ? `${Object.keys(facts).length} fields as published`
        : wrong
            .map(([field, value]) => {
              return `${field} is ${config[field as keyof RobertaConfig]}, not ${value}`
            })
            .join('; '),
    ),
    check('labels', fits, fits ? `${count} in their order` : labelFinding),
  ]
}

export function checkTokenizer(
  tokenizer: Pick<RobertaTokenizer, 'encode'>,
  { outputs }: PublishedFigures,
): Check {
  const wrong = outputs
    .map(({ text, tokenIds }) => ({ text, tokenIds, found: tokenizer.encode(text).inputIds }))
    .find(({ tokenIds, found }) => String(found) !== String(tokenIds))
  return check(
    'tokenizer',
    wrong === undefined,
    wrong === undefined
      ? `token ids of ${outputs.length} texts`
      : `'${wrong.text}' has the ids ${wrong.found.join(' ')}, not ${wrong.tokenIds.join(' ')}`,
  )
}

/** The outputs of a device beside the published ones. */
export async function checkOutputs(
  classifier: SequenceClassifier,
  { outputs }: PublishedFigures,
): Promise<Check[]> {
  const { backend, config } = classifier
  const rows = await classifier.logits(outputs.map(({ text }) => text))
  return outputs.map(({ text, tolerance, ...published }, at) => {
    const { logits } = rows[at]!
    const [what, actual, expected] =
      published.logits === undefined
        ? (['probability', probabilities(logits, config.head), published.probabilities!] as const)
        : (['logit', logits, published.logits] as const)
    const error = largestDifference(actual, expected)
    return check(
      `'${text}' on ${backend.device}`,
      error <= tolerance,
      `largest error of a ${what} ${error.toExponential(2)}, allowed ${tolerance}`,
    )
  })
}

/** NaN where a number is missing or not finite, so that it passes no tolerance. */
function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return NaN
  return Array.from(actual, (value, at) => Math.abs(value - expected[at]!)).reduce(
    (largest, difference) => Math.max(largest, difference),
    0,
  )
}

/** Figures of the test split on a device; the first check is whether it is the test split. */
export async function checkMetrics(
  classifier: SequenceClassifier,
  dataset: Dataset,
  { testSplit }: PublishedFigures,
  options: Parameters<typeof predict>[2],
): Promise<Check[]> {
  const { texts, labels, tolerance, atHalf, atThresholds } = testSplit
  const predicted = await predict(classifier, dataset, options)
  const supports = labels.map((_, id) => predicted.right.filter((ids) => ids.includes(id)).length)
  const wrong = labels.findIndex(({ support }, id) => supports[id] !== support)
  const count = predicted.right.length
  const isSplit = count === texts && wrong < 0
  const other =
    count === texts
      ? `${supports[wrong]} texts are labelled ${labels[wrong]?.label}, not ${labels[wrong]?.support}`
      : `${count} texts, not ${texts}`
  const identity = check(
    'test split',
    isSplit,
    isSplit ? `${texts} texts, ${labels.length} labels as often as published` : other,
  )
  if (!isSplit) return [identity]
  const metrics = (
    thresholds: readonly number[],
    at: string,
    published: readonly PublishedMetric[],
  ): Check[] => {
    const quality = qualityOf({ ...predicted, thresholds })
    return published.map(({ figure, value }) => {
      const found = publishedMetrics[figure](quality)
      return check(
        `${figure} ${at}`,
        Math.abs(found - value) <= tolerance,
        `${found.toFixed(4)}, published ${value}, allowed ± ${tolerance}`,
      )
    })
  }
  return [
    identity,
    ...metrics(
      labels.map(() => 0.5),
      'at 0.5',
      atHalf,
    ),
    ...metrics(
      labels.map(({ threshold }) => threshold),
      'at thresholds by label',
      atThresholds,
    ),
  ]
}
