/**
 * attention: multi-head self-attention within each text of a batch. A composite operator: a backend
 * may have a kernel for it; where it has none, or an observer looks inside, it is made of others.
 */
import { InvalidArgumentError } from '../../errors.ts'
import { floatDTypes } from '../../tensor/dtype.ts'
import { ShapeError } from '../../tensor/errors.ts'
import { formatShape, sameShape } from '../../tensor/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { TensorSpec } from '../backend.ts'
import { dispatch } from '../dispatch.ts'
import { defineOperator } from '../operator.ts'
import { type SampleLayout, tensorSample, values } from '../samples.ts'
import { likeInput, sample } from './common.ts'
import { concat } from './concat.ts'
import { matmul } from './matmul.ts'
import { permute } from './permute.ts'
import { reshape } from './reshape.ts'
import { slice } from './slice.ts'
import { softmax } from './softmax.ts'

export const attentionDefinition = defineOperator({
  name: 'attention',
  // Vaswani et al., "Attention Is All You Need", arXiv:1706.03762, section 3.2.
  summary:
    'for each text and head: y = softmax(query · keyᵀ / √headSize, mask) · value; ' +
    'heads lie side by side in the columns',
  inputs: [
    { name: 'query', dtypes: floatDTypes },
    { name: 'key', dtypes: floatDTypes },
    { name: 'value', dtypes: floatDTypes },
    { name: 'mask', dtypes: ['bool'], optional: true },
  ],
  sameDType: ['query', 'key', 'value'],
  attributes: {
    numHeads: { type: 'integer', summary: 'how many heads share the columns' },
    lengths: { type: 'integers', summary: 'rows of each text, one text after the other' },
  },
  errorClass: 'composite',
  infer: (inputs, { numHeads, lengths }) => {
    const [query, key, value, mask] = inputs as readonly [
      TensorSpec,
      TensorSpec,
      TensorSpec,
      TensorSpec?,
    ]
    const shape = query.shape
    if (shape.length !== 2 || !sameShape(shape, key.shape) || !sameShape(shape, value.shape)) {
      throw new ShapeError(
        'attention',
        `query ${formatShape(shape)}, key ${formatShape(key.shape)} and value ${formatShape(value.shape)} must be [rows, hidden] alike`,
      )
    }
    const [rows, hidden] = shape as readonly [number, number]
    if (numHeads < 1 || hidden % numHeads !== 0) {
      throw new InvalidArgumentError(
        'attention: numHeads',
        `${numHeads} heads do not divide ${hidden} columns`,
      )
    }
    const sum = lengths.reduce((total, length) => total + length, 0)
    if (sum !== rows || lengths.some((length) => length < 0)) {
      throw new ShapeError('attention', `lengths add up to ${sum}, not to the ${rows} rows`)
    }
    if (mask !== undefined && !sameShape(mask.shape, [lengths.length, lengths[0] ?? 0])) {
      throw new ShapeError(
        'attention',
        `mask is ${formatShape(mask.shape)}, not [${lengths.length}, ${lengths[0] ?? 0}]`,
      )
    }
    if (mask !== undefined && !allEqual(lengths)) {
      throw new ShapeError('attention', 'a mask needs texts of one length')
    }
    return likeInput(inputs)
  },
  flops: (inputs, { numHeads, lengths }) => {
    const hidden = inputs[0]!.shape[1]!
    return lengths.reduce(
      (sum, length) => sum + 4 * length * length * hidden + 12 * numHeads * length * length,
      0,
    )
  },
  decompose: (inputs, { numHeads, lengths }) => {
    const [query, key, value, mask] = inputs as readonly [Tensor, Tensor, Tensor, Tensor?]
    if (allEqual(lengths)) {
      return attendEqual(query, key, value, mask, numHeads, lengths.length, lengths[0] ?? 0)
    }
    let start = 0
    const parts = lengths.map((length) => {
      const rows = { start, end: start + length }
      start += length
      const [q, k, v] = [slice(query, rows), slice(key, rows), slice(value, rows)]
      return attendEqual(q, k, v, undefined, numHeads, 1, length)
    })
    return concat(parts)
  },
  dtypes: floatDTypes,
  samples: (dtype) => {
    const three = (rows: number, hidden: number, layout?: SampleLayout, deviation = 1) => {
      const one = tensorSample(dtype, [rows, hidden], { kind: 'normal', deviation }, layout)
      return [one, one, one]
    }
    const withOne = (special: number, position: number) =>
      tensorSample(
        dtype,
        [8, 6],
        values(
          ...Array.from({ length: 48 }, (_, i) => (i === position ? special : (i % 11) / 8 - 0.5)),
        ),
      )
    return [
      sample('ordinary', 'two texts of one length', three(12, 16), {
        numHeads: 4,
        lengths: [6, 6],
      }),
      sample('ordinary', 'packed texts', three(12, 16), { numHeads: 2, lengths: [3, 7, 2] }),
      sample(
        'ordinary',
        'padded texts',
        [
          ...three(12, 16),
          tensorSample('bool', [2, 6], values(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1)),
        ],
        { numHeads: 4, lengths: [6, 6] },
      ),
      // More rows than any kernel takes at once.
      sample('ordinary', 'packed texts, some long', three(166, 21), {
        numHeads: 3,
        lengths: [0, 130, 3, 33],
      }),
      sample(
        'ordinary',
        'padded texts, heads of 16 columns',
        [
          ...three(12, 32),
          tensorSample('bool', [2, 6], values(0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0)),
        ],
        { numHeads: 2, lengths: [6, 6] },
      ),
      sample('extreme', 'peaked', three(8, 8, undefined, 3), { numHeads: 2, lengths: [8] }),
      sample('empty', 'no texts', three(0, 8), { numHeads: 2, lengths: [] }),
      sample('odd-sized', 'texts of one row', three(3, 6), { numHeads: 3, lengths: [1, 1, 1] }),
      sample('odd-sized', 'a text without rows', three(5, 6), { numHeads: 2, lengths: [2, 0, 3] }),
      sample('odd-sized', 'primes', three(18, 15), { numHeads: 3, lengths: [7, 11] }),
      sample('non-contiguous', 'dense, at an offset', three(8, 6, 'offset'), {
        numHeads: 1,
        lengths: [8],
      }),
      sample('non-contiguous', 'transposed', three(8, 6, 'transposed'), {
        numHeads: 3,
        lengths: [4, 4],
      }),
      sample('non-contiguous', 'sliced', three(8, 6, 'sliced'), { numHeads: 1, lengths: [3, 5] }),
      // Row 1 is NaN in its first head; column 2 of the second text is infinite.
      sample(
        'special values',
        'NaN in a query, an infinity in a value',
        [withOne(NaN, 6), tensorSample(dtype, [8, 6]), withOne(Infinity, 38)],
        { numHeads: 2, lengths: [4, 4] },
      ),
    ]
  },
  invalid: [
    {
      name: 'heads that do not divide',
      inputs: [
        [4, 6],
        [4, 6],
        [4, 6],
      ].map((shape) => tensorSample('float32', shape)),
      attributes: { numHeads: 4, lengths: [4] },
      error: 'InvalidArgumentError',
      mentions: 'numHeads',
    },
    {
      name: 'lengths that miss a row',
      inputs: [
        [4, 6],
        [4, 6],
        [4, 6],
      ].map((shape) => tensorSample('float32', shape)),
      attributes: { numHeads: 2, lengths: [3] },
      error: 'ShapeError',
      mentions: 'lengths',
    },
    {
      name: 'keys of another shape',
      inputs: [
        [4, 6],
        [3, 6],
        [4, 6],
      ].map((shape) => tensorSample('float32', shape)),
      attributes: { numHeads: 2, lengths: [4] },
      error: 'ShapeError',
      mentions: 'key [3, 6]',
    },
    {
      name: 'a mask for packed texts',
      inputs: [
        ...[
          [4, 6],
          [4, 6],
          [4, 6],
        ].map((shape) => tensorSample('float32', shape)),
        tensorSample('bool', [2, 1], values(0)),
      ],
      attributes: { numHeads: 2, lengths: [1, 3] },
      error: 'ShapeError',
      mentions: 'one length',
    },
  ],
})

function allEqual(lengths: readonly number[]): boolean {
  return lengths.every((length) => length === lengths[0])
}

/** Attention within `batch` texts of `length` rows each; `mask` is `[batch, length]` where given. */
function attendEqual(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  mask: Tensor | undefined,
  numHeads: number,
  batch: number,
  length: number,
): Tensor {
  const hidden = query.shape[1]!
  const headSize = hidden / numHeads
  const split = (rows: Tensor, axes: readonly number[]): Tensor =>
    permute(reshape(rows, [batch, length, numHeads, headSize]), axes)
  const q = split(query, [0, 2, 1, 3]) // [batch, heads, length, headSize]
  const k = split(key, [0, 2, 3, 1]) // [batch, heads, headSize, length]
  const v = split(value, [0, 2, 1, 3]) // [batch, heads, length, headSize]
  const scores = matmul(q, k) // [batch, heads, length, length]
  const hidesKeys = mask === undefined ? undefined : reshape(mask, [batch, 1, 1, length])
  const probabilities = softmax(scores, hidesKeys, { scale: 1 / Math.sqrt(headSize) })
  const context = matmul(probabilities, v) // [batch, heads, length, headSize]
  return reshape(permute(context, [0, 2, 1, 3]), [batch * length, hidden])
}

/**
 * Self-attention within each text. `query`, `key` and `value` are `[rows, hidden]`; text t owns
 * `lengths[t]` rows. `mask` `[texts, length]` hides keys where it is true and needs equal lengths.
 */
export function attention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  mask: Tensor | undefined,
  attributes: { numHeads: number; lengths: readonly number[] },
): Tensor {
  return dispatch(attentionDefinition, [query, key, value, mask], attributes)
}
