/**
 * attention, fused: functions of aclnn that compute scores, softmax and weighted values in one launch.
 * They run where they are asked for and fit; elsewhere attention is decomposed.
 *
 * [rows, hidden] is their layout BSH, [batch, rows, columns], as it lies in memory: no axis moves. Their
 * masks have a row for every query. A text whose keys are all hidden is uniform in the definition, and in
 * these functions as long as they repair no rows, which `innerPrecise` 0 leaves alone.
 */
import type { OperatorInputs, TensorSpec } from '../../../ops/backend.ts'
import type { AttributesOf } from '../../../ops/catalogue.ts'
import type { Alternative } from '../constants.ts'
import { noHandle } from '../descriptors.ts'
import { type DeviceView, isDense } from '../device-view.ts'
import type { Launch } from '../launch.ts'
import type { NpuKernel } from './kernel.ts'

/** Where several fit, the first of these runs. */
const fusedFunctions = [
  'aclnnFusedInferAttentionScoreV3',
  'aclnnPromptFlashAttentionV3',
  'aclnnFlashAttentionScore',
] as const satisfies readonly Alternative[]

type Fused = (typeof fusedFunctions)[number]

/** True, or why no fused function that was asked for computes such a call. */
export function supportsAttention(
  asked: readonly Alternative[],
  inputs: OperatorInputs<TensorSpec>,
  attributes: AttributesOf<'attention'>,
): true | string {
  const names = fusedFunctions.filter((name) => asked.includes(name))
  if (names.length === 0) return 'it is made of others where no fused function is asked for'
  const reasons = names.map((name) => misfit(name, inputs, attributes))
  return reasons.includes(undefined) || reasons.join('; ')
}

/** What a function does not take, by its documentation in CANN 8.5; undefined where it fits. */
function misfit(
  name: Fused,
  [query]: OperatorInputs<TensorSpec>,
  { numHeads, lengths }: AttributesOf<'attention'>,
): string | undefined {
  const { dtype, shape } = query!
  const hidden = shape[1]!
  const [headSize, batch, length] = [hidden / numHeads, lengths.length, lengths[0] ?? 0]
  const isTraining = name === 'aclnnFlashAttentionScore'
  const isAligned = headSize % 16 === 0
  const mostColumns = isTraining ? 768 : 512
  const mostTexts = isTraining ? 2 ** 21 : isAligned ? 2 ** 16 : 128
  const rules: readonly (readonly [holds: boolean, what: string])[] = [
    [lengths.every((other) => other === length), 'texts of one length'],
    [isTraining || dtype !== 'float32', 'float16 and bfloat16'],
    [numHeads <= 256, 'at most 256 heads'],
    [headSize <= mostColumns, `heads of at most ${mostColumns} columns`],
    [isTraining || hidden < 65535, 'fewer than 65535 columns'],
    [batch <= mostTexts, `at most ${mostTexts} texts`],
    [
      name !== 'aclnnFusedInferAttentionScoreV3' || isAligned,
      'heads whose columns are a multiple of 16',
    ],
    // One row goes to another kernel, whose masks have other shapes.
    [name !== 'aclnnFusedInferAttentionScoreV3' || length !== 1, 'texts of two rows or more'],
  ]
  const broken = rules.find(([holds]) => !holds)
  return broken && `${name} takes ${broken[1]}`
}

export const attention: NpuKernel<'attention'> = (launch, inputs, attributes, output) => {
  const { numHeads, lengths } = attributes
  const name = fusedFunctions.find(
    (each) => launch.prefers(each) && misfit(each, inputs, attributes) === undefined,
  )!
  const [query, key, value, mask] = inputs as [DeviceView, DeviceView, DeviceView, DeviceView?]
  const [batch, length, hidden] = [lengths.length, lengths[0]!, output.shape[1]!]
  const texts = (view: DeviceView): DeviceView => launch.reshape(view, [batch, length, hidden])
  const takesViews = name === 'aclnnFlashAttentionScore'
  const rows = (view: DeviceView): DeviceView => texts(takesViews ? view : plain(launch, view))
  runs[name](launch, {
    query: rows(query),
    key: rows(key),
    value: rows(value),
    mask: mask && everyRow(launch, mask),
    output: texts(output),
    heads: numHeads,
    scale: 1 / Math.sqrt(hidden / numHeads),
  })
}

/** Dense, and at the beginning of its memory: whether functions of inference see offsets is not known. */
function plain(launch: Launch, view: DeviceView): DeviceView {
  if (isDense(view) && view.offset === 0) return view
  const copy = launch.temporary(view.dtype, view.shape)
  launch.copy(view, copy)
  return copy
}

/** [texts, keys] as [texts, 1, rows, keys]. */
function everyRow(launch: Launch, mask: DeviceView): DeviceView {
  const [batch, length] = mask.shape as readonly [number, number]
  const grown = launch.temporary('bool', [batch, 1, length, length])
  launch.copy(launch.reshape(mask, [batch, 1, 1, length]), grown)
  return grown
}

interface Call {
  /** [texts, rows, hidden], as key, value and output. */
  readonly query: DeviceView
  readonly key: DeviceView
  readonly value: DeviceView
  /** [texts, 1, rows, keys]. */
  readonly mask: DeviceView | undefined
  readonly output: DeviceView
  readonly heads: number
  readonly scale: number
}

/**
 * How far attention looks back and ahead. Where there is a mask, positions beyond are not computed: 0 ahead,
 * which the documentation suggests, would make it causal.
 */
const unlimited = 2147483647n

const layout = 'BSH'

/** What is not used here: shifts, dropout, quantisation, pages, prefixes, rotary embeddings. */
const none = <N extends number>(count: N) => new Array(count).fill(noHandle) as NoHandles<N>
type NoHandles<N extends number, T extends bigint[] = []> = T['length'] extends N
  ? T
  : NoHandles<N, [...T, bigint]>

const runs: Readonly<Record<Fused, (launch: Launch, call: Call) => void>> = {
  aclnnFlashAttentionScore(launch, { query, key, value, mask, output, heads, scale }) {
    const [batch, length] = output.shape as readonly [number, number]
    const statistics = () => launch.temporary('float32', [batch, heads, length, 8])
    const [maxima, sums] = [statistics(), statistics()]
    launch.run('aclnnFlashAttentionScore', (make) => [
      make.tensor(query),
      make.tensor(key),
      make.tensor(value),
      ...none(3),
      make.tensor(mask),
      noHandle,
      scale,
      // Nothing is dropped.
      1,
      unlimited,
      unlimited,
      BigInt(heads),
      layout,
      0n,
      0n,
      make.tensor(maxima),
      make.tensor(sums),
      noHandle,
      make.tensor(output),
    ])
  },
  aclnnPromptFlashAttentionV3(launch, { query, key, value, mask, output, heads, scale }) {
    launch.run('aclnnPromptFlashAttentionV3', (make) => [
      make.tensor(query),
      make.tensor(key),
      make.tensor(value),
      noHandle,
      make.tensor(mask),
      ...none(7),
      BigInt(heads),
      scale,
      unlimited,
      unlimited,
      layout,
      // As many heads of keys, a whole mask, high precision without repair.
      0n,
      0n,
      0n,
      make.tensor(output),
    ])
  },
  aclnnFusedInferAttentionScoreV3(launch, { query, key, value, mask, output, heads, scale }) {
    launch.run('aclnnFusedInferAttentionScoreV3', (make) => [
      make.tensor(query),
      make.tensors([key]),
      make.tensors([value]),
      noHandle,
      make.tensor(mask),
      ...none(22),
      BigInt(heads),
      scale,
      unlimited,
      unlimited,
      layout,
      // As many heads of keys, a whole mask, high precision without repair, no pages, no quantisation.
      0n,
      0n,
      0n,
      0n,
      0n,
      // No logarithm of the sums.
      false,
      0n,
      0n,
      make.tensor(output),
      noHandle,
    ])
  },
}
