/** Fills a model's parameters from a checkpoint: names and shapes checked first, all at once. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { convertTo, isStoredAs } from '../checkpoint/convert.ts'
import { quote } from '../checkpoint/quote.ts'
import { FileError } from '../errors.ts'
import { type Backend, tensorFrom } from '../ops/index.ts'
import { codecs, type FloatDType, type HostArray, type HostArrays } from '../tensor/dtype.ts'
import { formatShape, sameShape } from '../tensor/shape.ts'
import { mapInOrder } from './in-order.ts'
import type { Parameter } from './module.ts'
import type { Warn } from './warnings.ts'

/** The checkpoint's tensors are not the model's. All of them are listed. */
export class ParameterMismatchError extends FileError {
  constructor(
    path: string,
    readonly missing: readonly string[],
    readonly misshaped: readonly string[],
    readonly unexpected: readonly string[],
  ) {
    const part = (what: string, names: readonly string[]): string[] =>
      names.length === 0 ? [] : [`${what} ${names.join(', ')}`]
    const parts = [
      ...part('missing', missing),
      ...part('misshaped', misshaped),
      // Only these names come from the file; they may be hostile.
      ...part('unexpected', unexpected.map(quote)),
    ]
    super(path, `its tensors do not fit config.json: ${parts.join('; ')}`, {
      hint: 'take config.json and the weights from the same model',
    })
  }
}

export interface LoadParametersOptions {
  readonly backend: Backend
  readonly dtype: FloatDType
  /** Told of what is odd but no reason to stop: unused tensors, NaN or infinite weights. */
  readonly warn: Warn
}

/** Tensors that are loaded together: while one is looked at, the next two are read. */
const atOnce = 3

/**
 * Loads every parameter, three tensors at a time, converted to `dtype`. Keys may come with or without the
 * `roberta.` prefix. Throws `ParameterMismatchError` before anything is read if a tensor is missing
 * or has another shape; tensors that no parameter asks for are only a warning, as in transformers.
 */
export async function loadParameters(
  parameters: readonly Parameter[],
  checkpoint: Checkpoint,
  { backend, dtype, warn }: LoadParametersOptions,
): Promise<void> {
  const isPrefixed = [...checkpoint.tensors.keys()].some((name) => name.startsWith('roberta.'))
  const keyOf = (name: string): string => (isPrefixed ? name : name.replace(/^roberta\./, ''))
  const keys = new Set(parameters.map(({ name }) => keyOf(name)))
  const missing: string[] = []
  const misshaped: string[] = []
  for (const { name, shape } of parameters) {
    const info = checkpoint.tensors.get(keyOf(name))
    if (info === undefined) missing.push(keyOf(name))
    else if (!sameShape(info.shape, shape)) {
      misshaped.push(`${keyOf(name)} ${formatShape(info.shape)} instead of ${formatShape(shape)}`)
    }
  }
  // Old checkpoints carry the buffer 0, 1, 2, …, which is not a weight.
  const unexpected = [...checkpoint.tensors.keys()].filter(
    (name) => !keys.has(name) && !name.endsWith('.position_ids'),
  )
  if (missing.length > 0 || misshaped.length > 0) {
    throw new ParameterMismatchError(checkpoint.path, missing, misshaped, unexpected)
  }
  if (unexpected.length > 0) {
    warn(
      `${checkpoint.path}: tensors that the model does not use: ${unexpected.map(quote).join(', ')}`,
    )
  }
  try {
    const load = async (parameter: Parameter) => {
      const key = keyOf(parameter.name)
      let odd = 0
      const spec = { dtype, shape: parameter.shape }
      const loaded = await tensorFrom(backend, spec, async (elements) => {
        await readElements(checkpoint, key, dtype, elements as HostArrays[typeof dtype])
        odd = countNonFinite(elements, dtype)
      })
      parameter.load(loaded)
      return { key, odd }
    }
    for await (const { key, odd } of mapInOrder(parameters, atOnce, load)) {
      if (odd > 0) {
        warn(`${checkpoint.path}: ${key} holds ${odd} NaN or infinite values as ${dtype}`)
      }
    }
  } catch (error) {
    for (const parameter of parameters) parameter.dispose()
    throw error
  }
}

/** Straight from the file where nothing needs to be converted. */
async function readElements<T extends FloatDType>(
  checkpoint: Checkpoint,
  key: string,
  dtype: T,
  elements: HostArrays[T],
): Promise<void> {
  if (isStoredAs(checkpoint.tensors.get(key)!.dtype, dtype)) {
    const { buffer, byteOffset, byteLength } = elements
    await checkpoint.read(key, new Uint8Array(buffer, byteOffset, byteLength))
  } else {
    convertTo(await checkpoint.read(key), dtype, elements)
  }
}

function countNonFinite(data: HostArray, dtype: FloatDType): number {
  let count = 0
  if (dtype === 'float32') {
    const values = data as Float32Array
    // Zero times anything finite is zero: a pass without branches, in four sums that do not wait for
    // one another, takes a fraction of the time.
    let [a, b, c, d] = [0, 0, 0, 0]
    const whole = values.length - (values.length % 4)
    for (let index = 0; index < whole; index += 4) {
      a += values[index]! * 0
      b += values[index + 1]! * 0
      c += values[index + 2]! * 0
      d += values[index + 3]! * 0
    }
    for (let index = whole; index < values.length; index++) a += values[index]! * 0
    if (a + b + c + d === 0) return 0
    for (let index = 0; index < values.length; index++) {
      if (!Number.isFinite(values[index])) count++
    }
    return count
  }
  const { decode } = codecs[dtype]
  for (let index = 0; index < data.length; index++) {
    if (!Number.isFinite(decode(data, index))) count++
  }
  return count
}
