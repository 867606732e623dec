/**
 * Writes a safetensors file, whole or not at all.
 *
 * What may be written is what `SafetensorsFile` opens. The bytes go to a temporary name in the same
 * directory, and the file is renamed when all of them are on the disk: a reader sees the former file or
 * the new one, and a failure leaves nothing behind.
 */
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { quote } from '../quote.ts'
import { SafetensorsError } from './error.ts'
import {
  itemSizes,
  type RawTensor,
  rawTensorFault,
  type SafetensorsDType,
  sizeFault,
  type TensorFault,
} from './format.ts'
import { maxHeaderLength, metadataKey, prefixLength } from './header.ts'
import { fileOperation, writeFully } from './io.ts'

export interface NamedRawTensor extends RawTensor {
  readonly name: string
}

/** A tensor to be written whose bytes are read when it is their turn. */
export interface TensorSource extends Omit<NamedRawTensor, 'bytes'> {
  readonly byteLength: number
  /** `byteLength` bytes. */
  read(): Promise<Uint8Array>
}

/**
 * Writes tensors to `path`, replacing a file that is there. The tensors are laid out by dtype, the
 * largest items first, and then by name, and the data begins at a multiple of 8 bytes, so that each
 * tensor is aligned to its items.
 *
 * @throws SafetensorsError for a tensor or metadata that the format cannot hold, before anything is
 *   written; and 'not-found', 'not-a-file', 'permission', 'disk-full', 'filesystem'
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<NamedRawTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const all = [...tensors]
  checkTensors(path, all)
  await writeSafetensorsFrom(
    path,
    all.map((tensor) => ({
      ...tensor,
      byteLength: tensor.bytes.length,
      read: async () => tensor.bytes,
    })),
    metadata,
  )
}

/**
 * As `writeSafetensors`, with the bytes of one tensor in memory at a time.
 *
 * @throws also what `read` throws, with nothing left behind
 */
export async function writeSafetensorsFrom(
  path: string,
  sources: Iterable<TensorSource>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const laidOut = [...sources].sort(byLayout)
  checkSources(path, laidOut)
  checkMetadata(path, metadata)
  const header = encodeHeader(path, laidOut, metadata)

  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)
  const handle = await fileOperation(path, open(temporary, 'wx'))
  try {
    await writeAll(path, handle, header, laidOut)
    await fileOperation(path, rename(temporary, path))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function writeAll(
  path: string,
  handle: FileHandle,
  header: Uint8Array,
  sources: readonly TensorSource[],
): Promise<void> {
  try {
    await writeFully(path, handle, header)
    for (const source of sources) await writeFully(path, handle, await source.read())
    await fileOperation(path, handle.sync())
  } finally {
    await handle.close()
  }
}

const layoutOrder = Object.keys(itemSizes) as readonly SafetensorsDType[]

function byLayout(a: TensorSource, b: TensorSource): number {
  const byDType = layoutOrder.indexOf(a.dtype) - layoutOrder.indexOf(b.dtype)
  return byDType || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))
}

function checkTensors(path: string, tensors: readonly NamedRawTensor[]): void {
  for (const tensor of tensors) refuse(path, tensor.name, rawTensorFault(tensor))
}

function checkSources(path: string, sources: readonly TensorSource[]): void {
  const names = new Set<string>()
  for (const { name, dtype, shape, byteLength } of sources) {
    refuse(path, name, nameFault(name, names) ?? sizeFault(dtype, shape, byteLength))
    names.add(name)
  }
}

function refuse(path: string, name: string, fault: TensorFault | undefined): void {
  if (fault === undefined) return
  const problem = `tensor ${quote(name)}: ${fault.problem}`
  throw new SafetensorsError(path, fault.reason, problem, { tensors: [name] })
}

function nameFault(name: string, taken: ReadonlySet<string>): TensorFault | undefined {
  if (name === metadataKey) {
    return { reason: 'reserved-name', problem: 'this name is reserved for the metadata' }
  }
  if (taken.has(name)) {
    return { reason: 'duplicate-tensor', problem: 'there are two tensors of this name' }
  }
  return textFault(name)
}

/** What is wrong with a string as the strict reader of JSON sees it; undefined if nothing is. */
function textFault(text: string): TensorFault | undefined {
  if (text === '__proto__') {
    return { reason: 'forbidden-key', problem: 'the key "__proto__" is forbidden' }
  }
  if (/\p{Surrogate}/u.test(text)) {
    return { reason: 'lone-surrogate', problem: 'a string holds half a surrogate pair' }
  }
  return undefined
}

function checkMetadata(path: string, metadata: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(metadata)) {
    const fault: TensorFault | undefined =
      typeof value === 'string'
        ? (textFault(key) ?? textFault(value))
        : { reason: 'wrong-type', problem: 'a value must be a string' }
    if (fault !== undefined) {
      const problem = `${metadataKey}: ${quote(key)}: ${fault.problem}`
      throw new SafetensorsError(path, fault.reason, problem)
    }
  }
}

/** The header with its length before it, padded with spaces to a multiple of 8 bytes. */
function encodeHeader(
  path: string,
  tensors: readonly TensorSource[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  // Joined by hand: the keys of an object would come out in another order where they are numbers.
  const members: string[] = []
  if (Object.keys(metadata).length > 0) members.push(member(metadataKey, metadata))
  let offset = 0
  for (const { name, dtype, shape, byteLength } of tensors) {
    const end = offset + byteLength
    members.push(member(name, { dtype, shape, data_offsets: [offset, end] }))
    offset = end
  }
  const json = Buffer.from(`{${members.join(',')}}`)
  const length = Math.ceil(json.length / prefixLength) * prefixLength
  if (length > maxHeaderLength) {
    const problem = `the header would have ${length} bytes, more than ${maxHeaderLength}`
    throw new SafetensorsError(path, 'header-too-large', problem, {
      hint: 'split the tensors over several files',
    })
  }
  const header = Buffer.alloc(prefixLength + length, ' ')
  header.writeBigUInt64LE(BigInt(length))
  json.copy(header, prefixLength)
  return header
}

function member(key: string, value: unknown): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`
}
