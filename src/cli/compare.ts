/** `compare`: two devices, from the probabilities of texts down to single operators. */
import { Command, Option, InvalidArgumentError as UsageError } from 'commander'
import type { DeviceOptions } from '../backends/open.ts'
import { InvalidArgumentError } from '../errors.ts'
import { defaultGrafts } from '../precision/compare/compare.ts'
import { compareDevices } from '../precision/compare/compare-devices.ts'
import { type Mode, modes } from '../precision/compare/result.ts'
import { writeReport } from '../precision/report/write-report.ts'
import { defaultStandard, standardNames } from '../precision/standards/index.ts'
import { compareTraces } from '../precision/trace/compare-traces.ts'
import { openTrace } from '../precision/trace/trace.ts'
import { type FloatDType, floatDTypes } from '../tensor/dtype.ts'
import { checkCanWrite } from '../write-file.ts'
import { note, Progress } from './notes.ts'
import {
  batchSizeOption,
  choicesIn,
  choicesOfDevices,
  collect,
  deviceOption,
  dtypeOption,
  fraction,
  maxLengthOption,
  modelOption,
  wholeNumber,
} from './options.ts'
import { renderComparison } from './output/comparison.ts'
import { renderTraceComparison } from './output/trace-comparison.ts'
import { givenTexts } from './text-source.ts'
import { exitBy, printResult } from './verdict.ts'

/** What means nothing where nothing is run. */
const live = [
  ...['text', 'batchFile', 'model', 'referenceModel', 'device', 'reference', 'dtype'],
  ...['referenceDtype', 'threads'],
  ...['cubeMathType', 'aclnn', 'modes', 'threshold', 'grafts', 'batchSize', 'maxLength', 'layout'],
  ...['cases', 'report'],
]

interface Options extends DeviceOptions {
  readonly text?: readonly string[]
  readonly batchFile?: string
  readonly model?: string
  readonly referenceModel?: string
  readonly device: string
  readonly reference: string
  readonly dtype: FloatDType
  readonly referenceDtype?: FloatDType
  readonly standard: string
  readonly modes: readonly Mode[]
  readonly threshold: number
  readonly grafts: number
  readonly batchSize: number
  readonly maxLength?: number
  readonly layout?: 'packed' | 'padded'
  readonly deviceTrace?: string
  readonly referenceTrace?: string
  readonly cases?: string
  readonly report?: string
  readonly all?: true
  readonly format: 'table' | 'json'
}

export function compareCommand(): Command {
  const command = new Command('compare')
    .description('compare two devices: probabilities, logits, layers, operators')
    .option('--text <TEXT>', 'a text; may be given several times', collect)
    .option('--batch-file <FILE>', 'a file with one text a line (default: 23 built-in texts)')
    .addOption(modelOption())
    .option(
      '--reference-model <DIR|HUB_ID>',
      'another model for the reference, made alike (default: that of --model)',
    )
    .addOption(deviceOption())
    .option('--reference <DEVICE>', 'the device to compare with', 'reference')
    .addOption(dtypeOption())
    .addOption(
      new Option('--reference-dtype <DTYPE>', 'the dtype there (default: that of --dtype)').choices(
        floatDTypes,
      ),
    )
    .option(
      '--standard <NAME|FILE>',
      `what decides: ${standardNames.join(', ')} or a .json file of rules`,
      defaultStandard,
    )
    .option('--modes <MODES>', `how operators are compared, between commas`, someModes, modes)
    .option('--threshold <SCORE>', 'the score from which on a label is chosen', fraction, 0.3)
    .option(
      '--grafts <COUNT>',
      'operators of each batch that are grafted at most, those with the largest errors',
      wholeNumber,
      defaultGrafts,
    )
    .addOption(batchSizeOption())
    .addOption(maxLengthOption())
    .addOption(
      new Option(
        '--layout <LAYOUT>',
        'of texts in rows (default: what the device prefers)',
      ).choices(['packed', 'padded']),
    )
    .addOption(
      new Option('--device-trace <DIR>', 'compare what trace wrote, and run nothing').conflicts(
        live,
      ),
    )
    .addOption(new Option('--reference-trace <DIR>', 'the trace to compare with').conflicts(live))
    .option(
      '--cases <DIR>',
      'save the inputs of operators that do not pass by themselves, for the commands that run them again',
    )
    .option('--report <FILE>', 'also write the result as one HTML file that opens offline')
    .option('--all', 'list every operator, or every tensor of a trace, not only the worst')
    .addOption(
      new Option('--format <FORMAT>', 'how the result is written')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText('after', '\nExit codes: 0 the verdict passes or warns, 1 it is an error.')
    .action(compare)
  for (const option of choicesOfDevices()) command.addOption(option)
  return command
}

async function compare(options: Options): Promise<void> {
  const { deviceTrace, referenceTrace } = options
  if (options.report !== undefined) await checkCanWrite(options.report)
  if (deviceTrace !== undefined && referenceTrace !== undefined) {
    return compareRecorded(deviceTrace, referenceTrace, options)
  }
  if (deviceTrace !== undefined || referenceTrace !== undefined) {
    const missing = deviceTrace === undefined ? '--device-trace' : '--reference-trace'
    throw new InvalidArgumentError(missing, 'is missing', { hint: 'give both traces' })
  }
  const progress = new Progress('{bar} {percentage} %, {eta_formatted} left', 100)
  const result = await compareDevices({
    device: options.device,
    reference: options.reference,
    dtype: options.dtype,
    referenceDType: options.referenceDtype,
    modelPath: options.model,
    referenceModelPath: options.referenceModel,
    texts: await givenTexts(options),
    ...choicesIn(options),
    standard: options.standard,
    modes: options.modes,
    threshold: options.threshold,
    grafts: options.grafts,
    batchSize: options.batchSize,
    maxLength: options.maxLength,
    layout: options.layout,
    cases: options.cases,
    onWarning: (message) => note(`warning: ${message}`),
    onProgress: (part) => progress.update(Math.floor(part * 100), 100),
  }).finally(() => progress.stop())
  await printResult(result, options, (look) => renderComparison(result, options, look))
  if (options.report !== undefined) {
    await writeReport(result, options.report)
    note(`Wrote ${options.report}.`)
  }
  exitBy(result.verdict)
}

async function compareRecorded(ours: string, theirs: string, options: Options): Promise<void> {
  await using device = await openTrace(ours)
  await using reference = await openTrace(theirs)
  const result = await compareTraces(device, reference, options)
  const sides = { device, reference }
  await printResult(result, options, (look) => renderTraceComparison(result, sides, options, look))
  exitBy(result.verdict)
}

function someModes(text: string): readonly Mode[] {
  const given = text.split(',')
  const isKnown = given.every((name) => (modes as readonly string[]).includes(name))
  if (!isKnown) throw new UsageError(`must be some of ${modes.join(', ')}, between commas.`)
  return modes.filter((mode) => given.includes(mode))
}
