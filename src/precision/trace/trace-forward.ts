/** Records a forward: what its operators and modules computed, on the disk and as statistics. */

import { labelOf } from '../../bench/report.ts'
import { rawTensor } from '../../checkpoint/convert.ts'
import { InvalidArgumentError } from '../../errors.ts'
import type { Logits, SequenceClassifier } from '../../model/sequence-classifier.ts'
import { decodeAll } from '../../tensor/dtype.ts'
import { environment } from '../compare/environment.ts'
import { type Captured, type CapturedTensor, capture } from './capture.ts'
import type {
  Manifest,
  ModuleRecord,
  OperatorRecord,
  TensorRecord,
  TraceFormat,
} from './manifest.ts'
import { Selection, type TraceSelection } from './selection.ts'
import { statisticsOf } from './statistics.ts'
import { type BadOperator, findBad } from './watch.ts'
import { TraceWriter } from './writer.ts'

export interface TraceOptions extends TraceSelection {
  /** The directory to write, which must not exist yet. If missing, there are statistics only. */
  readonly output?: string | undefined
  /** `safetensors` if missing. */
  readonly format?: TraceFormat | undefined
  /** Records the values of the parameters that recorded operators use, once each. */
  readonly parameters?: boolean | undefined
  /** Stops at the first operator whose output has a NaN or an infinity. */
  readonly watch?: boolean | undefined
  /** Texts are cut to so many tokens; to the model's limit if missing. */
  readonly maxLength?: number | undefined
  /** Bytes of activations that may be held at a time; see `capture.ts`. 256 MiB if missing. */
  readonly maxHeldBytes?: number | undefined
}

export interface TraceResult {
  /** What was recorded, and what was written beside the tensors if anything was written. */
  readonly manifest: Manifest
  /** What stopped the watch. */
  readonly bad: BadOperator | undefined
  /** Of each text; undefined where the watch stopped the forward. */
  readonly logits: readonly Logits[] | undefined
}

export const defaultMaxHeldBytes = 256 * 2 ** 20

/**
 * Runs the texts as one batch and records what is selected: the outputs of all modules, if nothing is.
 * Where more would have to be held at a time than `maxHeldBytes`, the batch runs several times.
 *
 * @throws InvalidArgumentError if nothing, or not all that was named, is in the forward
 * @throws FileError if the trace cannot be written; nothing of it is left then
 */
export async function traceForward(
  classifier: SequenceClassifier,
  texts: readonly string[],
  options: TraceOptions = {},
): Promise<TraceResult> {
  const { output, watch = false, maxLength, maxHeldBytes = defaultMaxHeldBytes } = options
  const format = output === undefined ? 'statistics' : (options.format ?? 'safetensors')
  if (texts.length === 0) throw new InvalidArgumentError('texts', 'there are none')
  if (!(maxHeldBytes > 0)) {
    throw new InvalidArgumentError('maxHeldBytes', `${maxHeldBytes} is not a positive number`)
  }
  const encodings = texts.map((text) => classifier.encode(text, maxLength))
  const selection = new Selection(options)
  await using writer = output === undefined ? undefined : await TraceWriter.create(output, format)
  const recorder = new Recorder(writer, options.parameters === true)
  let logits: Logits[] | undefined
  let bad: BadOperator | undefined
  let hasAny = false
  const events = capture(
    async () => {
      logits = await classifier.forward(encodings)
    },
    {
      backend: classifier.backend,
      parameters: classifier.model.parameters,
      selection,
      watches: watch,
      maxHeldBytes,
    },
  )
  for await (const event of events) {
    hasAny = true
    if (event.kind === 'module' || event.isRecorded) await recorder.add(event)
    if (event.kind === 'operator' && event.isWatched) bad = await findBad(event)
    if (bad !== undefined) break
  }
  if (bad === undefined) selection.checkFound(hasAny)
  const { name, config, backend, dtype } = classifier
  const manifest: Manifest = {
    format: 'roberta-ascend trace',
    version: 1,
    tensorFormat: format,
    model: { name, layers: config.num_hidden_layers },
    device: {
      name: backend.device,
      ...labelOf(backend.device),
      dtype,
      settings: { ...backend.settings },
    },
    environment: environment(),
    layout: backend.preferredLayout,
    texts: encodings.map(({ inputIds }, at) => ({ text: texts[at]!, inputIds: [...inputIds] })),
    ...(bad === undefined ? {} : { stoppedAt: bad.id }),
    ...recorder,
  }
  await writer?.finish(manifest)
  return { manifest, bad, logits: bad === undefined ? logits : undefined }
}

class Recorder {
  readonly tensors: TensorRecord[] = []
  readonly operators: OperatorRecord[] = []
  readonly modules: ModuleRecord[] = []
  readonly #recorded = new Set<string>()
  readonly #writer: TraceWriter | undefined
  readonly #hasParameters: boolean

  constructor(writer: TraceWriter | undefined, hasParameters: boolean) {
    this.#writer = writer
    this.#hasParameters = hasParameters
  }

  async add(event: Captured): Promise<void> {
    if (event.kind === 'module') {
      const { scope, inputs, output } = event
      for (const tensor of [...inputs, output]) await this.#tensor(tensor)
      this.modules.push({ scope, inputs: inputs.map(({ name }) => name), output: output.name })
      return
    }
    const { id, operator, scope, within, attributes, inputs, output } = event
    for (const { tensor } of inputs) await this.#tensor(tensor)
    await this.#tensor(output)
    this.operators.push({
      id,
      operator,
      scope,
      ...(within === undefined ? {} : { within }),
      attributes: attributes as OperatorRecord['attributes'],
      inputs: inputs.map(({ input, tensor }) => ({ input, tensor: tensor.name })),
      output: output.name,
    })
  }

  async #tensor({ name, tensor, isParameter }: CapturedTensor): Promise<void> {
    if (this.#recorded.has(name) || (isParameter && !this.#hasParameters)) return
    this.#recorded.add(name)
    const { dtype } = tensor
    const shape = [...tensor.shape]
    const data = await tensor.data()
    const statistics = statisticsOf(decodeAll(dtype, data))
    await this.#writer?.add(name, rawTensor(dtype, shape, data))
    this.tensors.push({ name, dtype, shape, statistics, isParameter })
  }
}
