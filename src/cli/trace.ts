/** `trace`: records what operators and modules computed, and watches for NaN and infinities. */
import { Command, Option, InvalidArgumentError as UsageError } from 'commander'
import { checkOneDevice } from '../backends/device-name.ts'
import type { DeviceOptions } from '../backends/open.ts'
import { builtInTexts } from '../bench/workload.ts'
import { InvalidArgumentError } from '../errors.ts'
import { SequenceClassifier } from '../model/sequence-classifier.ts'
import { type OperatorName, operatorNames } from '../ops/index.ts'
import type { Manifest } from '../precision/trace/manifest.ts'
import { defaultMaxHeldBytes, traceForward } from '../precision/trace/trace-forward.ts'
import type { FloatDType } from '../tensor/dtype.ts'
import { Exit } from './exit.ts'
import { note } from './notes.ts'
import {
  choicesIn,
  choicesOfDevices,
  collect,
  deviceOption,
  dtypeOption,
  maxLengthOption,
  modelOption,
  positiveInteger,
} from './options.ts'
import { Sink } from './output/sink.ts'
import { terminalLook } from './output/terminal.ts'
import { renderBad, renderStatistics } from './output/trace.ts'
import { givenTexts } from './text-source.ts'

interface Options extends DeviceOptions {
  readonly text?: readonly string[]
  readonly batchFile?: string
  readonly model?: string
  readonly device: string
  readonly dtype: FloatDType
  readonly maxLength?: number
  readonly output?: string
  readonly format: 'safetensors' | 'npy'
  readonly stats?: true
  readonly watch?: true
  readonly layers?: readonly number[]
  readonly ops?: readonly OperatorName[] | 'all'
  readonly modules?: true
  readonly scope?: RegExp
  readonly inputs?: true
  readonly inside?: true
  readonly parameters?: true
  readonly maxHeld: number
}

const failedExitCode = 1
const mebibyte = 2 ** 20

export function traceCommand(): Command {
  const command = new Command('trace')
    .description('record what operators and modules compute, or watch them for NaN and infinities')
    .option('--output <DIR>', 'a new directory for the tensors and manifest.json')
    .option('--stats', 'statistics only, which are printed; with --output in the manifest alone')
    .option('--watch', 'stop at the first operator with a NaN or an infinity in its output')
    .option('--layers <NUMBERS>', 'only in these layers, from 0 on, between commas', layers)
    .option('--scope <REGEXP>', 'only in modules whose path matches', regularExpression)
    .option('--ops <NAMES>', 'operators, between commas, or all (default: modules)', operators)
    .option('--modules', 'outputs of modules, also where --ops is given')
    .option('--inputs', 'inputs of modules too; those of operators are always recorded')
    .option('--inside', 'look into composite operators, which are then not fused')
    .option('--parameters', 'also the weights that recorded operators use')
    .addOption(
      new Option('--format <FORMAT>', 'one file for all tensors, or one .npy file for each')
        .choices(['safetensors', 'npy'])
        .default('safetensors'),
    )
    .option(
      '--text <TEXT>',
      'a text; may be given several times (default: 23 built-in texts)',
      collect,
    )
    .option('--batch-file <FILE>', 'a file with one text a line; all run as one batch')
    .addOption(maxLengthOption())
    .option(
      '--max-held <MIB>',
      'activations that may be held at a time; the forward is repeated where that is too little',
      positiveInteger,
      defaultMaxHeldBytes / mebibyte,
    )
    .addOption(modelOption())
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addHelpText('after', '\nExit codes: 0 done, 1 --watch found a NaN or an infinity.')
    .action(trace)
  for (const option of choicesOfDevices()) command.addOption(option)
  return command
}

async function trace(options: Options): Promise<void> {
  const { output, stats, watch } = options
  if (output === undefined && stats !== true && watch !== true) {
    throw new InvalidArgumentError('--output', 'is missing', {
      hint: 'say where the trace goes, or print statistics with --stats, or use --watch',
    })
  }
  checkOneDevice(options.device)
  const texts = (await givenTexts(options)) ?? builtInTexts()
  await using classifier = await SequenceClassifier.load({
    modelPath: options.model,
    device: options.device,
    dtype: options.dtype,
    ...choicesIn(options),
    onWarning: (message) => note(`warning: ${message}`),
  })
  const { manifest, bad } = await traceForward(classifier, texts, {
    output,
    format: stats === true ? 'statistics' : options.format,
    watch: watch === true,
    layers: options.layers,
    scope: options.scope,
    operators: options.ops,
    modules: options.modules ?? options.ops === undefined,
    inputs: options.inputs,
    inside: options.inside,
    parameters: options.parameters,
    maxLength: options.maxLength,
    maxHeldBytes: options.maxHeld * mebibyte,
  })
  const look = terminalLook(process.stdout, process.env)
  const sink = new Sink(process.stdout)
  if (stats === true) await sink.write(renderStatistics(manifest, look))
  if (output !== undefined) note(written(output, manifest))
  if (bad !== undefined) {
    await sink.write(renderBad(bad, manifest, look))
    throw new Exit(failedExitCode)
  }
  if (watch === true) note('No NaN and no infinity in the output of any operator that was watched.')
}

function written(output: string, { tensors, operators, modules, stoppedAt }: Manifest): string {
  const end = stoppedAt === undefined ? '' : ', up to the operator where the watch stopped'
  return (
    `Wrote ${output}: ${tensors.length} tensors of ${operators.length} operators ` +
    `and ${modules.length} modules${end}.`
  )
}

function layers(text: string): number[] {
  if (!/^\d{1,6}(,\d{1,6})*$/.test(text)) {
    throw new UsageError('must be numbers from 0 on, between commas.')
  }
  return text.split(',').map(Number)
}

function operators(text: string): OperatorName[] | 'all' {
  if (text === 'all') return text
  return text.split(',').map((given) => {
    const name = operatorNames.find((known) => known === given)
    if (name === undefined) {
      throw new UsageError(`must be all, or names between commas of ${operatorNames.join(', ')}.`)
    }
    return name
  })
}

function regularExpression(text: string): RegExp {
  try {
    return new RegExp(text, 'u')
  } catch (error) {
    throw new UsageError(`must be a regular expression: ${(error as Error).message}.`)
  }
}
