/**
 * A sequence classifier: texts in, logits out. Tokenizer, model and device in one object; what the
 * command line, `GoEmotionsClassifier` and `pipeline` are made of.
 */
import { basename } from 'node:path'
import { type DeviceOptions, openBackend } from '../backends/open.ts'
import { FileError, InvalidArgumentError, RobertaAscendError } from '../errors.ts'
import type { Backend } from '../ops/index.ts'
import { type FloatDType, isDType, isFloatDType } from '../tensor/dtype.ts'
import { type Encoding, RobertaTokenizer } from '../tokenizer/tokenizer.ts'
import { maxTokens, type RobertaConfig } from './config.ts'
import { forwardLogits } from './forward.ts'
import { loadModel } from './load-model.ts'
import { locateModel } from './locate.ts'
import type { RobertaForSequenceClassification } from './roberta.ts'

export interface LoadOptions extends DeviceOptions {
  /** A directory or the id of a downloaded model; the embedded model if missing. */
  readonly modelPath?: string | undefined
  /** A device string; the best device if missing. */
  readonly device?: string | undefined
  /** What weights and activations are stored in. float32 if missing, whatever the checkpoint has. */
  readonly dtype?: FloatDType | undefined
  /** Told of odd but usable checkpoints; a process warning if missing. */
  readonly onWarning?: ((message: string) => void) | undefined
}

export interface Logits {
  /** One number for each label, in label-id order. */
  readonly logits: Float64Array
  /** True if the text was cut to the model's limit. */
  readonly truncated: boolean
}

export class SequenceClassifier implements AsyncDisposable {
  #isClosed = false

  private constructor(
    /** The directory's name. */
    readonly name: string,
    readonly tokenizer: RobertaTokenizer,
    readonly model: RobertaForSequenceClassification,
    readonly backend: Backend,
    readonly dtype: FloatDType,
  ) {}

  /** Reads a checkpoint and puts it on a device. Whatever fails, nothing stays behind. */
  static async load(options: LoadOptions = {}): Promise<SequenceClassifier> {
    const { modelPath, device, dtype: dtypeName = 'float32', onWarning, ...choices } = options
    const dtype = floatDType(dtypeName)
    const warn = onWarning ?? ((message) => process.emitWarning(message))
    const backend = await openBackend(device, choices)
    try {
      const directory = await locateModel(modelPath)
      const tokenizer = await RobertaTokenizer.load(directory)
      const model = await loadModel(directory, { backend, dtype, warn })
      checkTokenizer(directory, tokenizer, model.config)
      return new SequenceClassifier(basename(directory), tokenizer, model, backend, dtype)
    } catch (error) {
      // What stopped the loading matters more than a failure to close after it.
      await backend.close().catch(() => {})
      throw error
    }
  }

  get config(): RobertaConfig {
    return this.model.config
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

  /** Logits of one batch of encoded texts, in their order. */
  async forward(encodings: readonly Encoding[]): Promise<Logits[]> {
    if (this.#isClosed) {
      throw new RobertaAscendError('this classifier is closed', { hint: 'load another one' })
    }
    const sequences = encodings.map(({ inputIds }) => inputIds)
    const rows = await forwardLogits(this.model, this.backend, sequences)
    return rows.map((logits, index) => ({ logits, truncated: encodings[index]!.truncated }))
  }

  /** Gives the weights back and closes the device. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const parameter of this.model.parameters) parameter.dispose()
    await this.backend.close()
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
