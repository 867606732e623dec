/**
 * Whether a model on disk is the published one, and whether a device computes it right.
 *
 * Each step says something only if those before it passed: config.json and tokenizer, then the
 * outputs of a few texts on the device. Where these differ, a second device tells whether it is the
 * weights or the first device.
 */
import { basename } from 'node:path'
import { checkOneDevice } from '../../backends/device-name.ts'
import { choicesAmong, type DeviceOptions, optionsFor } from '../../backends/open.ts'
import { type Labelled, labelOf } from '../../bench/report.ts'
import { readConfig } from '../../model/load-model.ts'
import { locateModel } from '../../model/locate.ts'
import type { LogitsOptions } from '../../model/logits-in-order.ts'
import { type LoadOptions, SequenceClassifier } from '../../model/sequence-classifier.ts'
import { RobertaTokenizer } from '../../tokenizer/tokenizer.ts'
import { type DatasetFormat, readDataset } from '../dataset/read-dataset.ts'
import {
  type Check,
  checkConfig,
  checkMetrics,
  checkOutputs,
  checkTokenizer,
  skipped,
} from './checks.ts'
import type { PublishedFigures } from './published-figures.ts'
import { robertaBaseGoEmotions } from './roberta-base-go-emotions.ts'

export interface VerifyOptions
  extends DeviceOptions,
    Pick<LogitsOptions, 'batchSize' | 'onProgress'> {
  /** A directory or the id of a downloaded model; the id of the published one if missing. */
  readonly modelPath?: string | undefined
  /** A device string; the best device if missing. */
  readonly device?: string | undefined
  /** The test split, for the published metrics: a file. They are not looked at if missing. */
  readonly dataset?: string | undefined
  readonly datasetFormat?: DatasetFormat | undefined
  readonly onWarning?: LoadOptions['onWarning']
  /** SamLowe/roberta-base-go_emotions if missing. */
  readonly published?: PublishedFigures | undefined
}

/**
 * - verified: everything that was looked at is as published;
 * - other-model: config.json, labels or tokenizer are not those of the model;
 * - other-weights: two devices agree that the outputs are not the published ones;
 * - device: another device gives the published outputs, this one does not;
 * - other-dataset: the file is not the test split;
 * - metrics: outputs of single texts are as published, figures of the test split are not.
 */
export type Verdict =
  | 'verified'
  | 'other-model'
  | 'other-weights'
  | 'device'
  | 'other-dataset'
  | 'metrics'

export interface VerificationReport extends Labelled {
  /** Id of the published model. */
  readonly published: string
  readonly directory: string
  /** What was asked for; where no outputs were computed, it was not opened. */
  readonly device: string
  readonly settings: Readonly<Record<string, string>>
  readonly verdict: Verdict
  /** The verdict in a sentence, and what to do. */
  readonly summary: string
  readonly checks: readonly Check[]
}

const notThisModel = 'this is another model'

/**
 * Verifies a model, in float32. Throws a `RobertaAscendError` where the model or the dataset cannot be
 * read or the device cannot be opened or fails; no device stays open.
 */
export async function verifyModel(options: VerifyOptions = {}): Promise<VerificationReport> {
  const {
    published = robertaBaseGoEmotions,
    modelPath = published.model,
    device,
    ...rest
  } = options
  if (device !== undefined) checkOneDevice(device)
  const directory = await locateModel(modelPath)
  const dataset =
    rest.dataset === undefined ? undefined : await readDataset(rest.dataset, rest.datasetFormat)
  const identity = checkConfig(await readConfig(directory), published)
  if (passes(identity)) {
    identity.push(checkTokenizer(await RobertaTokenizer.load(directory), published))
  }
  const origin = { published: published.model, directory }
  if (!passes(identity)) {
    const failed = identity.filter(({ status }) => status === 'fail')
    const differ = failed.map(({ subject }) => subject).join(' and ')
    return {
      ...origin,
      device: device ?? 'auto',
      settings: {},
      verdict: 'other-model',
      summary:
        `${basename(directory)} is not ${published.model}: ${differ} ` +
        `${failed.length === 1 ? 'is' : 'are'} not as published. No device was tried.`,
      checks: [...identity, skipped('outputs', notThisModel), skipped('metrics', notThisModel)],
    }
  }
  const choices = choicesAmong(rest)
  const { onWarning } = rest
  await using classifier = await SequenceClassifier.load({
    modelPath: directory,
    device,
    onWarning,
    ...choices,
  })
  const { device: used, settings } = classifier
  const side = { device: used, ...labelOf(used), settings }
  const outputs = await checkOutputs(classifier, published)
  const report = (verdict: Verdict, summary: string, ...more: Check[]): VerificationReport => {
    const checks = [...identity, ...outputs, ...more]
    return { ...origin, ...side, verdict, summary, checks }
  }
  if (!passes(outputs)) {
    const other = await checkElsewhere(directory, used, choices, published)
    const metrics = skipped('metrics', 'the outputs are not as published')
    const [verdict, summary] = blame(used, other, published)
    return report(verdict, summary, ...other.checks, metrics)
  }
  const verified = `${basename(directory)} is ${published.model}, and ${named(used)} computes it as published.`
  if (dataset === undefined) {
    return report('verified', verified, skipped('metrics', 'no dataset was given'))
  }
  const metrics = await checkMetrics(classifier, dataset, published, rest)
  if (passes(metrics)) return report('verified', verified, ...metrics)
  return metrics.length === 1
    ? report('other-dataset', `${dataset.name} is not the test split.`, ...metrics)
    : report(
        'metrics',
        `The outputs of single texts are as published, those of the whole test split are not. ` +
          `What ${named(used)} has to do with it shows: roberta-ascend evaluate --model ${directory} ` +
          `--dataset ${dataset.name} --device ${used} --compare ${otherDevice(used)}`,
        ...metrics,
      )
}

function passes(checks: readonly Check[]): boolean {
  return checks.length > 0 && checks.every(({ status }) => status === 'pass')
}

interface Elsewhere {
  readonly device: string
  readonly checks: readonly Check[]
}

/** The specification; and where that is what is asked about, the CPU backend. */
function otherDevice(device: string): string {
  return device === 'reference' ? 'cpu' : 'reference'
}

async function checkElsewhere(
  directory: string,
  device: string,
  choices: DeviceOptions,
  published: PublishedFigures,
): Promise<Elsewhere> {
  const other = otherDevice(device)
  await using classifier = await SequenceClassifier.load({
    modelPath: directory,
    device: other,
    onWarning: () => {},
    ...optionsFor(other, choices),
  })
  return { device: other, checks: await checkOutputs(classifier, published) }
}

function blame(device: string, other: Elsewhere, { model }: PublishedFigures): [Verdict, string] {
  if (passes(other.checks)) {
    return [
      'device',
      `The weights are those of ${model}: ${other.device} gives the published outputs. ` +
        `${named(device)} does not; find the operator with roberta-ascend compare --device ${device}.`,
    ]
  }
  return [
    'other-weights',
    `The weights are not those of ${model}: ${other.device} does not give the published outputs ` +
      `either. That says nothing against ${named(device)}; download the model again.`,
  ]
}

function named(device: string): string {
  const { label } = labelOf(device)
  return label === undefined ? device : `${device} (${label})`
}
