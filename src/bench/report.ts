/**
 * What a benchmark reports. The command line prints it as it is with `--format json`; a new figure is
 * a field here, filled in beside this file and shown in `cli/output/benchmark.ts`.
 *
 * Times are in seconds. A figure of an emulator carries `label`, in every object that holds one.
 */
import { isEmulator } from '../backends/device-name.ts'

/** Stands beside every figure of an emulator. */
export const emulatorLabel = 'emulator, not an NPU'

export interface Labelled {
  readonly label?: typeof emulatorLabel
}

/** The label that figures of these devices need. */
export function labelOf(...devices: readonly string[]): Labelled {
  return devices.some(isEmulator) ? { label: emulatorLabel } : {}
}

export interface BenchmarkReport {
  readonly model: ModelReport
  readonly machine: MachineReport
  readonly workload: WorkloadReport
  /** In the order in which they were asked for; the first is what the others are compared with. */
  readonly devices: readonly DeviceReport[]
  readonly ratios: readonly RatioReport[]
  /** A CPU and an NPU or emulator side by side, where both were measured. */
  readonly speedUp?: SpeedUpReport
  /** Where CANN's profiler wrote what it saw of the rounds that count, which were slower for that. */
  readonly aclprof?: string
  /** The most memory that the process has had resident, with all devices open. */
  readonly peakResidentBytes: number
}

export interface ModelReport {
  readonly name: string
  readonly layers: number
  readonly dtype: string
}

export interface MachineReport {
  readonly node: string
  readonly platform: string
  readonly processor: string
  /** How many threads can run at once. */
  readonly parallelism: number
  /** Of the last minute, before the benchmark began: well below `parallelism` on a quiet machine. */
  readonly loadAverage: number
}

export interface WorkloadReport {
  readonly texts: number
  /** `<s>` and `</s>` counted, padding not. */
  readonly tokens: number
  readonly batchSizes: readonly number[]
  /** Runs over all texts before the first that counts. */
  readonly warmUp: number
  /** Runs over all texts that count; devices take turns. */
  readonly rounds: number
}

export interface DeviceReport extends Labelled {
  readonly device: string
  /** What else decides about speed or results there, by name. */
  readonly settings: Readonly<Record<string, string>>
  /** Opening the device, and reading tokenizer and weights onto it. */
  readonly loadSeconds: number
  /** What the device holds for weights and tensors after the last round. */
  readonly heldBytes: number
  readonly batches: readonly BatchReport[]
}

export interface BatchReport {
  readonly batchSize: number
  /** From texts to labels: tokenizing, forward pass, scores. */
  readonly endToEnd: SpeedReport
  /** From token ids to logits on the host. */
  readonly forward: SpeedReport
  /** Where the time of a forward goes; present where it was asked for. */
  readonly operators?: ProfileReport
}

export interface SpeedReport {
  /** All texts, by the median round. */
  readonly textsPerSecond: number
  readonly tokensPerSecond: number
  /** Of one full batch, over all rounds. */
  readonly latency: LatencyReport
}

export interface LatencyReport {
  /** How many batches the percentiles are of. */
  readonly batches: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** How many times as fast as the baseline a device is: the median over rounds. */
export interface RatioReport extends Labelled {
  readonly device: string
  readonly baseline: string
  readonly batchSize: number
  readonly endToEnd: number
  readonly forward: number
}

/** End to end, ratios as in `RatioReport`. An emulator's speed says nothing of an NPU's, so its ratio is no speed-up. */
export type SpeedUpReport =
  | {
      readonly cpu: string
      readonly npu: string
      readonly rows: readonly {
        readonly batchSize: number
        readonly cpuTextsPerSecond: number
        readonly npuTextsPerSecond: number
        readonly speedUp: number
      }[]
    }
  | (Required<Labelled> & {
      readonly cpu: string
      readonly emulator: string
      readonly rows: readonly {
        readonly batchSize: number
        readonly cpuTextsPerSecond: number
        readonly emulatorTextsPerSecond: number
        readonly ratio: number
      }[]
    })

/** The operators of the first full batch. */
export interface ProfileReport {
  readonly texts: number
  readonly tokens: number
  /**
   * Whose clock the operators are timed by: the device's, while a forward runs; or the host's, one
   * operator at a time with a wait for the device after each.
   */
  readonly clock: 'device' | 'host'
  /** The same batch as it runs without being timed operator by operator. */
  readonly forwardSeconds: number
  /** All operators. */
  readonly operatorSeconds: number
  /** What timing nothing gives, which is part of the time of every call: a wait, or two events. */
  readonly emptySeconds: number
  /** Most time first. */
  readonly byOperator: readonly OperatorReport[]
  /** The same by the kind of module, most time first: layers count as one, `layer.*`. */
  readonly byModule: readonly ModuleReport[]
}

export interface OperatorReport {
  /** Parts of a composite operator that a device does not fuse read `attention > softmax`. */
  readonly operator: string
  readonly calls: number
  readonly seconds: number
  /** By the formulas of the operator catalogue. */
  readonly flops: number
  readonly bytes: number
}

export interface ModuleReport extends OperatorReport {
  readonly module: string
}
