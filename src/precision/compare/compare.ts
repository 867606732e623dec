/**
 * Two models on two devices, compared from the texts' probabilities down to single operators.
 *
 * Batches go one after the other, so that memory is bounded by one batch: the intermediate tensors of
 * both sides.
 */
import { batchesOf } from '../../bench/workload.ts'
import { InvalidArgumentError } from '../../errors.ts'
import { defaultBatchSize } from '../../model/classify.ts'
import { checkBatchSize } from '../../model/go-emotions-classifier.ts'
import { probabilities, ranking } from '../../model/scores.ts'
import { tokenBatch } from '../../model/token-batch.ts'
import type { BatchLayout } from '../../ops/index.ts'
import { sameShape } from '../../tensor/shape.ts'
import { agreementOf } from '../agreement.ts'
import { defaultStandard, type Standard, standardOf } from '../standards/index.ts'
import { compareBatch } from './batch.ts'
import { environment } from './environment.ts'
import { compareParameters } from './exact-match.ts'
import { judge } from './judge.ts'
import { Merger } from './merge.ts'
import { CommonPrecision } from './precision.ts'
import { rerunCommand } from './rerun.ts'
import { modes as allModes, type ComparisonResult, type Mode, type Scored } from './result.ts'
import { type Pair, samplePairs } from './sample.ts'
import { parametersOf, type Subject, sideOf } from './subject.ts'
import { finalVerdict, firstDivergent } from './verdict.ts'

/** How many operators of a batch are grafted, if nobody says otherwise. */
export const defaultGrafts = 24

/** Pairs of values for the scatter: half of them logits, half hidden values. */
const mostLogitSamples = 2500
const mostHiddenSamples = 2500

export interface CompareOptions {
  readonly texts: readonly string[]
  /** 16 if not given. */
  readonly batchSize?: number | undefined
  /** Longer texts are cut to so many tokens; the model's limit if not given. */
  readonly maxLength?: number | undefined
  /** A name, the path of a .json file of rules, or a standard itself; `three-way` if not given. */
  readonly standard?: string | Standard | undefined
  /** All if not given. */
  readonly modes?: readonly Mode[] | undefined
  /** How rows are laid out on both sides; as the device prefers it if not given. */
  readonly layout?: BatchLayout | undefined
  /** The probability from which on a label is chosen; 0.3 if not given. */
  readonly threshold?: number | undefined
  /** How many operators of each batch are grafted at most; 24 if not given. */
  readonly grafts?: number | undefined
  /** Told what part of the work is done. */
  readonly onProgress?: ((fraction: number) => void) | undefined
}

/**
 * Compares. Throws `InvalidArgumentError` for a senseless option, no texts, or two models that are not
 * made alike; what a device throws goes through.
 */
export async function compareSubjects(
  device: Subject,
  reference: Subject,
  options: CompareOptions,
): Promise<ComparisonResult> {
  const {
    texts,
    batchSize = defaultBatchSize,
    maxLength,
    standard: asked = defaultStandard,
    modes = allModes,
    layout = device.backend.preferredLayout,
    threshold = 0.3,
    grafts = defaultGrafts,
    onProgress = () => {},
  } = options
  check(options)
  checkAlike(device, reference)
  const standard = typeof asked === 'string' ? standardOf(asked) : asked
  const precision = new CommonPrecision(device.dtype, reference.dtype)
  const { config } = reference.model
  const { labels, head } = config
  const batches = batchesOf(texts, batchSize)
  const stages = config.num_hidden_layers + 2
  const samplesPerStage = Math.floor(mostHiddenSamples / (stages * batches.length))
  const merger = new Merger()
  const hidden: Pair[] = []
  const logits: { device: Float64Array[]; reference: Float64Array[] } = {
    device: [],
    reference: [],
  }
  for (const [number, batch] of batches.entries()) {
    const sequences = batch.map((text) => reference.encode(text, maxLength).inputIds)
    const tokens = tokenBatch(sequences, layout, config.pad_token_id)
    const compared = await compareBatch(device, reference, tokens, number, {
      standard,
      precision,
      modes,
      mostGrafts: grafts,
      samplesPerStage,
      onProgress: (fraction) => onProgress((number + fraction) / batches.length),
    })
    merger.add(compared)
    hidden.push(...compared.sample)
    for (const side of ['device', 'reference'] as const) {
      batch.forEach((_, text) => {
        const start = text * labels.length
        logits[side].push(compared.logits[side].subarray(start, start + labels.length))
      })
    }
  }
  const scores = {
    device: logits.device.map((row) => probabilities(row, head)),
    reference: logits.reference.map((row) => probabilities(row, head)),
  }
  const shape = [texts.length, labels.length]
  const { inputs, operators, modules, unmatched } = merger.merged()
  const whole = operators.filter(({ within }) => within === undefined)
  const judgeRows = (rows: { device: Rows; reference: Rows }) =>
    judge(standard, {
      operator: undefined,
      errorClass: 'accumulated',
      dtype: precision.dtype,
      shape,
      actual: flat(rows.device),
      expected: flat(rows.reference),
      depth: whole.length,
    })
  const ofLogits = judgeRows(logits)
  const reruns = operators.map(({ setting, ...operator }) => ({
    ...operator,
    rerun: rerunCommand({ ...operator, setting }, device, reference),
  }))
  const result: Omit<ComparisonResult, 'verdict' | 'firstDivergent'> = {
    model: { name: device.name, layers: config.num_hidden_layers, labels },
    device: sideOf(device),
    reference: sideOf(reference),
    standard: standard.name,
    modes,
    environment: environment(),
    agreement: agreementOf(scores.device, scores.reference, labels, threshold),
    logits: ofLogits.metrics,
    probabilities: judgeRows(scores).metrics,
    logitsVerdict: ofLogits.verdict,
    texts: texts.map((text, index) => ({
      index,
      text,
      device: bestThree(scores.device[index]!, labels),
      reference: bestThree(scores.reference[index]!, labels),
      deviceProbabilities: scores.device[index]!,
      referenceProbabilities: scores.reference[index]!,
      maxLogitError: largestDifference(logits.device[index]!, logits.reference[index]!),
    })),
    inputs,
    parameters: await compareParameters(device, reference, precision),
    modules,
    operators: reruns,
    unmatched,
    grafts: {
      done: whole.filter(({ grafted }) => grafted !== undefined).length,
      leftOut: modes.includes('grafted')
        ? whole.filter(({ grafted }) => grafted === undefined).length
        : 0,
    },
    sample: [
      ...samplePairs(flat(logits.device), flat(logits.reference), mostLogitSamples),
      ...hidden,
    ],
  }
  const verdict = finalVerdict(result)
  return { verdict, ...result, firstDivergent: firstDivergent(reruns, verdict) }
}

type Rows = readonly ArrayLike<number>[]

function flat(rows: Rows): Float64Array {
  return Float64Array.from(rows.flatMap((row) => Array.from(row)))
}

function bestThree(scores: readonly number[], labels: readonly string[]): Scored[] {
  return ranking(scores, labels)
    .slice(0, 3)
    .map(({ label, score }) => ({ label, probability: score }))
}

/** NaN where one of the two is. */
function largestDifference(a: Float64Array, b: Float64Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0)
}

function check({
  texts,
  batchSize,
  threshold = 0,
  grafts = 0,
  modes = allModes,
}: CompareOptions): void {
  if (texts.length === 0) throw new InvalidArgumentError('texts', 'there are none')
  if (batchSize !== undefined) checkBatchSize(batchSize)
  if (!(threshold >= 0 && threshold <= 1)) {
    throw new InvalidArgumentError('threshold', `${threshold} is not a number from 0 to 1`)
  }
  if (!Number.isInteger(grafts) || grafts < 0) {
    throw new InvalidArgumentError('grafts', `${grafts} is not a whole number from 0 on`)
  }
  const unknown = modes.find((mode) => !allModes.includes(mode))
  if (unknown !== undefined || modes.length === 0) {
    throw new InvalidArgumentError('modes', `${unknown ?? 'none'} is no mode`, {
      hint: `use some of ${allModes.join(', ')}`,
    })
  }
}

/** Two models are made alike if their weights have the same names and shapes, and their labels are the same. */
function checkAlike(device: Subject, reference: Subject): void {
  const [ours, theirs] = [parametersOf(device), parametersOf(reference)]
  const odd = [...new Set([...ours.keys(), ...theirs.keys()])].find((name) => {
    const [own, other] = [ours.get(name), theirs.get(name)]
    return own === undefined || other === undefined || !sameShape(own.shape, other.shape)
  })
  if (odd !== undefined) {
    throw new InvalidArgumentError('models', `${odd} is not the same on both sides`, {
      hint: 'compare two devices with one model',
    })
  }
  const labels = [device, reference].map(({ model }) => JSON.stringify(model.config.labels))
  if (labels[0] !== labels[1]) throw new InvalidArgumentError('models', 'their labels differ')
}
