/** `evaluate`: how good a model is on labelled texts, on one device or on several. */
import { basename } from 'node:path'
import { Command, Option } from 'commander'
import type { DeviceOptions } from '../backends/open.ts'
import { type DatasetFormat, datasetFormats } from '../evaluation/dataset/read-dataset.ts'
import { defaultThreshold, evaluate } from '../evaluation/evaluate.ts'
import type { EvaluationReport } from '../evaluation/report.ts'
import { bestThresholds, saveThresholds } from '../evaluation/thresholds.ts'
import { readConfig } from '../model/load-model.ts'
import { locateModel } from '../model/locate.ts'
import type { Threshold } from '../model/scores.ts'
import { type FloatDType, floatDTypes } from '../tensor/dtype.ts'
import { note, Progress } from './notes.ts'
import {
  batchSizeOption,
  choicesIn,
  choicesOfDevices,
  choicesOfForwards,
  devicesOption,
  dtypeOption,
  fraction,
  maxLengthOption,
  modelOption,
  positiveInteger,
} from './options.ts'
import { evaluationCsv, renderEvaluation } from './output/evaluation.ts'
import { Sink } from './output/sink.ts'
import { terminalLook } from './output/terminal.ts'
import { packageInfo } from './package-info.ts'
import { type ThresholdOptions, thresholdFrom } from './thresholds.ts'

interface Options extends ThresholdOptions, DeviceOptions {
  readonly dataset: string
  readonly datasetFormat?: DatasetFormat
  readonly limit?: number
  readonly model?: string
  readonly device: string
  readonly compare?: readonly string[]
  readonly dtype: FloatDType
  readonly compareDtype?: FloatDType
  readonly saveThresholds?: string
  readonly batchSize: number
  readonly maxLength?: number
  readonly format: 'table' | 'json' | 'csv'
}

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description('measure a model on labelled texts: F1, ROC-AUC, calibration, best thresholds')
    .requiredOption('--dataset <FILE>', 'texts with their labels: .tsv, .csv or .jsonl')
    .addOption(
      new Option('--dataset-format <FORMAT>', 'of the file, if its extension does not say').choices(
        datasetFormats,
      ),
    )
    .option('--limit <COUNT>', 'only so many texts, the first ones', positiveInteger)
    .addOption(modelOption())
    .addOption(devicesOption())
    .option('--compare <DEVICE...>', 'other devices, to see what differs from the first')
    .addOption(dtypeOption())
    .addOption(
      new Option(
        '--compare-dtype <DTYPE>',
        'of the other devices (default: that of --dtype)',
      ).choices(floatDTypes),
    )
    .option(
      '--threshold <NUMBER>',
      `decide for labels with at least this score (default: ${defaultThreshold})`,
      fraction,
    )
    .option('--thresholds <FILE>', 'a threshold for each label, from --save-thresholds')
    .option('--save-thresholds <FILE>', 'write the best threshold of each label on these texts')
    .addOption(batchSizeOption())
    .addOption(maxLengthOption())
    .addOption(
      new Option('--format <FORMAT>', 'how the report is written')
        .choices(['table', 'json', 'csv'])
        .default('table'),
    )
    .action(run)
  for (const option of [...choicesOfDevices(), ...choicesOfForwards()]) command.addOption(option)
  return command
}

async function run(options: Options): Promise<void> {
  const threshold = await givenThreshold(options)
  const progress = new Progress('{bar} {value}/{total} texts, {eta_formatted} left', 0)
  const report = await evaluate({
    dataset: options.dataset,
    datasetFormat: options.datasetFormat,
    limit: options.limit,
    modelPath: options.model,
    devices: [options.device, ...(options.compare ?? [])],
    dtype: options.dtype,
    compareDType: options.compareDtype,
    ...choicesIn(options),
    threshold,
    batchSize: options.batchSize,
    maxLength: options.maxLength,
    onWarning: (message) => note(`warning: ${message}`),
    onProgress: (done, total) => progress.update(done, total),
  }).finally(() => progress.stop())
  if (options.saveThresholds !== undefined) await save(options.saveThresholds, report)
  await new Sink(process.stdout).write(render(report, options))
}

async function givenThreshold(options: Options): Promise<Threshold | undefined> {
  if (options.thresholds === undefined) return options.threshold
  const directory = await locateModel(options.model)
  const { labels } = await readConfig(directory)
  return thresholdFrom(options, { name: basename(directory), labels })
}

async function save(file: string, { model, dataset, devices: [first] }: EvaluationReport) {
  const { device, dtype, quality } = first!
  const origin = { model: model.name, dataset: dataset.name, device, dtype }
  const saved = bestThresholds(quality, origin)
  await saveThresholds(file, saved)
  const without = Object.keys(saved.chosen.withoutPositives)
  const rest =
    without.length === 0 ? '' : `; no text has ${without.join(', ')}: thresholds as given`
  note(`Thresholds of ${quality.labels.length} labels are in ${file}${rest}.`)
}

function render(report: EvaluationReport, { format }: Options): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify({ version: packageInfo().version, ...report }, undefined, 2)}\n`
    case 'csv':
      return evaluationCsv(report)
    case 'table':
      return renderEvaluation(report, terminalLook(process.stdout, process.env))
  }
}
