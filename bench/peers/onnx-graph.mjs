/**
 * An ONNX file, built node by node. Field numbers are those of onnx.proto
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */
import { open } from 'node:fs/promises'
import { float, integer, message, string } from './protobuf.mjs'

/** TensorProto.DataType. */
export const dataTypes = { float32: 1, int64: 7 }
/** AttributeProto.AttributeType. */
const attributeTypes = { float: 1, integer: 2, integers: 7 }

/** Has LayerNormalization; PyTorch writes it from here on. */
const operatorSet = 17
/** The version of the format that came with it. */
const formatVersion = 8

export class OnnxGraph {
  #nodes = []
  #weights = []
  #count = 0

  /**
   * Adds a node and returns the name of its output. An attribute is an integer from 0 on, a list of
   * them, or `{ float }`.
   */
  node(operator, inputs, attributes = {}, output = `${operator}_${this.#count++}`) {
    const parts = [
      ...inputs.flatMap((name) => string(1, name)),
      ...string(2, output),
      ...string(3, output),
      ...string(4, operator),
      ...Object.entries(attributes).flatMap(([name, value]) => message(5, attribute(name, value))),
    ]
    this.#nodes.push(...message(1, parts))
    return output
  }

  /** Adds a tensor and returns its name; `data` is a Float32Array or a BigInt64Array. */
  constant(shape, data, name = `constant_${this.#count++}`) {
    const type = data instanceof Float32Array ? dataTypes.float32 : dataTypes.int64
    const parts = [
      ...shape.flatMap((size) => integer(1, size)),
      ...integer(2, type),
      ...string(8, name),
      ...message(9, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
    ]
    this.#weights.push(...message(5, parts))
    return name
  }

  scalar(value) {
    return this.constant([], Float32Array.of(value))
  }

  integers(...values) {
    return this.constant([values.length], BigInt64Array.from(values, BigInt))
  }

  /** Writes the file. `inputs` and `outputs` are `{ name, type, shape }`; a size may be a name. */
  async write(path, { inputs, outputs }) {
    const graph = [
      ...this.#nodes,
      ...string(2, 'roberta'),
      ...this.#weights,
      ...inputs.flatMap((value) => message(11, valueInfo(value))),
      ...outputs.flatMap((value) => message(12, valueInfo(value))),
    ]
    const model = [
      ...integer(1, formatVersion),
      ...string(2, 'roberta-ascend'),
      ...message(7, graph),
      ...message(8, [...string(1, ''), ...integer(2, operatorSet)]),
    ]
    const file = await open(path, 'w')
    try {
      for (const piece of model) await file.writeFile(piece)
    } finally {
      await file.close()
    }
  }
}

function attribute(name, value) {
  const [type, content] = Array.isArray(value)
    ? [attributeTypes.integers, value.flatMap((one) => integer(8, one))]
    : typeof value === 'object'
      ? [attributeTypes.float, float(2, value.float)]
      : [attributeTypes.integer, integer(3, value)]
  return [...string(1, name), ...content, ...integer(20, type)]
}

function valueInfo({ name, type, shape }) {
  const dimension = (size) => (typeof size === 'string' ? string(2, size) : integer(1, size))
  const dimensions = shape.flatMap((size) => message(1, dimension(size)))
  return [
    ...string(1, name),
    ...message(2, message(1, [...integer(1, type), ...message(2, dimensions)])),
  ]
}
