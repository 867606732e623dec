/** Token ids through a model: laid out, checked, uploaded, run, and the logits read back. */
import { type Backend, type BatchLayout, tensor } from '../ops/index.ts'
import { IndexOutOfRangeError } from '../tensor/errors.ts'
import { arena } from '../tensor/tensor.ts'
import type { RobertaConfig } from './config.ts'
import type { DeviceBatch, RobertaForSequenceClassification } from './roberta.ts'
import { type TokenBatch, tokenBatch } from './token-batch.ts'

/**
 * Logits of each sequence of token ids (with its `<s>` and `</s>`), in label-id order. Throws
 * `IndexOutOfRangeError` for an id that the vocabulary does not have or a text that is too long.
 */
export async function forwardLogits(
  model: RobertaForSequenceClassification,
  backend: Backend,
  sequences: readonly ArrayLike<number>[],
  layout: BatchLayout = backend.preferredLayout,
): Promise<Float64Array[]> {
  if (sequences.length === 0) return []
  const { config } = model
  const batch = tokenBatch(sequences, layout, config.pad_token_id)
  checkIndices(batch, config)
  using logits = arena(() => model.call(upload(batch, backend)))
  const values = await logits.numbers()
  const width = config.labels.length
  return sequences.map((_, text) => values.subarray(text * width, (text + 1) * width))
}

/** Devices do not check indices: a wrong one reads other memory there. */
function checkIndices({ inputIds, positionIds }: TokenBatch, config: RobertaConfig): void {
  const check = (what: string, ids: Int32Array, size: number): void => {
    for (const id of ids) if (id < 0 || id >= size) throw new IndexOutOfRangeError(what, id, size)
  }
  check('token id', inputIds, config.vocab_size)
  check('position id', positionIds, config.max_position_embeddings)
}

function upload(batch: TokenBatch, backend: Backend): DeviceBatch {
  const { lengths, inputIds, positionIds, firstRows, paddingMask } = batch
  const ids = (data: Int32Array) => tensor(backend, 'int32', [data.length], data)
  return {
    lengths,
    inputIds: ids(inputIds),
    positionIds: ids(positionIds),
    tokenTypeIds: ids(new Int32Array(inputIds.length)),
    firstRows: ids(firstRows),
    paddingMask: paddingMask && tensor(backend, 'bool', [lengths.length, lengths[0]!], paddingMask),
  }
}
