/** `verify`: whether a downloaded model is the published one, and computed as published. */
import { Command, Option } from 'commander'
import type { DeviceOptions } from '../backends/open.ts'
import { type DatasetFormat, datasetFormats } from '../evaluation/dataset/read-dataset.ts'
import { robertaBaseGoEmotions } from '../evaluation/verify/roberta-base-go-emotions.ts'
import { verifyModel } from '../evaluation/verify/verify-model.ts'
import { Exit } from './exit.ts'
import { note, Progress } from './notes.ts'
import { choicesIn, choicesOfDevices, choicesOfForwards, deviceOption } from './options.ts'
import { Sink } from './output/sink.ts'
import { terminalLook } from './output/terminal.ts'
import { renderVerification } from './output/verification.ts'
import { packageInfo } from './package-info.ts'

interface Options extends DeviceOptions {
  readonly model: string
  readonly device: string
  readonly dataset?: string
  readonly datasetFormat?: DatasetFormat
  readonly format: 'table' | 'json'
}

const failedExitCode = 1

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description(`check a downloaded ${robertaBaseGoEmotions.model} against published figures`)
    .option(
      '--model <DIR|HUB_ID>',
      'where it is, or its id once downloaded',
      robertaBaseGoEmotions.model,
    )
    .addOption(deviceOption())
    .option('--dataset <FILE>', 'test split of GoEmotions: check the published metrics too')
    .addOption(
      new Option('--dataset-format <FORMAT>', 'of the file, if its extension does not say').choices(
        datasetFormats,
      ),
    )
    .addOption(
      new Option('--format <FORMAT>', 'how the report is written')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText('after', '\nExit codes: 0 everything is as published, 1 something is not.')
    .action(run)
  for (const option of [...choicesOfDevices(), ...choicesOfForwards()]) command.addOption(option)
  return command
}

async function run({ model, format, ...options }: Options): Promise<void> {
  const progress = new Progress('{bar} {value}/{total} texts, {eta_formatted} left', 0)
  const report = await verifyModel({
    modelPath: model,
    device: options.device,
    dataset: options.dataset,
    datasetFormat: options.datasetFormat,
    ...choicesIn(options),
    onWarning: (message) => note(`warning: ${message}`),
    onProgress: (done, total) => progress.update(done, total),
  }).finally(() => progress.stop())
  const text =
    format === 'json'
      ? `${JSON.stringify({ version: packageInfo().version, ...report }, undefined, 2)}\n`
      : renderVerification(report, terminalLook(process.stdout, process.env))
  await new Sink(process.stdout).write(text)
  if (report.verdict !== 'verified') throw new Exit(failedExitCode)
}
