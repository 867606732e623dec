/** A device that takes part in a benchmark: opened, run in turn with others, reported, closed. */
import { type LoadOptions, SequenceClassifier } from '../model/sequence-classifier.ts'
import { type Kind, type Run, ratioOf, runAll, summarize } from './measure.ts'
import { profile } from './profile.ts'
import { type BatchReport, type DeviceReport, labelOf } from './report.ts'
import { type BatchTrace, traceBatch } from './trace-batch.ts'

export class Contender {
  /** By batch size, one for each round. */
  readonly #runs = new Map<number, Run[]>()

  private constructor(
    readonly classifier: SequenceClassifier,
    readonly loadSeconds: number,
  ) {}

  static async load(options: LoadOptions): Promise<Contender> {
    const begin = performance.now()
    const classifier = await SequenceClassifier.load(options)
    await classifier.synchronize()
    return new Contender(classifier, (performance.now() - begin) / 1000)
  }

  get device(): string {
    return this.classifier.device
  }

  /** Runs all texts once; the run counts unless it is to warm up. */
  async run(texts: readonly string[], batchSize: number, counts: boolean): Promise<void> {
    const run = await runAll(this.classifier, texts, batchSize)
    if (!counts) return
    const runs = this.#runs.get(batchSize)
    if (runs === undefined) this.#runs.set(batchSize, [run])
    else runs.push(run)
  }

  /** How many times as fast as `baseline` this device is. */
  ratioTo(baseline: Contender, batchSize: number, kind: Kind): number {
    return ratioOf(this.#runs.get(batchSize)!, baseline.#runs.get(batchSize)!, kind)
  }

  report(tokens: number): DeviceReport {
    const { device, loadSeconds } = this
    const { settings, heldBytes } = this.classifier
    const batches = [...this.#runs].map(([batchSize, runs]) => summarize(runs, batchSize, tokens))
    return { device, ...labelOf(device), settings, loadSeconds, heldBytes, batches }
  }

  /** The first full batch of each size, with the time of everything that is done for it. */
  async traces(texts: readonly string[], sizes: readonly number[]): Promise<BatchTrace[]> {
    const traces: BatchTrace[] = []
    for (const size of sizes) {
      const batch = texts.slice(0, size)
      // Once to warm up what takes the times.
      await traceBatch(this.classifier, batch)
      traces.push(await traceBatch(this.classifier, batch))
    }
    return traces
  }

  /** The report with a profile of the operators at each batch size. */
  async profiled(
    report: DeviceReport,
    texts: readonly string[],
    rounds: number,
  ): Promise<DeviceReport> {
    const batches: BatchReport[] = []
    for (const batch of report.batches) {
      const operators = await profile(this.classifier, texts.slice(0, batch.batchSize), rounds)
      batches.push({ ...batch, operators })
    }
    return { ...report, batches }
  }
}
