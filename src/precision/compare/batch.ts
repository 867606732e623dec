/** One batch of texts through both sides, compared in every mode that is asked for. */
import type { TokenBatch } from '../../model/token-batch.ts'
import { compareInputs } from './exact-match.ts'
import { Grafter, type GraftSums, noEffect } from './graft.ts'
import { severityOf } from './judge.ts'
import { type BatchOperator, OperatorComparer, type OperatorOptions } from './operator.ts'
import { Pairs } from './pairs.ts'
import { Player } from './replay.ts'
import type { InputComparison, Judgement } from './result.ts'
import type { Pair } from './sample.ts'
import { isStage } from './scope.ts'
import type { Subject } from './subject.ts'
import { type Call, record, type Tape } from './tape.ts'

export interface BatchOptions extends OperatorOptions {
  /** How many operators are grafted at most: those with the largest errors of their own. */
  readonly mostGrafts: number
  /** How many pairs of hidden values are sampled of each stage of the model. */
  readonly samplesPerStage: number
  /** Told what part of the batch is done. */
  readonly onProgress: (fraction: number) => void
}

export interface BatchModule {
  readonly scope: string
  readonly shape: readonly number[]
  readonly judgement: Judgement
  grafted?: GraftSums
}

export interface BatchComparison {
  readonly inputs: readonly InputComparison[]
  /** In order of execution, the parts of a composite operator before it. */
  readonly operators: readonly BatchOperator[]
  readonly modules: readonly BatchModule[]
  readonly unmatched: readonly string[]
  /** `[texts, labels]`. */
  readonly logits: { readonly device: Float64Array; readonly reference: Float64Array }
  readonly sample: readonly Pair[]
}

/** Both sides' tapes of one run: what is the same call, and who can make it again. */
class Recording {
  readonly pairs: Pairs
  readonly device: Player
  readonly reference: Player

  constructor(
    device: Subject,
    reference: Subject,
    { precision }: BatchOptions,
    ours: Tape,
    readonly tape: Tape,
  ) {
    this.pairs = new Pairs(ours, tape)
    this.device = new Player(device, precision, (call) => this.pairs.get(call)!)
    this.reference = new Player(reference, precision, (call) => call)
  }
}

/** Compares one batch; `number` is its own, counted from 0. */
export async function compareBatch(
  device: Subject,
  reference: Subject,
  tokens: TokenBatch,
  number: number,
  options: BatchOptions,
): Promise<BatchComparison> {
  using ours = await record(device, tokens)
  using theirs = await record(reference, tokens)
  // A device that fuses composite operators is asked once more, for what is inside of them.
  const looksInside = { looksInside: true }
  using ourParts = ours.hasParts ? undefined : await record(device, tokens, looksInside)
  using theirParts = theirs.hasParts ? undefined : await record(reference, tokens, looksInside)
  const whole = new Recording(device, reference, options, ours, theirs)
  const inside =
    ourParts === undefined && theirParts === undefined
      ? whole
      : new Recording(device, reference, options, ourParts ?? ours, theirParts ?? theirs)

  const hasGrafts = options.modes.includes('grafted')
  const comparer = new OperatorComparer(tokens, number, options)
  const compared = new Map<Call, BatchOperator>()
  const wholeCalls = new Map(theirs.calls.map((call) => [call.id, call]))
  const stages = new Set(
    theirs.modules.filter(({ scope }) => isStage(scope)).map(({ call }) => call),
  )
  const sample: Pair[] = []
  // The tape that has the parts has everything, in order.
  const calls = inside.tape.calls.filter(({ definition }) => definition.view === undefined)
  for (const [at, seen] of calls.entries()) {
    const recording = seen.within === undefined ? whole : inside
    const call = seen.within === undefined ? wholeCalls.get(seen.id)! : seen
    const own = recording.pairs.get(call)
    if (own === undefined) continue
    const samples = stages.has(call) ? options.samplesPerStage : 0
    const place = { depth: at + 1, samples, sample }
    compared.set(call, await comparer.compare(recording, call, own, place))
    options.onProgress(((hasGrafts ? 0.5 : 1) * (at + 1)) / calls.length)
  }

  const modules: BatchModule[] = []
  for (const { scope, call } of theirs.modules) {
    const judgement = compared.get(call)?.cascaded
    if (judgement !== undefined) modules.push({ scope, shape: call.output.shape, judgement })
  }
  if (hasGrafts) await graft(whole, reference, compared, modules, options)
  return {
    inputs: await compareInputs(ours, theirs),
    operators: [...compared.values()],
    modules,
    unmatched: [...new Set([...whole.pairs.unmatched, ...inside.pairs.unmatched])],
    logits: { device: ours.logits, reference: theirs.logits },
    sample,
  }
}

/** Grafts the stages, and those operators whose own error is largest. */
async function graft(
  { tape, device, reference, pairs }: Recording,
  { model }: Subject,
  compared: ReadonlyMap<Call, BatchOperator>,
  modules: readonly BatchModule[],
  { mostGrafts, precision, onProgress }: BatchOptions,
): Promise<void> {
  const grafter = new Grafter(tape, device, reference, model.config)
  const errorOf = ({ isolated }: BatchOperator): number => severityOf(isolated!.metrics)
  const candidates = [...compared].filter(([call]) => call.within === undefined && pairs.get(call))
  // Without an error there is no effect, unless the dtype alone makes a difference.
  const isSilent = (operator: BatchOperator): boolean =>
    precision.isShared && errorOf(operator) === 0
  for (const [, operator] of candidates) if (isSilent(operator)) operator.grafted = noEffect
  const chosen = candidates
    .filter(([, operator]) => !isSilent(operator))
    .sort(([, a], [, b]) => errorOf(b) - errorOf(a))
    .slice(0, mostGrafts)
  const stages = tape.modules.filter(({ scope }) => isStage(scope))
  let done = 0
  const step = (): void => {
    done += 1
    onProgress(0.5 + (0.5 * done) / (chosen.length + stages.length))
  }
  for (const [call, operator] of chosen) {
    operator.grafted = await grafter.operator(call)
    step()
  }
  for (const stage of stages) {
    const module = modules.find(({ scope }) => scope === stage.scope)
    const hasCounterparts = grafter.callsOf(stage).every((call) => pairs.get(call) !== undefined)
    if (module !== undefined && hasCounterparts) module.grafted = await grafter.module(stage)
    step()
  }
}
