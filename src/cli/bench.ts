/** `bench`: how fast a device is, alone or in turn with others. */
import { Command, Option, InvalidArgumentError as UsageError } from 'commander'
import type { DeviceOptions } from '../backends/open.ts'
import { benchmark, defaultRounds, defaultWarmUp } from '../bench/benchmark.ts'
import { Timeline } from '../bench/timeline.ts'
import { builtInTexts } from '../bench/workload.ts'
import type { FloatDType } from '../tensor/dtype.ts'
import { checkCanWrite, makeDirectory, writeWholeFile } from '../write-file.ts'
import { note, Progress } from './notes.ts'
import {
  choicesIn,
  choicesOfDevices,
  choicesOfForwards,
  devicesOption,
  dtypeOption,
  modelOption,
  positiveInteger,
  wholeNumber,
} from './options.ts'
import { renderBenchmark } from './output/benchmark.ts'
import { Sink } from './output/sink.ts'
import { terminalLook } from './output/terminal.ts'
import { packageInfo } from './package-info.ts'
import { openTexts } from './text-source.ts'

interface Options extends DeviceOptions {
  readonly texts?: string
  readonly model?: string
  readonly device: string
  readonly compare?: readonly string[]
  readonly dtype: FloatDType
  readonly batchSize?: readonly BatchSize[]
  readonly warmUp: number
  readonly rounds: number
  readonly ops?: true
  readonly timeline?: string
  readonly aclprof?: string
  readonly format: 'table' | 'json'
}

type BatchSize = number | 'all'

export function benchCommand(): Command {
  const command = new Command('bench')
    .description('measure a device: throughput, latency, memory, and where the time goes')
    .addOption(modelOption())
    .addOption(devicesOption())
    .option('--compare <DEVICE...>', 'other devices, which take turns with the first')
    .addOption(dtypeOption())
    .option('--texts <FILE>', 'a file with one text a line (default: 23 built-in texts)')
    .option(
      '--batch-size <COUNTS>',
      'texts that run together: numbers or all, between commas; may be given several times (default: 1,16,all)',
      batchSizes,
    )
    .option('--warm-up <COUNT>', 'rounds that do not count', wholeNumber, defaultWarmUp)
    .option('--rounds <COUNT>', 'rounds that count, over all texts', positiveInteger, defaultRounds)
    .option('--ops', 'also time each operator')
    .option(
      '--timeline <FILE>',
      'also write when host and device do what for a batch of each size, as a trace for ui.perfetto.dev',
    )
    .option(
      '--aclprof <DIR>',
      "have CANN's profiler watch the rounds that count on the NPU, and write to a directory",
    )
    .addOption(
      new Option('--format <FORMAT>', 'how the report is written')
        .choices(['table', 'json'])
        .default('table'),
    )
    .action(bench)
  for (const option of [...choicesOfDevices(), ...choicesOfForwards()]) command.addOption(option)
  return command
}

async function bench(options: Options): Promise<void> {
  const timeline = options.timeline === undefined ? undefined : new Timeline()
  if (options.timeline !== undefined) await checkCanWrite(options.timeline)
  if (options.aclprof !== undefined) await makeDirectory(options.aclprof)
  const texts = options.texts === undefined ? builtInTexts() : await readTexts(options.texts)
  const sizes = options.batchSize?.map((size) => (size === 'all' ? texts.length : size))
  const progress = new Progress('{bar} {value}/{total} runs, {eta_formatted} left', 0)
  const report = await benchmark({
    modelPath: options.model,
    devices: [options.device, ...(options.compare ?? [])],
    dtype: options.dtype,
    ...choicesIn(options),
    texts,
    batchSizes: sizes,
    warmUp: options.warmUp,
    rounds: options.rounds,
    operators: options.ops === true,
    timeline,
    aclprof: options.aclprof,
    onWarning: (message) => note(`warning: ${message}`),
    onProgress: (done, total) => progress.update(done, total),
  }).finally(() => progress.stop())
  if (options.timeline !== undefined) {
    await writeWholeFile(options.timeline, JSON.stringify(timeline))
    note(`Wrote ${options.timeline}.`)
  }
  const { version } = packageInfo()
  const text =
    options.format === 'json'
      ? `${JSON.stringify({ version, ...report }, undefined, 2)}\n`
      : renderBenchmark(report, version, terminalLook(process.stdout, process.env))
  await new Sink(process.stdout).write(text)
}

async function readTexts(file: string): Promise<string[]> {
  const texts: string[] = []
  for await (const text of await openTexts({ file })) texts.push(text)
  return texts
}

/** `1,16,all`, after what was given before. */
function batchSizes(text: string, sizes: readonly BatchSize[] = []): BatchSize[] {
  const given = text.split(',').map((size) => {
    if (size === 'all') return size
    if (!/^[1-9]\d{0,8}$/.test(size)) {
      throw new UsageError('must be numbers from 1 on, or all, between commas.')
    }
    return Number(size)
  })
  return [...sizes, ...given]
}
