/**
 * The operator catalogue. Adding an operator is one file in `catalogue/`, one line here, and one
 * kernel in each backend that can do it; tests and tools find it here.
 */
import { addDefinition } from './catalogue/add.ts'
import { addLayerNormDefinition } from './catalogue/add-layer-norm.ts'
import { attentionDefinition } from './catalogue/attention.ts'
import { castDefinition } from './catalogue/cast.ts'
import { concatDefinition } from './catalogue/concat.ts'
import { contiguousDefinition } from './catalogue/contiguous.ts'
import { embeddingDefinition } from './catalogue/embedding.ts'
import { geluDefinition } from './catalogue/gelu.ts'
import { indexSelectDefinition } from './catalogue/index-select.ts'
import { layerNormDefinition } from './catalogue/layer-norm.ts'
import { linearDefinition } from './catalogue/linear.ts'
import { matmulDefinition } from './catalogue/matmul.ts'
import { mulDefinition } from './catalogue/mul.ts'
import { permuteDefinition } from './catalogue/permute.ts'
import { reshapeDefinition } from './catalogue/reshape.ts'
import { scaleDefinition } from './catalogue/scale.ts'
import { sigmoidDefinition } from './catalogue/sigmoid.ts'
import { sliceDefinition } from './catalogue/slice.ts'
import { softmaxDefinition } from './catalogue/softmax.ts'
import { tanhDefinition } from './catalogue/tanh.ts'
import type { OperatorDefinition } from './operator.ts'

export const catalogue = {
  embedding: embeddingDefinition,
  add: addDefinition,
  mul: mulDefinition,
  scale: scaleDefinition,
  matmul: matmulDefinition,
  linear: linearDefinition,
  layer_norm: layerNormDefinition,
  add_layer_norm: addLayerNormDefinition,
  softmax: softmaxDefinition,
  gelu: geluDefinition,
  tanh: tanhDefinition,
  sigmoid: sigmoidDefinition,
  cast: castDefinition,
  contiguous: contiguousDefinition,
  permute: permuteDefinition,
  reshape: reshapeDefinition,
  slice: sliceDefinition,
  concat: concatDefinition,
  index_select: indexSelectDefinition,
  attention: attentionDefinition,
}

export type OperatorName = keyof typeof catalogue

/** The attributes of an operator, all of them set. */
export type AttributesOf<N extends OperatorName> =
  (typeof catalogue)[N] extends OperatorDefinition<infer A, N> ? A : never

export const operatorNames = Object.keys(catalogue) as readonly OperatorName[]
