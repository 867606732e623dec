/** Token ids through a model: laid out, checked, uploaded, run, and the logits read back. */
import {
  type Backend,
  type BatchLayout,
  type HostTensor,
  isObserved,
  runProgram,
  tensors,
} from '../ops/index.ts'
import { IndexOutOfRangeError } from '../tensor/errors.ts'
import type { Shape } from '../tensor/shape.ts'
import { arena, type Tensor } from '../tensor/tensor.ts'
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
  const isPadded = layout === 'padded'
  // With an observer it is as PyTorch pads.
  const multiple = isObserved(backend) ? 1 : backend.lengthMultiple
  const batch = tokenBatch(sequences, layout, config.pad_token_id, multiple)
  checkIndices(batch, config)
  const forward = (inputs: readonly Tensor[]) => model.call(deviceBatch(batch, inputs))
  // Packed, each batch has lengths of its own.
  const logits = isPadded
    ? runProgram(backend, model, hostTensors(batch), forward)
    : arena(() => forward(tensors(backend, hostTensors(batch))))
  // Once the download is enqueued, the next forward may have the memory.
  const reading = logits.numbers()
  logits.dispose()
  const values = await reading
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

/**
 * The batch on a device, in one transfer. Throws `IndexOutOfRangeError` as `forwardLogits` does.
 * RoBERTa knows one type of token, 0.
 */
export function uploadBatch(
  batch: TokenBatch,
  config: RobertaConfig,
  backend: Backend,
): DeviceBatch {
  checkIndices(batch, config)
  return deviceBatch(batch, tensors(backend, hostTensors(batch)))
}

function hostTensors({ inputIds, positionIds, firstRows, paddingMask, lengths }: TokenBatch) {
  const ids = (data: Int32Array): HostTensor => ({ dtype: 'int32', shape: [data.length], data })
  const mask = (data: Uint8Array, shape: Shape): HostTensor => ({ dtype: 'bool', shape, data })
  return [
    ids(inputIds),
    ids(positionIds),
    ids(new Int32Array(inputIds.length)),
    ids(firstRows),
    ...(paddingMask ? [mask(paddingMask, [lengths.length, lengths[0]!])] : []),
  ]
}

/** A batch whose `hostTensors` are on a device. */
function deviceBatch({ lengths }: TokenBatch, tensors: readonly Tensor[]): DeviceBatch {
  const [inputIds, positionIds, tokenTypeIds, firstRows, paddingMask] = tensors as [
    ...[Tensor, Tensor, Tensor, Tensor],
    Tensor?,
  ]
  return { lengths, inputIds, positionIds, tokenTypeIds, firstRows, paddingMask }
}
