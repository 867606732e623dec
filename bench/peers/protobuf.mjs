/**
 * As much of the protobuf wire format as a writer of ONNX files needs. A message is a list of pieces,
 * so that the bytes of weights are written to a file without being copied together.
 * https://protobuf.dev/programming-guides/encoding
 */

/** @typedef {readonly Uint8Array[]} Message */

/** @param {number} value a whole number from 0 on @returns {Uint8Array} */
function varint(value) {
  const bytes = []
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80)
  return Uint8Array.of(...bytes, value)
}

/** @param {number} field @param {number} wireType */
const tag = (field, wireType) => varint(field * 8 + wireType)

/** @param {Message} message */
const lengthOf = (message) => message.reduce((sum, piece) => sum + piece.byteLength, 0)

/** @param {number} field @param {number} value @returns {Message} */
export const integer = (field, value) => [tag(field, 0), varint(value)]

/** @param {number} field @param {number} value @returns {Message} */
export const float = (field, value) => [
  tag(field, 5),
  new Uint8Array(Float32Array.of(value).buffer),
]

/** @param {number} field @param {Message} parts @returns {Message} */
export const message = (field, parts) => [tag(field, 2), varint(lengthOf(parts)), ...parts]

/** @param {number} field @param {string} text @returns {Message} */
export const string = (field, text) => message(field, [new TextEncoder().encode(text)])
