/**
 * The header of a safetensors file: JSON that says which tensors there are and where they lie.
 *
 * Everything that can be known to be wrong without looking at the data is found here, so that a
 * header which is returned can be trusted. What makes a single tensor right is in
 * `format.ts`.
 */
import type { ErrorOptions } from '../../errors.ts'
import { quote } from '../quote.ts'
import { StrictJsonError, StrictJsonReader } from '../strict-json.ts'
import { SafetensorsError, type SafetensorsReason } from './error.ts'
import {
  dtypeFault,
  isSafetensorsDType,
  type SafetensorsDType,
  sizeFault,
  type TensorInfo,
} from './format.ts'

/** Bytes before the header, which hold its length as an unsigned 64-bit integer. */
export const prefixLength = 8

/** The largest header that the reference implementation reads and writes, in bytes. */
export const maxHeaderLength = 100_000_000

const openingBrace = 0x7b

/** The name in the header that holds the metadata and therefore is no tensor's. */
export const metadataKey = '__metadata__'

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>
  /** In the order of the header. */
  readonly tensors: ReadonlyMap<string, TensorInfo>
}

/**
 * Reads and validates a header.
 *
 * @param path the file, for errors
 * @param bytes the header alone
 * @param dataOffset where the data begins in the file, in bytes
 * @param dataLength how many bytes of data the file holds
 * @throws SafetensorsError
 */
export function parseHeader(
  path: string,
  bytes: Uint8Array,
  dataOffset: number,
  dataLength: number,
): SafetensorsHeader {
  if (bytes[0] !== openingBrace) {
    throw new SafetensorsError(path, 'header-start', "the header does not begin with '{'", {
      hint: 'this is not a safetensors file, or it was damaged on the way',
    })
  }
  const header = new HeaderParser(path, dataOffset).parse(bytes)
  checkLayout(path, [...header.tensors.values()], dataOffset, dataLength)
  return header
}

/** What the header says of one tensor, before it is known to be complete. */
interface Entry {
  dtype?: SafetensorsDType
  shape?: readonly number[]
  data_offsets?: readonly [begin: number, end: number]
}

class HeaderParser {
  readonly #tensors = new Map<string, TensorInfo>()
  readonly #metadata = new Map<string, string>()
  /** The member of the header that is being read. */
  #name: string | undefined

  constructor(
    private readonly path: string,
    private readonly dataOffset: number,
  ) {}

  parse(bytes: Uint8Array): SafetensorsHeader {
    try {
      const json = new StrictJsonReader(bytes)
      json.object((name) => {
        this.#name = name
        if (name === metadataKey) this.#readMetadata(json)
        else this.#tensors.set(name, this.#readTensor(json, name))
        this.#name = undefined
      })
      json.end()
    } catch (error) {
      if (!(error instanceof StrictJsonError)) throw error
      this.#name ??= error.key
      throw this.#fault(error.reason, error.message, { cause: error })
    }
    return { metadata: Object.fromEntries(this.#metadata), tensors: this.#tensors }
  }

  #readMetadata(json: StrictJsonReader): void {
    json.object((key) => {
      this.#metadata.set(key, json.string())
    })
  }

  #readTensor(json: StrictJsonReader, name: string): TensorInfo {
    const entry: Entry = {}
    json.object((field) => {
      if (field === 'dtype') entry.dtype = this.#readDType(json)
      else if (field === 'shape') entry.shape = this.#readNumbers(json)
      else if (field === 'data_offsets') entry.data_offsets = this.#readOffsets(json)
      else throw this.#fault('unknown-field', `the field ${quote(field)} is not known`)
    })
    const { dtype, shape, data_offsets: offsets } = entry
    if (dtype === undefined) throw this.#fault('missing-field', "the field 'dtype' is missing")
    if (shape === undefined) throw this.#fault('missing-field', "the field 'shape' is missing")
    if (offsets === undefined) {
      throw this.#fault('missing-field', "the field 'data_offsets' is missing")
    }
    const [begin, end] = offsets
    if (begin > end) {
      throw this.#fault('offsets-reversed', `its data begins at ${begin}, after its end ${end}`)
    }
    const fault = sizeFault(dtype, shape, end - begin)
    if (fault !== undefined) throw this.#fault(fault.reason, fault.problem)
    return { name, dtype, shape, byteOffset: this.dataOffset + begin, byteLength: end - begin }
  }

  #readDType(json: StrictJsonReader): SafetensorsDType {
    const dtype = json.string()
    if (isSafetensorsDType(dtype)) return dtype
    const { reason, problem } = dtypeFault(dtype)
    throw this.#fault(reason, problem, { hint: 'convert this tensor to one of them first' })
  }

  #readNumbers(json: StrictJsonReader): number[] {
    const numbers: number[] = []
    json.array(() => {
      numbers.push(json.naturalNumber())
    })
    return numbers
  }

  #readOffsets(json: StrictJsonReader): readonly [number, number] {
    const numbers = this.#readNumbers(json)
    const [begin, end] = numbers
    if (begin === undefined || end === undefined || numbers.length !== 2) {
      throw this.#fault('wrong-type', `'data_offsets' has ${numbers.length} numbers instead of 2`)
    }
    return [begin, end]
  }

  #fault(
    reason: SafetensorsReason,
    problem: string,
    {
      hint = 'the file was damaged, or not written by a safetensors library; fetch it again',
      cause,
    }: ErrorOptions = {},
  ): SafetensorsError {
    const name = this.#name
    if (name === undefined || name === metadataKey) {
      const subject = name ?? 'header'
      return new SafetensorsError(this.path, reason, `${subject}: ${problem}`, { hint, cause })
    }
    return new SafetensorsError(this.path, reason, `tensor ${quote(name)}: ${problem}`, {
      hint,
      cause,
      tensors: [name],
    })
  }
}

/** The tensors must fill the data: no overlap, no hole, nothing before, between or behind. */
function checkLayout(
  path: string,
  tensors: readonly TensorInfo[],
  dataOffset: number,
  dataLength: number,
): void {
  const inOrder = tensors.toSorted(
    (a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength,
  )
  let used = 0
  for (const { name, byteOffset, byteLength } of inOrder) {
    const begin = byteOffset - dataOffset
    const subject = `tensor ${quote(name)}`
    const options = { tensors: [name] }
    if (begin < used) {
      const problem = `${subject} begins at ${begin}, inside of another that ends at ${used}`
      throw new SafetensorsError(path, 'offsets-overlap', problem, options)
    }
    if (begin > used) {
      const problem = `${subject} begins at ${begin}, and no tensor has the bytes from ${used} on`
      throw new SafetensorsError(path, 'offsets-gap', problem, options)
    }
    used = begin + byteLength
    if (used > dataLength) {
      const problem = `${subject} ends at ${used}, but the file has ${dataLength} bytes of data`
      throw new SafetensorsError(path, 'beyond-file', problem, {
        ...options,
        hint: 'the file was cut off on its way here; fetch it again',
      })
    }
  }
  if (used < dataLength) {
    const problem = `${dataLength - used} bytes follow the last tensor`
    throw new SafetensorsError(path, 'trailing-bytes', problem, {
      hint: 'the file is damaged or carries something else; fetch it again',
    })
  }
}
