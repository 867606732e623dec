/** Module paths and what they say. */

/** `roberta.encoder.layer.3.output` is in layer 3. */
export function layerOf(scope: string): number | undefined {
  const layer = /\.layer\.(\d+)(?:\.|$)/.exec(scope)?.[1]
  return layer === undefined ? undefined : Number(layer)
}

/** The stages that a model is made of, one after the other: embeddings, each layer, and the head. */
export function isStage(scope: string): boolean {
  return /^(?:\w+\.)?(?:embeddings|encoder\.layer\.\d+|classifier)$/.test(scope)
}
