/** `classify`, the default command: texts in, labels out. */
import { Command, Option } from 'commander'
import type { DeviceOptions } from '../backends/open.ts'
import { InvalidArgumentError } from '../errors.ts'
import { type ClassifiedText, classifyBatch, defaultSelection } from '../model/classify.ts'
import { mapInOrder } from '../model/in-order.ts'
import type { Selection } from '../model/scores.ts'
import { SequenceClassifier } from '../model/sequence-classifier.ts'
import type { FloatDType } from '../tensor/dtype.ts'
import { note, Progress } from './notes.ts'
import {
  batchSizeOption,
  choicesIn,
  choicesOfDevices,
  choicesOfForwards,
  collect,
  devicesOption,
  dtypeOption,
  fraction,
  maxLengthOption,
  modelOption,
  positiveInteger,
} from './options.ts'
import {
  type ClassificationRow,
  createWriter,
  OutputClosedError,
  OutputError,
  type OutputFormat,
  outputFormats,
  type ResultWriter,
} from './output/index.ts'
import { openTexts, type TextOrigin, type TextSource } from './text-source.ts'
import { thresholdFrom } from './thresholds.ts'

interface Options extends DeviceOptions {
  readonly text?: readonly string[]
  readonly batchFile?: string
  readonly model?: string
  readonly device: string
  readonly dtype: FloatDType
  readonly threshold?: number
  readonly thresholds?: string
  readonly topK?: number
  readonly batchSize: number
  readonly maxLength?: number
  readonly format: OutputFormat
  readonly all?: true
}

export function classifyCommand(): Command {
  const command = new Command('classify')
    .description('classify texts from --text, --batch-file or standard input (one text a line)')
    .option('--text <TEXT>', 'a text; may be given several times', collect)
    .option('--batch-file <FILE>', 'a file with one text a line')
    .addOption(modelOption())
    .addOption(devicesOption())
    .addOption(dtypeOption())
    .option(
      '--threshold <NUMBER>',
      'report labels with at least this score (default: 0.3)',
      fraction,
    )
    .option(
      '--thresholds <FILE>',
      'a threshold for each label, from roberta-ascend evaluate --save-thresholds',
    )
    .option('--top-k <COUNT>', 'report at most so many labels', positiveInteger)
    .addOption(batchSizeOption())
    .addOption(maxLengthOption())
    .addOption(
      new Option('--format <FORMAT>', 'how results are written')
        .choices(outputFormats)
        .default('table'),
    )
    .option('--all', 'report every label; JSON and CSV get all probabilities and logits')
    .allowExcessArguments()
    .action((options: Options, command: Command) => {
      refuseArguments(command.args)
      return classify(options)
    })
  for (const option of [...choicesOfDevices(), ...choicesOfForwards()]) command.addOption(option)
  return command
}

/** What is not an option is most likely a misspelt command or a text without --text. */
function refuseArguments([first]: readonly string[]): void {
  if (first === undefined) return
  throw new InvalidArgumentError(`'${first}'`, 'is neither an option nor a command', {
    hint: 'give texts with --text; roberta-ascend --help lists the commands',
  })
}

async function classify(options: Options): Promise<void> {
  const from = origin(options)
  const texts = await openTexts(from)
  await using classifier = await SequenceClassifier.load({
    modelPath: options.model,
    device: options.device,
    dtype: options.dtype,
    ...choicesIn(options),
    onWarning: (message) => note(`warning: ${message}`),
  })
  classifier.checkMaxLength(options.maxLength)
  const given = { threshold: await thresholdFrom(options, classifier), topK: options.topK }
  const selection = defaultSelection(classifier.config.head, given)
  const writer = await createWriter(options.format, process.stdout, {
    labels: classifier.labels,
    threshold: selection.threshold ?? 0,
    all: options.all === true,
  })
  announce(classifier, options)
  try {
    await classifyAll(classifier, texts, writer, selection, options)
  } catch (error) {
    // What was written becomes well-formed, unless it is the output that failed.
    const isOutput = error instanceof OutputClosedError || error instanceof OutputError
    if (!isOutput) await writer.end()
    throw error
  } finally {
    // Where it ended early, nobody waits for the next line.
    if ('stdin' in from) process.stdin.destroy()
  }
  await writer.end()
}

function origin({ text, batchFile }: Options): TextOrigin {
  if (text !== undefined && batchFile !== undefined) {
    throw new InvalidArgumentError('--text and --batch-file', 'exclude each other', {
      hint: 'give one of them',
    })
  }
  if (text !== undefined) return { texts: text }
  if (batchFile !== undefined) return { file: batchFile }
  if (isTyped({})) note('Reading texts from standard input, one a line; end with Ctrl-D.')
  return { stdin: process.stdin }
}

/** True if a person types the texts. */
function isTyped({ text, batchFile }: Pick<Options, 'text' | 'batchFile'>): boolean {
  return text === undefined && batchFile === undefined && process.stdin.isTTY === true
}

function announce(
  { name, config, device, settings, dtype }: SequenceClassifier,
  options: Options,
): void {
  const embedded = options.model === undefined ? 'the embedded ' : ''
  const described = Object.entries(settings).map(([what, value]) => `${what} ${value}`)
  const details = described.length === 0 ? '' : ` (${described.join(', ')})`
  note(
    `Using ${embedded}${name}, ${config.num_hidden_layers} layers, ${dtype}, ` +
      `on ${device}${details}.`,
  )
}

async function classifyAll(
  classifier: SequenceClassifier,
  texts: TextSource,
  writer: ResultWriter,
  selection: Selection,
  options: Options,
): Promise<void> {
  // A person who types a line wants its answer before the next.
  const size = isTyped(options) ? 1 : options.batchSize
  const format =
    texts.count === undefined
      ? '{value} texts in {duration_formatted}'
      : '{bar} {value}/{total} texts, {eta_formatted} left'
  const hasProgress = !isTyped(options) && (texts.count ?? Infinity) > size
  const progress = hasProgress ? new Progress(format, texts.count ?? 0) : undefined
  let given = 0
  const classifyOne = (batch: readonly string[]) => {
    const first = given
    given += batch.length
    return classifyBatch(classifier, batch, first, { ...selection, maxLength: options.maxLength })
  }
  let done = 0
  let cut = 0
  let notFinite = 0
  try {
    const { concurrency } = classifier
    for await (const rows of mapInOrder(batches(texts, size), concurrency, classifyOne)) {
      if (process.stdout.isTTY) progress?.hide()
      for (const row of rows) {
        await writer.write(toRow(row, options.all === true))
        if (row.record.truncated) cut += 1
        if (!row.logits.every(Number.isFinite)) notFinite += 1
      }
      done += rows.length
      progress?.update(done, texts.count ?? done)
    }
  } finally {
    progress?.stop()
  }
  if (cut > 0) {
    const limit = options.maxLength ?? classifier.maxTokens
    note(`Texts with more than ${limit} tokens, which were cut: ${cut} of ${done}.`)
  }
  if (notFinite > 0) note(`warning: texts with NaN or infinite logits: ${notFinite} of ${done}`)
}

function toRow(
  { record, ranked, probabilities, logits }: ClassifiedText,
  all: boolean,
): ClassificationRow {
  return { record: all ? { ...record, probabilities, logits } : record, best: ranked[0]! }
}

async function* batches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length === size) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}
