/**
 * How good a model is on labelled texts, on one device or on several: whether a difference in
 * precision between them makes a difference in what they decide.
 *
 * Devices run one after the other, so that only one holds the model at a time.
 */
import { basename } from 'node:path'
import { choicesAmong, defaultDevice, optionsForEach } from '../backends/open.ts'
import { labelOf } from '../bench/report.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { LogitsOptions } from '../model/logits-in-order.ts'
import { checkThreshold, type Threshold, thresholdOf } from '../model/scores.ts'
import { type LoadOptions, SequenceClassifier } from '../model/sequence-classifier.ts'
import { eachOnce } from '../model/warnings.ts'
import { agreementOf } from '../precision/agreement.ts'
import type { FloatDType } from '../tensor/dtype.ts'
import type { Dataset, LabelledText } from './dataset/labelled-texts.ts'
import { type DatasetFormat, readDataset } from './dataset/read-dataset.ts'
import { predict } from './predict.ts'
import { decisionsOf, type Judged, type Quality, qualityOf } from './quality/quality.ts'
import {
  type DecisionFlip,
  type DeviceSide,
  differencesOf,
  type EvaluationReport,
  type QualityComparison,
} from './report.ts'
import { noThresholds } from './thresholds.ts'

/** Of a multi-label model; that of the published figures of most models. */
export const defaultThreshold = 0.5

export interface EvaluateOptions
  extends Omit<LoadOptions, 'device'>,
    Pick<LogitsOptions, 'batchSize' | 'maxLength'> {
  /** A file, or texts with their labels by id or name. */
  readonly dataset: string | readonly LabelledText[]
  /** Of a file; told from its extension if missing. */
  readonly datasetFormat?: DatasetFormat | undefined
  /** Only so many texts, the first ones. */
  readonly limit?: number | undefined
  /** Device strings; the first is what the others are compared with. `auto` if missing. */
  readonly devices?: readonly string[] | undefined
  /** Of all devices but the first; `dtype` if missing. */
  readonly compareDType?: FloatDType | undefined
  /** From where on a multi-label model decides for a label; 0.5 if missing. */
  readonly threshold?: Threshold | undefined
  /** Told after each batch how many texts are done, over all devices. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * Evaluates. Throws `DatasetError` with the line of a faulty row, `InvalidArgumentError` for a
 * senseless option, `NonFiniteLogitsError`, and what opening a device, loading the model or computing
 * throws; no device stays open.
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluationReport> {
  const { dataset, datasetFormat, devices = [defaultDevice], ...rest } = options
  const { limit = Infinity } = rest
  if (devices.length === 0) throw new InvalidArgumentError('devices', 'there are none')
  if (!(limit === Infinity || (Number.isInteger(limit) && limit > 0))) {
    throw new InvalidArgumentError('limit', `${limit} is not a positive integer`)
  }
  const whole =
    typeof dataset === 'string'
      ? await readDataset(dataset, datasetFormat)
      : { name: 'dataset', rows: dataset }
  const runs: Run[] = []
  for (const [at, loadOptions] of loadOptionsOf(devices, rest).entries()) {
    await using classifier = await SequenceClassifier.load(loadOptions)
    runs.push(
      await runDevice(classifier, whole, {
        ...rest,
        onProgress: (done, total) => rest.onProgress?.(at * total + done, devices.length * total),
      }),
    )
  }
  const [first, ...others] = runs as [Run, ...Run[]]
  return {
    model: first.model,
    dataset: {
      name: basename(whole.name),
      texts: first.judged.right.length,
      truncated: first.truncated,
    },
    devices: runs.map(({ side, quality }) => ({ ...side, quality })),
    comparisons: others.map((run) => comparisonOf(run, first, whole)),
  }
}

/** What one device gave. */
interface Run {
  readonly model: EvaluationReport['model']
  readonly side: DeviceSide
  readonly truncated: number
  readonly judged: Judged
  readonly quality: Quality
}

type RunOptions = Pick<
  EvaluateOptions,
  'threshold' | 'limit' | 'batchSize' | 'maxLength' | 'onProgress'
>

async function runDevice(
  classifier: SequenceClassifier,
  dataset: Dataset,
  { threshold, ...options }: RunOptions,
): Promise<Run> {
  const { name, config, device, settings, dtype } = classifier
  const { labels, head } = config
  if (head === 'softmax' && threshold !== undefined) throw noThresholds()
  const own = threshold ?? defaultThreshold
  checkThreshold(own, labels)
  const { truncated, ...predicted } = await predict(classifier, dataset, options)
  const judged = { ...predicted, thresholds: labels.map((label) => thresholdOf(own, label)) }
  return {
    model: { name, layers: config.num_hidden_layers, head },
    side: { device, ...labelOf(device), dtype, settings },
    truncated,
    judged,
    quality: qualityOf(judged),
  }
}

/** What each device is loaded with. */
function loadOptionsOf(
  devices: readonly string[],
  options: Omit<EvaluateOptions, 'dataset'>,
): LoadOptions[] {
  const { modelPath, dtype, compareDType = dtype, onWarning } = options
  const warn = eachOnce(onWarning)
  const choices = optionsForEach(devices, choicesAmong(options))
  return devices.map((device, at) => ({
    modelPath,
    device,
    dtype: at === 0 ? dtype : compareDType,
    onWarning: warn,
    ...choices[at],
  }))
}

function comparisonOf(run: Run, first: Run, { rows }: Dataset): QualityComparison {
  const { labels, thresholds, right } = first.judged
  const { flips: _, ...agreement } = agreementOf(
    run.judged.probabilities,
    first.judged.probabilities,
    labels,
    thresholds,
  )
  const [decided, baseline] = [decisionsOf(run.judged), decisionsOf(first.judged)]
  const flips = decided.flatMap((row, text) =>
    row.flatMap((isChosen, id): DecisionFlip[] => {
      if (isChosen === baseline[text]![id]) return []
      return [
        {
          text,
          line: rows[text]!.line,
          label: labels[id]!,
          device: run.judged.probabilities[text]![id]!,
          baseline: first.judged.probabilities[text]![id]!,
          threshold: first.quality.labels[id]!.threshold,
          right: isChosen === right[text]!.includes(id) ? 'device' : 'baseline',
        },
      ]
    }),
  )
  const differences = differencesOf(run.quality, first.quality)
  return { device: run.side, baseline: first.side, differences, agreement, flips }
}
