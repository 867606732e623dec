/**
 * What every operator of the catalogue should give: a second, naive implementation, written from the
 * formula in each entry's `summary`, one element at a time and in float64. Tests compare backends,
 * the reference among them, against this.
 *
 * It shares no code with any backend and is another way of computing: plain arrays and
 * multi-indices instead of strides; Φ from exact integers instead of erf; tanh by a continued
 * fraction. Results are not rounded to the dtype. A new operator gets one function here.
 */
import type { Attributes, OperatorName } from '../../src/ops/index.ts'
import type { DType, FloatDType } from '../../src/tensor/dtype.ts'
import type { Shape } from '../../src/tensor/shape.ts'
import { normalDistribution } from './big-fixed.ts'
import { largestFinite, roundTo } from './float-format.ts'

/** A tensor as plain values in row-major order. */
export interface Values<E = number> {
  readonly shape: Shape
  readonly data: readonly E[]
}

type Index = readonly number[]

/** All multi-indices of a shape in row-major order. */
function* indicesOf(shape: Shape): Generator<number[]> {
  const [size, ...rest] = shape
  if (size === undefined) {
    yield []
    return
  }
  for (let i = 0; i < size; i++) for (const tail of indicesOf(rest)) yield [i, ...tail]
}

/** The tensor that has the given element at each index. */
function build<E>(shape: Shape, element: (index: number[]) => E): Values<E> {
  return { shape, data: [...indicesOf(shape)].map(element) }
}

function at<E>({ shape, data }: Values<E>, index: Index): E {
  return data[index.reduce((position, i, axis) => position * shape[axis]! + i, 0)]!
}

/** Where NumPy's broadcasting reads for `index` of a larger shape. */
function broadcastIndex(shape: Shape, index: Index): number[] {
  const own = index.slice(index.length - shape.length)
  return own.map((i, axis) => (shape[axis] === 1 ? 0 : i))
}

function broadcastAt<E>(values: Values<E>, index: Index): E {
  return at(values, broadcastIndex(values.shape, index))
}

/** Element (i, j) of the matrix that broadcasting of the leading axes puts at `lead`. */
function matrixAt(values: Values, lead: Index, i: number, j: number): number {
  return at(values, [...broadcastIndex(values.shape.slice(0, -2), lead), i, j])
}

function broadcastShape(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length)
  const padded = [a, b].map((shape) => [
    ...new Array<number>(rank - shape.length).fill(1),
    ...shape,
  ])
  return padded[0]!.map((size, axis) => (size === 1 ? padded[1]![axis]! : size))
}

function sum(terms: readonly number[]): number {
  return terms.reduce((total, term) => total + term, 0)
}

function dot(count: number, term: (k: number) => number): number {
  let total = 0
  for (let k = 0; k < count; k++) total += term(k)
  return total
}

function elementwise(input: Values, f: (x: number) => number): Values {
  return { shape: input.shape, data: input.data.map(f) }
}

function broadcasting(a: Values, b: Values, f: (x: number, y: number) => number): Values {
  return build(broadcastShape(a.shape, b.shape), (index) =>
    f(broadcastAt(a, index), broadcastAt(b, index)),
  )
}

/** Lambert's continued fraction x/(1 + x²/(3 + x²/(5 + …))), from the inside. */
function hyperbolicTangent(x: number): number {
  if (Math.abs(x) > 20) return Math.sign(x) // 1 − tanh 20 < 10⁻¹⁷
  let tail = 201
  for (let n = 199; n >= 1; n -= 2) tail = n + (x * x) / tail
  return x / tail
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

function geluTanh(x: number): number {
  // (1 + tanh u)/2 = logistic(2u), which does not cancel.
  return x * logistic(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))
}

const geluForms: Readonly<Record<string, (x: number) => number>> = {
  none: (x) => x * normalDistribution(x),
  tanh: geluTanh,
  sigmoid: (x) => x * logistic(1.702 * x),
}

function normalizedRow(row: readonly number[], eps: number): number[] {
  const mean = sum(row) / row.length
  const variance = sum(row.map((x) => (x - mean) ** 2)) / row.length
  return row.map((x) => (x - mean) / Math.sqrt(variance + eps))
}

function rowOf(input: Values, index: Index): number[] {
  return Array.from({ length: input.shape.at(-1)! }, (_, i) =>
    at(input, [...index.slice(0, -1), i]),
  )
}

function normalize(input: Values, weight: Values, bias: Values, eps: number): Values {
  return build(input.shape, (index) => {
    const column = index.at(-1)!
    return (
      normalizedRow(rowOf(input, index), eps)[column]! * at(weight, [column]) + at(bias, [column])
    )
  })
}

/** softmax of numbers of which none is hidden any more. */
function softmaxOf(row: readonly number[]): number[] {
  const largest = Math.max(...row)
  const powers = row.map((z) => Math.exp(z - largest))
  const total = sum(powers)
  return powers.map((power) => power / total)
}

function axisOf(shape: Shape, axis: unknown): number {
  return (Number(axis) + shape.length) % shape.length
}

/**
 * Attention for one token and head after the other. `part` is applied to the result of each of its
 * parts: rounding there is what a device without a kernel of its own does.
 */
export function attention(
  [query, key, value, mask]: readonly (Values | undefined)[],
  attributes: Attributes,
  dtype: FloatDType,
  part: (result: number) => number = (result) => result,
): Values {
  const { numHeads, lengths } = attributes as { numHeads: number; lengths: readonly number[] }
  const headSize = query!.shape[1]! / numHeads
  const textOf = lengths.flatMap((length, text) => new Array<number>(length).fill(text))
  const ofHead = (row: number, head: number): number[] => {
    const text = textOf[row]!
    const keys = [...textOf.keys()].filter((other) => textOf[other] === text)
    const columns = Array.from({ length: headSize }, (_, i) => head * headSize + i)
    const scores = keys.map((other) =>
      part(dot(headSize, (i) => at(query!, [row, columns[i]!]) * at(key!, [other, columns[i]!]))),
    )
    const shown = scores.map((score, j) =>
      mask !== undefined && at(mask, [text, j]) !== 0
        ? -largestFinite(dtype)
        : score / Math.sqrt(headSize),
    )
    const probabilities = softmaxOf(shown).map(part)
    return columns.map((column) =>
      part(dot(keys.length, (j) => probabilities[j]! * at(value!, [keys[j]!, column]))),
    )
  }
  const heads = [...indicesOf([query!.shape[0]!, numHeads])]
  return { shape: query!.shape, data: heads.flatMap(([row, head]) => ofHead(row!, head!)) }
}

type ArithmeticOracle = (
  inputs: readonly (Values | undefined)[],
  attributes: Attributes,
  dtype: FloatDType,
) => Values

const arithmetic = {
  add: ([input, other]) => broadcasting(input!, other!, (x, y) => x + y),
  mul: ([input, other]) => broadcasting(input!, other!, (x, y) => x * y),
  scale: ([input], { factor }) => elementwise(input!, (x) => Number(factor) * x),
  tanh: ([input]) => elementwise(input!, hyperbolicTangent),
  sigmoid: ([input]) => elementwise(input!, logistic),
  gelu: ([input], { approximate = 'none' }) => elementwise(input!, geluForms[String(approximate)]!),

  matmul: ([input, other]) => {
    const [rows, inner] = input!.shape.slice(-2) as [number, number]
    const batch = broadcastShape(input!.shape.slice(0, -2), other!.shape.slice(0, -2))
    return build([...batch, rows, other!.shape.at(-1)!], (index) => {
      const lead = index.slice(0, -2)
      const [i, j] = index.slice(-2) as [number, number]
      return dot(inner, (k) => matrixAt(input!, lead, i, k) * matrixAt(other!, lead, k, j))
    })
  },

  linear: ([input, weight, bias]) => {
    const [outputs, width] = weight!.shape as [number, number]
    return build([...input!.shape.slice(0, -1), outputs], (index) => {
      const j = index.at(-1)!
      const product = dot(
        width,
        (k) => at(input!, [...index.slice(0, -1), k]) * at(weight!, [j, k]),
      )
      return bias === undefined ? product : product + at(bias, [j])
    })
  },

  layer_norm: ([input, weight, bias], { eps = 1e-5 }) =>
    normalize(input!, weight!, bias!, Number(eps)),

  add_layer_norm: ([input, residual, weight, bias], { eps = 1e-5 }) =>
    normalize(
      broadcasting(input!, residual!, (x, y) => x + y),
      weight!,
      bias!,
      Number(eps),
    ),

  softmax: ([input, mask], { axis = -1, scale = 1 }, dtype) => {
    const along = axisOf(input!.shape, axis)
    return build(input!.shape, (index) => {
      const line = Array.from({ length: input!.shape[along]! }, (_, i) => index.with(along, i))
      const shown = line.map((position) =>
        mask !== undefined && broadcastAt(mask, position) !== 0
          ? -largestFinite(dtype)
          : Number(scale) * at(input!, position),
      )
      return softmaxOf(shown)[index[along]!]!
    })
  },

  attention,
} satisfies Partial<Record<OperatorName, ArithmeticOracle>>

type MovementOracle = (inputs: readonly Values<bigint>[], attributes: Attributes) => Values<bigint>

/** On raw bits; indices, which are never negative here, are their own bits. */
const movement = {
  contiguous: ([input]) => input!,

  permute: ([input], { axes }) => {
    const order = axes as readonly number[]
    return build(
      order.map((axis) => input!.shape[axis]!),
      (index) =>
        at(
          input!,
          [...input!.shape.keys()].map((axis) => index[order.indexOf(axis)]!),
        ),
    )
  },

  reshape: ([input], { shape }) => {
    const wanted = shape as readonly number[]
    const rest = input!.data.length / -wanted.reduce((product, size) => product * size, 1)
    return { shape: wanted.map((size) => (size === -1 ? rest : size)), data: input!.data }
  },

  slice: ([input], { axis = 0, start = 0, end, step = 1 }) => {
    const along = axisOf(input!.shape, axis)
    const picked: number[] = []
    for (let i = Number(start); i < Number(end); i += Number(step)) picked.push(i)
    return build(input!.shape.with(along, picked.length), (index) =>
      at(input!, index.with(along, picked[index[along]!]!)),
    )
  },

  concat: (tensors, { axis = 0 }) => {
    const along = axisOf(tensors[0]!.shape, axis)
    // For every position along the axis: which tensor it comes from, and from where in it.
    const sources = tensors.flatMap((tensor) =>
      Array.from({ length: tensor.shape[along]! }, (_, i) => ({ tensor, i })),
    )
    return build(tensors[0]!.shape.with(along, sources.length), (index) => {
      const { tensor, i } = sources[index[along]!]!
      return at(tensor, index.with(along, i))
    })
  },

  index_select: ([input, indices], { axis = 0 }) => {
    const along = axisOf(input!.shape, axis)
    return build(input!.shape.with(along, indices!.data.length), (index) =>
      at(input!, index.with(along, Number(indices!.data[index[along]!]))),
    )
  },

  embedding: ([indices, weight]) =>
    build([...indices!.shape, weight!.shape[1]!], (index) =>
      at(weight!, [Number(at(indices!, index.slice(0, -1))), index.at(-1)!]),
    ),
} satisfies Partial<Record<OperatorName, MovementOracle>>

/** One element in another dtype, by the rules in the summary of `cast`. */
export function castElement(value: number | bigint, to: DType): number | bigint {
  switch (to) {
    case 'bool':
      return Number(value) !== 0 ? 1 : 0
    case 'int32':
      return typeof value === 'bigint' ? BigInt.asIntN(32, value) : saturate(value, 32)
    case 'int64':
      return typeof value === 'bigint' ? value : saturate(value, 64)
    default:
      return roundTo(to, value)
  }
}

function saturate(value: number, bits: number): bigint {
  const limit = 2n ** BigInt(bits - 1)
  if (Number.isNaN(value)) return 0n
  if (Math.abs(value) === Infinity) return value > 0 ? limit - 1n : -limit
  const whole = BigInt(Math.trunc(value))
  if (whole >= limit) return limit - 1n
  return whole < -limit ? -limit : whole
}

export type ArithmeticOperator = keyof typeof arithmetic
export type MovementOperator = keyof typeof movement

export function isArithmetic(operator: OperatorName): operator is ArithmeticOperator {
  return Object.hasOwn(arithmetic, operator)
}

export function isMovement(operator: OperatorName): operator is MovementOperator {
  return Object.hasOwn(movement, operator)
}

/** The exact result of an operator that computes, as far as float64 can hold it. */
export function compute(
  operator: ArithmeticOperator,
  inputs: readonly (Values | undefined)[],
  attributes: Attributes,
  dtype: FloatDType,
): Values {
  return (arithmetic[operator] as ArithmeticOracle)(inputs, attributes, dtype)
}

/** The bits of the result of an operator that only moves elements. */
export function move(
  operator: MovementOperator,
  inputs: readonly Values<bigint>[],
  attributes: Attributes,
): Values<bigint> {
  return (movement[operator] as MovementOracle)(inputs, attributes)
}
