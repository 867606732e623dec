/**
 * A sequence classifier: texts in, logits out. Tokenizer, model and devices in one object; what the
 * command line, `GoEmotionsClassifier` and `pipeline` are made of.
 */
import { basename } from 'node:path'
import { type DeviceOptions, openBackends } from '../backends/open.ts'
import { FileError, InvalidArgumentError } from '../errors.ts'
import type { Backend } from '../ops/index.ts'
import { type FloatDType, isDType, isFloatDType } from '../tensor/dtype.ts'
import { type Encoding, RobertaTokenizer } from '../tokenizer/tokenizer.ts'
import { maxTokens, type RobertaConfig } from './config.ts'
import { DeviceGroup } from './device-group.ts'
import { loadModel } from './load-model.ts'
import { locateModel } from './locate.ts'
import type { LoadedModel } from './model-on-device.ts'
import type { RobertaForSequenceClassification } from './roberta.ts'
import { eachOnce, type Warn } from './warnings.ts'

export interface LoadOptions extends DeviceOptions {
  /** A directory or the id of a downloaded model; the embedded model if missing. */
  readonly modelPath?: string | undefined
  /** A device string, also of several devices that share the batches (`npu:0,1`); the best device if missing. */
  readonly device?: string | undefined
  /** What weights and activations are stored in. float32 if missing, whatever the checkpoint has. */
  readonly dtype?: FloatDType | undefined
  /** Told of odd but usable checkpoints, and of devices that failed; a process warning if missing. */
  readonly onWarning?: Warn | undefined
}

export interface Logits {
  /** One number for each label, in label-id order. */
  readonly logits: Float64Array
  /** True if the text was cut to the model's limit. */
  readonly truncated: boolean
}

export class SequenceClassifier implements AsyncDisposable {
  readonly #group: DeviceGroup

  private constructor(
    /** The directory's name. */
    readonly name: string,
    readonly config: RobertaConfig,
    readonly tokenizer: RobertaTokenizer,
    group: DeviceGroup,
    readonly dtype: FloatDType,
  ) {
    this.#group = group
  }

  /** Reads a checkpoint and puts it on a device, or on each of several. Whatever fails, nothing stays behind. */
  static async load(options: LoadOptions = {}): Promise<SequenceClassifier> {
    const { modelPath, device, dtype: dtypeName = 'float32', onWarning, ...choices } = options
    const dtype = floatDType(dtypeName)
    const warn = eachOnce(onWarning)
    const backends = await openBackends(device, choices)
    const models: LoadedModel[] = []
    try {
      const directory = await locateModel(modelPath)
      const tokenizer = await RobertaTokenizer.load(directory)
      for (const backend of backends) {
        models.push({ backend, model: await loadModel(directory, { backend, dtype, warn }) })
      }
      const { config } = models[0]!.model
      checkTokenizer(directory, tokenizer, config)
      const group = new DeviceGroup(models, warn)
      return new SequenceClassifier(basename(directory), config, tokenizer, group, dtype)
    } catch (error) {
      for (const { model } of models) for (const one of model.parameters) one.dispose()
      // What stopped the loading matters more than a failure to close after it.
      await Promise.allSettled(backends.map((backend) => backend.close()))
      throw error
    }
  }

  /** The device string, also of several devices: `npu:0,1`. */
  get device(): string {
    return this.#group.device
  }

  /** What the device was opened with that decides about speed or results, by name. */
  get settings(): Readonly<Record<string, string>> {
    return this.#group.settings
  }

  /** Bytes that the device holds for weights and tensors; of several devices, all of them together. */
  get heldBytes(): number {
    return this.#group.heldBytes
  }

  /** How many calls of `forward` can be under way at a time: further ones wait their turn. */
  get concurrency(): number {
    return this.#group.concurrency
  }

  /** Throws `InvalidArgumentError` where the model is on several devices. */
  get model(): RobertaForSequenceClassification {
    return this.#group.only.model
  }

  /** Throws `InvalidArgumentError` where the model is on several devices. */
  get backend(): Backend {
    return this.#group.only.backend
  }

  /** The names of the labels, by id. */
  get labels(): readonly string[] {
    return this.config.labels
  }

  /** The most tokens a text can have, `<s>` and `</s>` included. */
  get maxTokens(): number {
    return Math.min(maxTokens(this.config), this.tokenizer.modelMaxLength ?? Infinity)
  }

  /** Throws `InvalidArgumentError` unless texts can be cut to so many tokens. */
  checkMaxLength(maxLength: number | undefined): void {
    if (maxLength === undefined) return
    if (!(Number.isInteger(maxLength) && maxLength >= 2 && maxLength <= this.maxTokens)) {
      throw new InvalidArgumentError(
        'max-length',
        `${maxLength} is not a number of tokens from 2 to ${this.maxTokens}, the model's limit`,
      )
    }
  }

  /** Token ids of a text, cut to `maxLength` tokens (the model's limit if missing). */
  encode(text: string, maxLength?: number): Encoding {
    this.checkMaxLength(maxLength)
    return this.tokenizer.encode(text, { maxLength: maxLength ?? this.maxTokens })
  }

  /** Logits of one batch of texts, in their order. */
  async logits(texts: readonly string[], maxLength?: number): Promise<Logits[]> {
    return this.forward(texts.map((text) => this.encode(text, maxLength)))
  }

  /** Logits of one batch of encoded texts, in their order. Of several devices, one that is free runs it. */
  async forward(encodings: readonly Encoding[]): Promise<Logits[]> {
    const rows = await this.#group.forward(encodings.map(({ inputIds }) => inputIds))
    return rows.map((logits, index) => ({ logits, truncated: encodings[index]!.truncated }))
  }

  /** Waits until the device, or all of several, have done what was asked of them. */
  async synchronize(): Promise<void> {
    await this.#group.synchronize()
  }

  /** Gives the weights back and closes the device. */
  async close(): Promise<void> {
    await this.#group.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** A tokenizer of another model would give ids that mean something else, or nothing, to this one. */
function checkTokenizer(
  directory: string,
  { vocabularySize, padTokenId }: RobertaTokenizer,
  { vocab_size, pad_token_id }: RobertaConfig,
): void {
  if (vocabularySize <= vocab_size && padTokenId === pad_token_id) return
  throw new FileError(
    directory,
    `the tokenizer has ${vocabularySize} tokens and padding id ${padTokenId}, ` +
      `but config.json says vocab_size ${vocab_size} and pad_token_id ${pad_token_id}`,
    { hint: 'take the tokenizer and config.json from the same model' },
  )
}

function floatDType(name: string): FloatDType {
  if (isDType(name) && isFloatDType(name)) return name
  throw new InvalidArgumentError('dtype', `'${name}' is not float32, float16 or bfloat16`)
}
