/**
 * A checkpoint as ONNX, the way an export from PyTorch looks: weights of linear layers transposed for
 * MatMul, attention and GELU in their parts, which ONNX Runtime recognises and fuses.
 *
 *     node bench/peers/export-onnx.mjs MODEL_DIR FILE.onnx
 *
 * Inputs are `input_ids` and `attention_mask`, int64 [batch, length]; the output is `logits`.
 */
import { pathToFileURL } from 'node:url'
import { ReferenceBackend } from '../../dist/index.js'
import { loadModel } from '../../dist/model/load-model.js'
import { dataTypes, OnnxGraph } from './onnx-graph.mjs'

/** Writes `path` from the checkpoint in `directory`. */
export async function exportOnnx(directory, path) {
  const backend = new ReferenceBackend()
  const model = await loadModel(directory, { backend, dtype: 'float32', warn: console.warn })
  if (model.config.hidden_act !== 'gelu') {
    throw new Error(`${directory}: hidden_act ${model.config.hidden_act} is not exported`)
  }
  const weights = new Map()
  for (const { name, shape, value } of model.parameters) {
    weights.set(name, { shape, data: await value.data() })
  }
  const graph = new OnnxGraph()
  const logits = new Roberta(graph, model.config, weights).forward('input_ids', 'attention_mask')
  const ids = { type: dataTypes.int64, shape: ['batch', 'length'] }
  await graph.write(path, {
    inputs: [
      { name: 'input_ids', ...ids },
      { name: 'attention_mask', ...ids },
    ],
    outputs: [
      { name: logits, type: dataTypes.float32, shape: ['batch', model.config.labels.length] },
    ],
  })
}

class Roberta {
  constructor(graph, config, weights) {
    this.graph = graph
    this.config = config
    this.weights = weights
  }

  /** The name of the logits, [batch, labels]. */
  forward(ids, mask) {
    const { graph } = this
    const hides = this.maskOf(mask)
    let hidden = this.embeddings(ids)
    for (let layer = 0; layer < this.config.num_hidden_layers; layer++) {
      hidden = this.layer(`roberta.encoder.layer.${layer}`, hidden, hides)
    }
    const zero = graph.constant([], BigInt64Array.of(0n))
    const first = graph.node('Gather', [hidden, zero], { axis: 1 }) // [batch, hidden]
    const dense = graph.node('Tanh', [this.gemm('classifier.dense', first)])
    return this.gemm('classifier.out_proj', dense, 'logits')
  }

  embeddings(ids) {
    const { graph, config } = this
    const at = 'roberta.embeddings'
    const pad = graph.constant([], BigInt64Array.of(BigInt(config.pad_token_id)))
    const isToken = graph.node('Not', [graph.node('Equal', [ids, pad])])
    const tokens = graph.node('Cast', [isToken], { to: dataTypes.int64 })
    const axis = graph.constant([], BigInt64Array.of(1n))
    const count = graph.node('Mul', [graph.node('CumSum', [tokens, axis]), tokens])
    const positions = graph.node('Add', [count, pad])
    const types = this.weights.get(`${at}.token_type_embeddings.weight`)
    const hidden = config.hidden_size
    const type = graph.constant([hidden], types.data.subarray(0, hidden)) // every token is of type 0
    const words = this.gather(`${at}.word_embeddings.weight`, ids)
    const sum = graph.node('Add', [words, type])
    const places = this.gather(`${at}.position_embeddings.weight`, positions)
    return this.layerNorm(`${at}.LayerNorm`, graph.node('Add', [sum, places]))
  }

  /** [batch, 1, 1, length]: 0 for a token, a large negative number for padding. */
  maskOf(mask) {
    const { graph } = this
    const wide = graph.node('Unsqueeze', [mask, graph.integers(1, 2)])
    const keeps = graph.node('Cast', [wide], { to: dataTypes.float32 })
    const hides = graph.node('Sub', [graph.scalar(1), keeps])
    return graph.node('Mul', [hides, graph.scalar(-3.4e38)])
  }

  layer(at, hidden, hides) {
    const { graph, config } = this
    const heads = config.num_attention_heads
    const headSize = config.hidden_size / heads
    const split = (name, perm) => {
      const rows = this.linear(`${at}.attention.self.${name}`, hidden)
      const parts = graph.node('Reshape', [rows, graph.integers(0, 0, heads, headSize)])
      return graph.node('Transpose', [parts], { perm })
    }
    const query = split('query', [0, 2, 1, 3])
    const key = split('key', [0, 2, 3, 1])
    const value = split('value', [0, 2, 1, 3])
    const products = graph.node('MatMul', [query, key])
    const scores = graph.node('Div', [products, graph.scalar(Math.sqrt(headSize))])
    const probabilities = graph.node('Softmax', [graph.node('Add', [scores, hides])])
    const context = graph.node('MatMul', [probabilities, value])
    const rows = graph.node('Transpose', [context], { perm: [0, 2, 1, 3] })
    const joined = graph.node('Reshape', [rows, graph.integers(0, 0, config.hidden_size)])
    const attended = this.output(`${at}.attention.output`, joined, hidden)
    const wide = this.gelu(this.linear(`${at}.intermediate.dense`, attended))
    return this.output(`${at}.output`, wide, attended)
  }

  /** A linear layer, the residual, layer norm. */
  output(at, hidden, residual) {
    const dense = this.linear(`${at}.dense`, hidden)
    return this.layerNorm(`${at}.LayerNorm`, this.graph.node('Add', [dense, residual]))
  }

  linear(at, input) {
    const { shape, data } = this.weights.get(`${at}.weight`)
    const [outputs, inputs] = shape
    const transposed = new Float32Array(data.length)
    for (let row = 0; row < outputs; row++) {
      for (let column = 0; column < inputs; column++) {
        transposed[column * outputs + row] = data[row * inputs + column]
      }
    }
    const weight = this.graph.constant([inputs, outputs], transposed, `${at}.weight`)
    return this.graph.node('Add', [
      this.weight(`${at}.bias`),
      this.graph.node('MatMul', [input, weight]),
    ])
  }

  /** A linear layer of matrices. */
  gemm(at, input, output) {
    const inputs = [input, this.weight(`${at}.weight`), this.weight(`${at}.bias`)]
    return this.graph.node('Gemm', inputs, { transB: 1 }, output)
  }

  layerNorm(at, input) {
    const inputs = [input, this.weight(`${at}.weight`), this.weight(`${at}.bias`)]
    const epsilon = { float: this.config.layer_norm_eps }
    return this.graph.node('LayerNormalization', inputs, { epsilon })
  }

  /** x · (1 + erf(x / √2)) · 0.5 */
  gelu(input) {
    const { graph } = this
    const erf = graph.node('Erf', [graph.node('Div', [input, graph.scalar(Math.SQRT2)])])
    const sum = graph.node('Add', [erf, graph.scalar(1)])
    return graph.node('Mul', [graph.node('Mul', [input, sum]), graph.scalar(0.5)])
  }

  gather(name, ids) {
    return this.graph.node('Gather', [this.weight(name), ids])
  }

  weight(name) {
    const { shape, data } = this.weights.get(name)
    return this.graph.constant(shape, data, name)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [directory, path] = process.argv.slice(2)
  await exportOnnx(directory, path)
}
