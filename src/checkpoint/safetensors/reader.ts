/**
 * Reads a safetensors file: its header when it is opened, a tensor's bytes when they are asked for.
 *
 * The bytes come as they are stored; `convert.ts` turns them into host arrays. Several files that
 * make one model are a `Checkpoint`. What a header may say is in `header.ts`.
 */
import type { FileHandle } from 'node:fs/promises'
import { InvalidArgumentError } from '../../errors.ts'
import { quote } from '../quote.ts'
import { SafetensorsError } from './error.ts'
import { contentFault, type RawTensor, type TensorInfo } from './format.ts'
import { maxHeaderLength, parseHeader, prefixLength, type SafetensorsHeader } from './header.ts'
import { fileOperation, openRegularFile, readFully } from './io.ts'

export type { RawTensor, SafetensorsDType, TensorInfo } from './format.ts'

export class SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>
  readonly tensors: ReadonlyMap<string, TensorInfo>

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    header: SafetensorsHeader,
  ) {
    this.metadata = header.metadata
    this.tensors = header.tensors
  }

  /**
   * Opens a file and validates its whole header. The caller closes it.
   *
   * @throws SafetensorsError
   */
  static async open(path: string): Promise<SafetensorsFile> {
    const handle = await openRegularFile(path)
    try {
      return new SafetensorsFile(path, handle, await readHeader(path, handle))
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /**
   * Reads one tensor's bytes, into memory of their own if `into` is missing.
   *
   * @throws InvalidArgumentError if `into` has another length than the tensor
   * @throws SafetensorsError 'unknown-tensor', 'truncated', 'invalid-bool', 'out-of-memory',
   *   'closed', 'filesystem'
   */
  async read(name: string, into?: Uint8Array): Promise<RawTensor> {
    const { path } = this
    const info = this.tensors.get(name)
    if (info === undefined) {
      throw new SafetensorsError(path, 'unknown-tensor', `there is no tensor ${quote(name)}`, {
        hint: 'take a name from `tensors`',
        tensors: [name],
      })
    }
    const { dtype, shape, byteOffset, byteLength } = info
    if (into !== undefined && into.length !== byteLength) {
      const problem = `has ${into.length} bytes, but tensor ${quote(name)} has ${byteLength}`
      throw new InvalidArgumentError('into', problem)
    }
    const bytes = into ?? allocate(path, info)
    const count = await readFully(path, this.handle, bytes, byteOffset)
    if (count < byteLength) {
      const problem = `tensor ${quote(name)}: the file ended ${byteLength - count} bytes too early`
      throw new SafetensorsError(path, 'truncated', problem, {
        hint: 'another process changed the file after it was opened; let that finish, and open again',
        tensors: [name],
      })
    }
    const raw = { dtype, shape, bytes }
    const fault = contentFault(raw)
    if (fault !== undefined) {
      const problem = `tensor ${quote(name)}: ${fault.problem}`
      throw new SafetensorsError(path, fault.reason, problem, { tensors: [name] })
    }
    return raw
  }

  /** Closes the file; closing it twice does no harm. */
  close(): Promise<void> {
    return fileOperation(this.path, this.handle.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function readHeader(path: string, handle: FileHandle): Promise<SafetensorsHeader> {
  const { size } = await fileOperation(path, handle.stat())
  const prefix = new Uint8Array(prefixLength)
  if ((await readFully(path, handle, prefix, 0)) < prefixLength) {
    const problem = size === 0 ? 'is empty' : `has only ${size} bytes`
    throw new SafetensorsError(path, 'too-short', problem, { hint: 'fetch the file again' })
  }
  const length = new DataView(prefix.buffer).getBigUint64(0, true)
  if (length > maxHeaderLength) {
    const problem = `the header would have ${length} bytes, more than ${maxHeaderLength}`
    const isPointer = new TextDecoder('latin1').decode(prefix) === 'version '
    throw new SafetensorsError(path, 'header-too-large', problem, {
      hint: isPointer
        ? 'it looks like a Git LFS pointer: get the file itself with git lfs pull'
        : 'this is not a safetensors file, or it was damaged on the way',
    })
  }
  const dataOffset = prefixLength + Number(length)
  const bytes = new Uint8Array(Number(length))
  if ((await readFully(path, handle, bytes, prefixLength)) < bytes.length) {
    const problem = `the header ends at byte ${dataOffset}, but the file has ${size}`
    throw new SafetensorsError(path, 'header-beyond-file', problem, {
      hint: 'the file was cut off on its way here; fetch it again',
    })
  }
  return parseHeader(path, bytes, dataOffset, size - dataOffset)
}

function allocate(path: string, { name, byteLength }: TensorInfo): Uint8Array {
  try {
    return new Uint8Array(byteLength)
  } catch (cause) {
    const problem = `tensor ${quote(name)}: no memory for ${byteLength} bytes`
    throw new SafetensorsError(path, 'out-of-memory', problem, {
      hint: 'use a machine with more memory; one tensor can have 4 GiB at most under Node.js 20',
      tensors: [name],
      cause,
    })
  }
}
