/** `compare`: two devices, from the probabilities of texts down to single operators. */
import { Command, Option, InvalidArgumentError as UsageError } from 'commander'
import type { Alternative, CubeMathType } from '../backends/npu/constants.ts'
import { InvalidArgumentError } from '../errors.ts'
import { defaultBatchSize } from '../model/classify.ts'
import { defaultGrafts } from '../precision/compare/compare.ts'
import { compareDevices } from '../precision/compare/compare-devices.ts'
import { type Mode, modes } from '../precision/compare/result.ts'
import { toJson } from '../precision/json.ts'
import { writeReport } from '../precision/report/write-report.ts'
import { defaultStandard, standardNames, type Verdict } from '../precision/standards/index.ts'
import { compareTraces } from '../precision/trace/compare-traces.ts'
import { openTrace } from '../precision/trace/trace.ts'
import { type FloatDType, floatDTypes } from '../tensor/dtype.ts'
import { Exit } from './exit.ts'
import { note, Progress } from './notes.ts'
import {
  choicesOfDevices,
  collect,
  deviceOption,
  dtypeOption,
  fraction,
  modelOption,
  positiveInteger,
  wholeNumber,
} from './options.ts'
import { renderComparison } from './output/comparison.ts'
import { Sink } from './output/sink.ts'
import { type TerminalLook, terminalLook } from './output/terminal.ts'
import { renderTraceComparison } from './output/trace-comparison.ts'
import { packageInfo } from './package-info.ts'
import { openTexts } from './text-source.ts'

const failedExitCode = 1

/** What means nothing where nothing is run. */
const live = [
  ...['text', 'batchFile', 'model', 'device', 'reference', 'dtype', 'referenceDtype', 'threads'],
  ...['cubeMathType', 'aclnn', 'modes', 'threshold', 'grafts', 'batchSize', 'maxLength', 'layout'],
  ...['referenceModel', 'report'],
]

interface Options {
  readonly text?: readonly string[]
  readonly batchFile?: string
  readonly model?: string
  readonly device: string
  readonly reference: string
  readonly dtype: FloatDType
  readonly referenceDtype?: FloatDType
  readonly referenceModel?: string
  readonly threads?: number
  readonly cubeMathType?: CubeMathType
  readonly aclnn?: readonly Alternative[]
  readonly standard: string
  readonly modes: readonly Mode[]
  readonly threshold: number
  readonly grafts: number
  readonly batchSize: number
  readonly maxLength?: number
  readonly layout?: 'packed' | 'padded'
  readonly deviceTrace?: string
  readonly referenceTrace?: string
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
    .addOption(deviceOption())
    .option('--reference <DEVICE>', 'the device to compare with', 'reference')
    .addOption(dtypeOption())
    .addOption(
      new Option('--reference-dtype <DTYPE>', 'the dtype there (default: that of --dtype)').choices(
        floatDTypes,
      ),
    )
    .option('--reference-model <DIR|HUB_ID>', 'the model there (default: that of --model)')
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
    .option('--batch-size <COUNT>', 'texts that run together', positiveInteger, defaultBatchSize)
    .option(
      '--max-length <TOKENS>',
      'cut texts to so many tokens (default: the model’s limit)',
      positiveInteger,
    )
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
    texts: await textsOf(options),
    threads: options.threads,
    cubeMathType: options.cubeMathType,
    aclnn: options.aclnn,
    standard: options.standard,
    modes: options.modes,
    threshold: options.threshold,
    grafts: options.grafts,
    batchSize: options.batchSize,
    maxLength: options.maxLength,
    layout: options.layout,
    onWarning: (message) => note(`warning: ${message}`),
    onProgress: (part) => progress.update(Math.floor(part * 100), 100),
  }).finally(() => progress.stop())
  await print(result, options, (look) => renderComparison(result, options, look))
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
  await print(result, options, (look) => renderTraceComparison(result, sides, options, look))
  exitBy(result.verdict)
}

async function print(
  result: object,
  { format }: Options,
  render: (look: TerminalLook) => string,
): Promise<void> {
  const text =
    format === 'json'
      ? toJson({ version: packageInfo().version, ...result })
      : render(terminalLook(process.stdout, process.env))
  await new Sink(process.stdout).write(text)
}

function exitBy({ status }: Verdict): void {
  if (status === 'error') throw new Exit(failedExitCode)
}

async function textsOf({ text, batchFile }: Options): Promise<readonly string[] | undefined> {
  if (text !== undefined && batchFile !== undefined) {
    throw new InvalidArgumentError('--text and --batch-file', 'exclude each other', {
      hint: 'give one of them',
    })
  }
  if (batchFile === undefined) return text
  const texts: string[] = []
  for await (const line of await openTexts({ file: batchFile })) texts.push(line)
  return texts
}

function someModes(text: string): readonly Mode[] {
  const given = text.split(',')
  const isKnown = given.every((name) => (modes as readonly string[]).includes(name))
  if (!isKnown) throw new UsageError(`must be some of ${modes.join(', ')}, between commas.`)
  return modes.filter((mode) => given.includes(mode))
}
