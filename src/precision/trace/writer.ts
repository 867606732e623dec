/**
 * Writes a trace: everything goes to a hidden directory beside the final one, which is renamed when all
 * of it is on the disk. So a trace is there whole or not at all. One tensor is in memory at a time.
 */
import { randomUUID } from 'node:crypto'
import { type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileOperation, readFully, writeFully } from '../../checkpoint/safetensors/io.ts'
import type { RawTensor } from '../../checkpoint/safetensors/reader.ts'
import { type TensorSource, writeSafetensorsFrom } from '../../checkpoint/safetensors/writer.ts'
import { FileError } from '../../errors.ts'
import { type Manifest, manifestName, type TraceFormat, tensorsName } from './manifest.ts'
import { npyPath } from './names.ts'
import { writeNpy } from './npy.ts'

const spoolName = '.tensors'

export class TraceWriter implements AsyncDisposable {
  readonly #sources: TensorSource[] = []
  #spooled = 0

  private constructor(
    private readonly directory: string,
    private readonly staging: string,
    private readonly format: TraceFormat,
    /** Where elements wait for the header of their file, which cannot be written before all are known. */
    private readonly spool: FileHandle,
  ) {}

  /** Throws `FileError` if the directory exists already or cannot be made. */
  static async create(directory: string, format: TraceFormat): Promise<TraceWriter> {
    await refuseExisting(directory)
    const name = `.${basename(resolve(directory))}.${randomUUID()}.tmp`
    const staging = join(dirname(resolve(directory)), name)
    await fileOperation(directory, mkdir(staging))
    try {
      const spool = await fileOperation(directory, open(join(staging, spoolName), 'wx+'))
      return new TraceWriter(directory, staging, format, spool)
    } catch (error) {
      await rm(staging, { recursive: true, force: true })
      throw error
    }
  }

  async add(name: string, raw: RawTensor): Promise<void> {
    const { directory, format, spool } = this
    if (format === 'npy') {
      const path = join(this.staging, npyPath(name))
      await fileOperation(directory, mkdir(dirname(path), { recursive: true }))
      await writeNpy(path, raw)
    } else if (format === 'safetensors') {
      const { dtype, shape, bytes } = raw
      const { byteLength } = bytes
      const position = this.#spooled
      await writeFully(directory, spool, bytes)
      this.#spooled += byteLength
      const read = async (): Promise<Uint8Array> => {
        const stored = new Uint8Array(byteLength)
        await readFully(directory, spool, stored, position)
        return stored
      }
      this.#sources.push({ name, dtype, shape, byteLength, read })
    }
  }

  /** Completes the trace and gives it its name. */
  async finish(manifest: Manifest): Promise<void> {
    const { directory, staging } = this
    if (this.format === 'safetensors') {
      await writeSafetensorsFrom(join(staging, tensorsName), this.#sources)
    }
    await this.spool.close()
    await fileOperation(directory, rm(join(staging, spoolName)))
    await writeText(join(staging, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`)
    await refuseExisting(directory)
    await fileOperation(directory, rename(staging, directory))
  }

  /** Takes away what was not finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.spool.close()
    await rm(this.staging, { recursive: true, force: true })
  }
}

async function writeText(path: string, text: string): Promise<void> {
  const file = await fileOperation(path, open(path, 'wx'))
  try {
    await writeFully(path, file, Buffer.from(text))
    await fileOperation(path, file.sync())
  } finally {
    await file.close()
  }
}

async function refuseExisting(directory: string): Promise<void> {
  const found = await lstat(directory).catch(() => undefined)
  if (found === undefined) return
  throw new FileError(directory, 'is there already', {
    hint: 'give a new directory, or remove that one',
  })
}
