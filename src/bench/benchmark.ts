/**
 * Speed of one device, or of several in turn, on the same model and texts.
 *
 * Devices are open side by side in this process and take turns round by round (A B A B …), so that
 * whatever else the machine does meets them alike. Only one computes at a time, or those that share the
 * batches as one (`npu:0,1`).
 */
import { availableParallelism, cpus, loadavg } from 'node:os'
import { resolve } from 'node:path'
import { checkOneDevice } from '../backends/device-name.ts'
import { defaultDevice, optionsForEach } from '../backends/open.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { LoadOptions, SequenceClassifier } from '../model/sequence-classifier.ts'
import { eachOnce } from '../model/warnings.ts'
import { Contender } from './contender.ts'
import {
  type BenchmarkReport,
  type DeviceReport,
  labelOf,
  type MachineReport,
  type RatioReport,
} from './report.ts'
import { speedUp } from './speed-up.ts'
import type { Timeline } from './timeline.ts'
import { builtInTexts, checkedBatchSizes, defaultBatchSizes } from './workload.ts'

export const defaultWarmUp = 2
export const defaultRounds = 7

export interface BenchmarkOptions extends Omit<LoadOptions, 'device'> {
  /** Device strings; the first is what the others are compared with. `auto` if missing. */
  readonly devices?: readonly string[] | undefined
  /** The built-in 23 if missing. */
  readonly texts?: readonly string[] | undefined
  /** 1, 16 and all texts if missing. */
  readonly batchSizes?: readonly number[] | undefined
  /** Runs over all texts before the first that counts; 2 if missing. */
  readonly warmUp?: number | undefined
  /** Runs over all texts that count; 7 if missing. */
  readonly rounds?: number | undefined
  /** Whether to time every operator too; this and the next two not where devices share the batches. */
  readonly operators?: boolean | undefined
  /** A directory for CANN's own profiler, which watches the NPU among the devices in the rounds that count. */
  readonly aclprof?: string | undefined
  /** Gets the first full batch of each size, run once more on each device after the rounds. */
  readonly timeline?: Timeline | undefined
  /** Told after each run how many of all are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * Measures. Throws `InvalidArgumentError` for a senseless option, and what opening a device, loading
 * the model or computing throws; no device stays open.
 */
export async function benchmark(options: BenchmarkOptions = {}): Promise<BenchmarkReport> {
  const {
    devices = [defaultDevice],
    texts = builtInTexts(),
    batchSizes: askedSizes = defaultBatchSizes(texts.length),
    warmUp = defaultWarmUp,
    rounds = defaultRounds,
    operators = false,
    timeline,
    aclprof,
    onProgress = () => {},
    ...loadOptions
  } = options
  checkCount('devices', devices.length, 1)
  checkCount('warm-up', warmUp, 0)
  checkCount('rounds', rounds, 1)
  const looksInside = operators || timeline !== undefined || aclprof !== undefined
  if (looksInside) devices.forEach(checkOneDevice)
  const batchSizes = checkedBatchSizes(askedSizes, texts.length)
  const machine = machineReport()
  const contenders: Contender[] = []
  await using _contenders = { [Symbol.asyncDispose]: () => closeAll(contenders) }
  for (const one of optionsOfEach(devices, loadOptions)) {
    contenders.push(await Contender.load(one))
  }
  const [baseline, ...others] = contenders as [Contender, ...Contender[]]
  const runs = (warmUp + rounds) * batchSizes.length * contenders.length
  let done = 0
  const runRound = async (counts: boolean): Promise<void> => {
    for (const batchSize of batchSizes) {
      for (const contender of contenders) {
        await contender.run(texts, batchSize, counts)
        done += 1
        onProgress(done, runs)
      }
    }
  }
  const profiled = aclprof === undefined ? undefined : onlyProfiled(contenders)
  for (let round = 0; round < warmUp; round++) await runRound(false)
  {
    await using _profiler = await profiled?.(resolve(aclprof!))
    for (let round = 0; round < rounds; round++) await runRound(true)
  }
  const { name, config, dtype } = baseline.classifier
  const tokens = tokenCount(baseline.classifier, texts)
  const plain = contenders.map((contender) => contender.report(tokens))
  const reports: DeviceReport[] = []
  for (const [at, report] of plain.entries()) {
    reports.push(operators ? await contenders[at]!.profiled(report, texts, rounds) : report)
  }
  for (const contender of contenders) {
    timeline?.add(contender.device, await contender.traces(texts, batchSizes))
  }
  const ratios = others.flatMap((one) => batchSizes.map((size) => ratio(one, baseline, size)))
  const table = speedUp(reports, ratios)
  return {
    model: { name, layers: config.num_hidden_layers, dtype },
    machine,
    workload: { texts: texts.length, tokens, batchSizes, warmUp, rounds },
    devices: reports,
    ratios,
    ...(table === undefined ? {} : { speedUp: table }),
    ...(aclprof === undefined ? {} : { aclprof }),
    // libuv gives KiB on every platform.
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
  }
}

/** Closes all, whatever happens on the way, and throws the first failure, if there was one. */
async function closeAll(contenders: readonly Contender[]): Promise<void> {
  const outcomes = await Promise.allSettled(contenders.map(({ classifier }) => classifier.close()))
  const failed = outcomes.find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

/** Starts the profiler of the one device that has one; it serves one device at a time. */
function onlyProfiled(contenders: readonly Contender[]) {
  const able = contenders.flatMap(({ classifier: { backend } }) =>
    backend.startProfiler === undefined ? [] : [backend],
  )
  const [backend] = able
  if (backend === undefined || able.length > 1) {
    const count = able.length === 0 ? 'none' : able.length
    throw new InvalidArgumentError('aclprof', `profiles one NPU, and there are ${count}`, {
      hint: 'name one NPU or the emulator among the devices',
    })
  }
  return (directory: string) => backend.startProfiler!(directory)
}

function ratio(one: Contender, baseline: Contender, batchSize: number): RatioReport {
  return {
    device: one.device,
    baseline: baseline.device,
    ...labelOf(one.device, baseline.device),
    batchSize,
    endToEnd: one.ratioTo(baseline, batchSize, 'endToEnd'),
    forward: one.ratioTo(baseline, batchSize, 'forward'),
  }
}

/** What each device is loaded with: of the choices for devices those that it has. */
function optionsOfEach(
  devices: readonly string[],
  { modelPath, dtype, onWarning, ...choices }: Omit<LoadOptions, 'device'>,
): LoadOptions[] {
  const each = optionsForEach(devices, choices)
  const warn = eachOnce(onWarning)
  return devices.map((device, at) => ({
    modelPath,
    dtype,
    onWarning: warn,
    device,
    ...each[at],
  }))
}

function tokenCount(classifier: SequenceClassifier, texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + classifier.encode(text).inputIds.length, 0)
}

function machineReport(): MachineReport {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model ?? 'unknown',
    parallelism: availableParallelism(),
    loadAverage: loadavg()[0]!,
  }
}

function checkCount(name: string, count: number, least: number): void {
  if (Number.isInteger(count) && count >= least) return
  throw new InvalidArgumentError(name, `${count} is not a whole number from ${least} on`)
}
