/**
 * A base model on the emulator without its arithmetic, for what the host does, and where the scripts that use it
 * write their tables. Nothing here is a measurement of an NPU.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseConfig } from '../dist/model/config.js'
import { RobertaForSequenceClassification } from '../dist/model/roberta.js'
import { tensor } from '../dist/ops/index.js'
import { newHostArray } from '../dist/tensor/dtype.js'

// Read by the emulator when a backend opens it.
process.env.ASCEND_EMULATOR_ARITHMETIC = '0'
process.env.ASCEND_EMULATOR_POISON = '0'

const config = parseConfig(
  {
    model_type: 'roberta',
    vocab_size: 1000,
    hidden_size: 768,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    intermediate_size: 3072,
    max_position_embeddings: 514,
    type_vocab_size: 1,
    layer_norm_eps: 1e-5,
    num_labels: 28,
    problem_type: 'multi_label_classification',
  },
  'config.json',
)

/** The model with weights that are all 0. */
export function zeroModel(backend, dtype) {
  const model = new RobertaForSequenceClassification(config)
  for (const parameter of model.parameters) {
    const zeros = newHostArray(
      dtype,
      parameter.shape.reduce((a, b) => a * b, 1),
    )
    parameter.load(tensor(backend, dtype, parameter.shape, zeros))
  }
  return model
}

/** Puts `text` between the marks of `script` in a page of docs, if that was asked for. */
export function writeIfAsked(page, script, text) {
  if (!process.argv.includes('--write')) return
  const path = new URL(`../docs/${page}`, import.meta.url)
  const [begin, end] = [`<!-- begin bench/${script} -->`, `<!-- end bench/${script} -->`]
  const [before, rest] = readFileSync(path, 'utf8').split(begin)
  const after = rest.split(end)[1]
  writeFileSync(path, `${before}${begin}\n\n${text}\n\n${end}${after}`)
}
