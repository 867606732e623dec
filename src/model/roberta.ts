/**
 * RoBERTa for sequence classification (Liu et al., arXiv:1907.11692), module by module as in Hugging
 * Face's `RobertaForSequenceClassification`: attributes are named like the checkpoint's keys.
 *
 * Hidden states are `[rows, hidden]`; which rows belong to which text is the batch's affair. Of the last
 * layer only the states of `<s>` are used. So after its attention, where rows no longer meet, it computes
 * those alone, which changes no number; an observer sees it in full.
 */
import {
  add,
  attention,
  type GeluForm,
  gelu,
  indexSelect,
  isObserved,
  scope,
  tanh,
} from '../ops/index.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { geluForms, type RobertaConfig } from './config.ts'
import { Embedding, LayerNorm, Linear, Module, ModulePath, type Parameter } from './module.ts'

/** A `TokenBatch` on a device. */
export interface DeviceBatch {
  /** Rows of each text. */
  readonly lengths: readonly number[]
  readonly inputIds: Tensor // int32 [rows]
  readonly positionIds: Tensor // int32 [rows]
  readonly tokenTypeIds: Tensor // int32 [rows]
  readonly firstRows: Tensor // int32 [texts]
  readonly paddingMask: Tensor | undefined // bool [texts, length], true = padding
}

export class RobertaEmbeddings extends Module<[batch: DeviceBatch]> {
  readonly word_embeddings: Embedding
  readonly position_embeddings: Embedding
  readonly token_type_embeddings: Embedding
  readonly LayerNorm: LayerNorm

  constructor(at: ModulePath, config: RobertaConfig) {
    super(at)
    const { vocab_size, max_position_embeddings, type_vocab_size, hidden_size } = config
    this.word_embeddings = new Embedding(at.child('word_embeddings'), vocab_size, hidden_size)
    this.position_embeddings = new Embedding(
      at.child('position_embeddings'),
      max_position_embeddings,
      hidden_size,
    )
    this.token_type_embeddings = new Embedding(
      at.child('token_type_embeddings'),
      type_vocab_size,
      hidden_size,
    )
    this.LayerNorm = new LayerNorm(at.child('LayerNorm'), hidden_size, config.layer_norm_eps)
  }

  protected forward(batch: DeviceBatch): Tensor {
    const words = this.word_embeddings.call(batch.inputIds) // [rows, hidden]
    const types = this.token_type_embeddings.call(batch.tokenTypeIds) // [rows, hidden]
    const positions = this.position_embeddings.call(batch.positionIds) // [rows, hidden]
    return this.LayerNorm.call(add(add(words, types), positions))
  }
}

export class RobertaSelfAttention extends Module<[hidden: Tensor, batch: DeviceBatch]> {
  readonly query: Linear
  readonly key: Linear
  readonly value: Linear
  readonly numHeads: number

  constructor(at: ModulePath, { hidden_size, num_attention_heads }: RobertaConfig) {
    super(at)
    this.query = new Linear(at.child('query'), hidden_size, hidden_size)
    this.key = new Linear(at.child('key'), hidden_size, hidden_size)
    this.value = new Linear(at.child('value'), hidden_size, hidden_size)
    this.numHeads = num_attention_heads
  }

  protected forward(hidden: Tensor, { lengths, paddingMask }: DeviceBatch): Tensor {
    const query = this.query.call(hidden) // [rows, hidden]
    const key = this.key.call(hidden) // [rows, hidden]
    const value = this.value.call(hidden) // [rows, hidden]
    return attention(query, key, value, paddingMask, { numHeads: this.numHeads, lengths })
  }
}

/** A linear layer, the residual connection around what came before it, and layer norm. */
export class RobertaOutput extends Module<[hidden: Tensor, residual: Tensor]> {
  readonly dense: Linear
  readonly LayerNorm: LayerNorm

  constructor(at: ModulePath, inFeatures: number, { hidden_size, layer_norm_eps }: RobertaConfig) {
    super(at)
    this.dense = new Linear(at.child('dense'), inFeatures, hidden_size)
    this.LayerNorm = new LayerNorm(at.child('LayerNorm'), hidden_size, layer_norm_eps)
  }

  protected forward(hidden: Tensor, residual: Tensor): Tensor {
    return this.LayerNorm.call(this.dense.call(hidden), residual)
  }
}

/** `rows` (int32 [picked]), where given, are the only rows that are computed after attention. */
type LayerInputs = [hidden: Tensor, batch: DeviceBatch, rows: Tensor | undefined]

export class RobertaAttention extends Module<LayerInputs> {
  readonly self: RobertaSelfAttention
  readonly output: RobertaOutput

  constructor(at: ModulePath, config: RobertaConfig) {
    super(at)
    this.self = new RobertaSelfAttention(at.child('self'), config)
    this.output = new RobertaOutput(at.child('output'), config.hidden_size, config)
  }

  protected forward(hidden: Tensor, batch: DeviceBatch, rows: Tensor | undefined): Tensor {
    const attended = this.self.call(hidden, batch) // [rows, hidden]
    if (rows === undefined) return this.output.call(attended, hidden) // [rows, hidden]
    return this.output.call(indexSelect(attended, rows), indexSelect(hidden, rows)) // [picked, hidden]
  }
}

export class RobertaIntermediate extends Module<[hidden: Tensor]> {
  readonly dense: Linear
  readonly approximate: GeluForm

  constructor(at: ModulePath, { hidden_size, intermediate_size, hidden_act }: RobertaConfig) {
    super(at)
    this.dense = new Linear(at.child('dense'), hidden_size, intermediate_size)
    this.approximate = geluForms[hidden_act]
  }

  protected forward(hidden: Tensor): Tensor {
    const wide = this.dense.call(hidden) // [rows, intermediate]
    const { approximate } = this
    return scope(`${this.path}.intermediate_act_fn`, () => gelu(wide, { approximate }), [wide])
  }
}

export class RobertaLayer extends Module<LayerInputs> {
  readonly attention: RobertaAttention
  readonly intermediate: RobertaIntermediate
  readonly output: RobertaOutput

  constructor(at: ModulePath, config: RobertaConfig) {
    super(at)
    this.attention = new RobertaAttention(at.child('attention'), config)
    this.intermediate = new RobertaIntermediate(at.child('intermediate'), config)
    this.output = new RobertaOutput(at.child('output'), config.intermediate_size, config)
  }

  protected forward(hidden: Tensor, batch: DeviceBatch, rows: Tensor | undefined): Tensor {
    const attended = this.attention.call(hidden, batch, rows) // [rows, hidden]
    const wide = this.intermediate.call(attended) // [rows, intermediate]
    return this.output.call(wide, attended) // [rows, hidden]
  }
}

export class RobertaEncoder extends Module<LayerInputs> {
  readonly layer: readonly RobertaLayer[]

  constructor(at: ModulePath, config: RobertaConfig) {
    super(at)
    const layers = at.child('layer')
    this.layer = Array.from(
      { length: config.num_hidden_layers },
      (_, index) => new RobertaLayer(layers.child(index), config),
    )
  }

  protected forward(hidden: Tensor, batch: DeviceBatch, rows: Tensor | undefined): Tensor {
    const last = this.layer.at(-1)
    return this.layer.reduce(
      (states, layer) => layer.call(states, batch, layer === last ? rows : undefined),
      hidden,
    )
  }
}

export class RobertaModel extends Module<[batch: DeviceBatch, rows: Tensor | undefined]> {
  readonly embeddings: RobertaEmbeddings
  readonly encoder: RobertaEncoder

  constructor(at: ModulePath, config: RobertaConfig) {
    super(at)
    this.embeddings = new RobertaEmbeddings(at.child('embeddings'), config)
    this.encoder = new RobertaEncoder(at.child('encoder'), config)
  }

  protected forward(batch: DeviceBatch, rows: Tensor | undefined): Tensor {
    return this.encoder.call(this.embeddings.call(batch), batch, rows)
  }
}

export class RobertaClassificationHead extends Module<[hidden: Tensor, rows: Tensor | undefined]> {
  readonly dense: Linear
  readonly out_proj: Linear

  constructor(at: ModulePath, { hidden_size, labels }: RobertaConfig) {
    super(at)
    this.dense = new Linear(at.child('dense'), hidden_size, hidden_size)
    this.out_proj = new Linear(at.child('out_proj'), hidden_size, labels.length)
  }

  /** `rows` (int32 [texts]) are those of `<s>`; without it, `hidden` has no others. */
  protected forward(hidden: Tensor, rows: Tensor | undefined): Tensor {
    const first = rows === undefined ? hidden : indexSelect(hidden, rows) // [texts, hidden]
    return this.out_proj.call(tanh(this.dense.call(first))) // [texts, labels]
  }
}

export class RobertaForSequenceClassification extends Module<[batch: DeviceBatch]> {
  readonly roberta: RobertaModel
  readonly classifier: RobertaClassificationHead
  /** All weights, in the order in which they are used. */
  readonly parameters: readonly Parameter[]

  constructor(readonly config: RobertaConfig) {
    const root = new ModulePath('', [])
    super(root)
    this.roberta = new RobertaModel(root.child('roberta'), config)
    this.classifier = new RobertaClassificationHead(root.child('classifier'), config)
    this.parameters = root.parameters
  }

  /** Logits, `[texts, labels]`. */
  protected forward(batch: DeviceBatch): Tensor {
    const { firstRows } = batch
    return isObserved(firstRows.storage.owner)
      ? this.classifier.call(this.roberta.call(batch, undefined), firstRows)
      : this.classifier.call(this.roberta.call(batch, firstRows), undefined)
  }
}
