/**
 * Reads traces: those that `traceForward` wrote, and safetensors files that a PyTorch hook wrote with
 * module paths as names (docs/tracing.md). Tensors are read when they are asked for.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { numbersOf } from '../../checkpoint/convert.ts'
import { quote } from '../../checkpoint/quote.ts'
import { fileOperation } from '../../checkpoint/safetensors/io.ts'
import {
  type RawTensor,
  type SafetensorsDType,
  SafetensorsFile,
} from '../../checkpoint/safetensors/reader.ts'
import { FileError } from '../../errors.ts'
import { type Shape, sameShape } from '../../tensor/shape.ts'
import {
  type Manifest,
  manifestName,
  type OperatorRecord,
  readManifest,
  tensorsName,
} from './manifest.ts'
import { npyPath } from './names.ts'
import { readNpy } from './npy.ts'
import type { Statistics } from './statistics.ts'
import { TokenRows } from './token-rows.ts'

/** What a hook writes beside the outputs of modules: `[texts, length]`, and 1 where a token is. */
const inputIdsName = 'input_ids'
const attentionMaskName = 'attention_mask'

export interface TracedTensor {
  readonly name: string
  /** That of the traced forward; of a file that another program wrote, as safetensors call it. */
  readonly dtype: string
  readonly shape: Shape
  readonly isParameter: boolean
  /** Where we recorded it. */
  readonly statistics: Statistics | undefined
}

interface Contents {
  readonly manifest: Manifest | undefined
  readonly file: SafetensorsFile | undefined
  readonly tensors: readonly TracedTensor[]
  readonly rows: TokenRows | undefined
  readonly inputIds: readonly (readonly number[])[] | undefined
}

export class Trace implements AsyncDisposable {
  /** Undefined for a file that another program wrote. */
  readonly manifest: Manifest | undefined
  /** In order of execution, where a manifest says it. */
  readonly tensors: ReadonlyMap<string, TracedTensor>
  /** Token ids of each text, without padding; undefined where the trace does not say. */
  readonly inputIds: readonly (readonly number[])[] | undefined
  /** How texts lie in rows; undefined where the trace does not say. */
  readonly rows: TokenRows | undefined
  readonly #file: SafetensorsFile | undefined

  /** Made by `openTrace`. */
  constructor(
    readonly path: string,
    { manifest, file, tensors, rows, inputIds }: Contents,
  ) {
    this.manifest = manifest
    this.tensors = new Map(tensors.map((tensor) => [tensor.name, tensor]))
    this.inputIds = inputIds
    this.rows = rows
    this.#file = file
  }

  /** Calls of operators, with the names of their tensors. */
  get operators(): readonly OperatorRecord[] {
    return this.manifest?.operators ?? []
  }

  /** False where only statistics were recorded. */
  get hasElements(): boolean {
    return this.manifest?.tensorFormat !== 'statistics'
  }

  /**
   * A tensor's elements as they are stored; bfloat16 in .npy files as float32.
   *
   * @throws FileError if there is none of this name, or not its elements
   */
  async read(name: string): Promise<RawTensor> {
    const tensor = this.tensors.get(name)
    if (tensor === undefined) {
      throw new FileError(this.path, `there is no tensor ${quote(name)}`, {
        hint: 'take a name from `tensors`; parameters are there if they were recorded',
      })
    }
    if (!this.hasElements) {
      throw new FileError(this.path, 'holds statistics only', {
        hint: 'record the trace with full tensors',
      })
    }
    if (this.#file !== undefined) return this.#file.read(name)
    const path = join(this.path, npyPath(name))
    const raw = await readNpy(path)
    if (!sameShape(raw.shape, tensor.shape)) {
      throw new FileError(path, 'has another shape than the manifest says')
    }
    return raw
  }

  /** A tensor's elements as numbers. */
  async numbers(name: string): Promise<Float64Array> {
    return numbersOf(await this.read(name))
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Opens a trace: a directory that `traceForward` wrote, or a .safetensors file of a PyTorch hook, or a
 * directory with that file alone. The caller closes it.
 *
 * @throws FileError if it is none of these, or its parts do not agree
 */
export async function openTrace(path: string): Promise<Trace> {
  const isFile = (await fileOperation(path, stat(path))).isFile()
  if (isFile) return openFile(path, path)
  const manifest = await readManifest(join(path, manifestName))
  if (manifest !== undefined) return openRecorded(path, manifest)
  const entries = await fileOperation(path, readdir(path))
  const files = entries.filter((name) => name.endsWith('.safetensors'))
  if (files.length === 1) return openFile(path, join(path, files[0]!))
  throw new FileError(path, `has no ${manifestName}, and ${files.length} .safetensors files`, {
    hint: 'give a directory that trace --output wrote, or the one .safetensors file of a PyTorch hook',
  })
}

async function openRecorded(path: string, manifest: Manifest): Promise<Trace> {
  const { tensors, tensorFormat, layout, texts } = manifest
  const lengths = texts.map(({ inputIds }) => inputIds.length)
  const length = Math.max(0, ...lengths)
  const isToken = lengths.flatMap((own) => Array.from({ length }, (_, at) => at < own))
  const rows = layout === 'packed' ? undefined : new TokenRows(texts.length, length, isToken, false)
  const inputIds = texts.map((text) => text.inputIds)
  if (tensorFormat !== 'safetensors') {
    return new Trace(path, { manifest, file: undefined, tensors, rows, inputIds })
  }
  const file = await SafetensorsFile.open(join(path, tensorsName))
  const strays = new Set(file.tensors.keys())
  const misfit = tensors.find(({ name, shape }) => {
    strays.delete(name)
    const stored = file.tensors.get(name)
    return stored === undefined || !sameShape(stored.shape, shape)
  })
  const name = misfit?.name ?? [...strays][0]
  if (name === undefined) return new Trace(path, { manifest, file, tensors, rows, inputIds })
  await file.close()
  throw new FileError(path, `${tensorsName} and ${manifestName} do not agree on ${quote(name)}`, {
    hint: 'record the trace again',
  })
}

async function openFile(path: string, file: string): Promise<Trace> {
  const opened = await SafetensorsFile.open(file)
  try {
    const ids = await readBatch(opened, inputIdsName)
    const mask = await readBatch(opened, attentionMaskName)
    checkBatch(file, ids, mask)
    const shape = mask?.shape ?? ids?.shape
    const isToken = mask && [...mask.values].map((value) => value !== 0)
    const rows = shape && new TokenRows(shape[0], shape[1], isToken, true)
    const tensors = [...opened.tensors.values()]
      .filter(({ name }) => name !== inputIdsName && name !== attentionMaskName)
      .map(({ name, dtype, shape }) => ({
        name,
        dtype: dtypeNames[dtype],
        shape,
        isParameter: false,
        statistics: undefined,
      }))
    const inputIds =
      ids &&
      Array.from({ length: ids.shape[0] }, (_, text) => {
        const [begin, end] = [text * ids.shape[1], (text + 1) * ids.shape[1]]
        return [...ids.values.subarray(begin, end)].filter((_, at) => isToken?.[begin + at] ?? true)
      })
    return new Trace(path, { manifest: undefined, file: opened, tensors, rows, inputIds })
  } catch (error) {
    await opened.close()
    throw error
  }
}

/** As PyTorch and we call them. */
const dtypeNames: Readonly<Record<SafetensorsDType, string>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
}

interface BatchTensor {
  readonly shape: readonly [texts: number, length: number]
  readonly values: Float64Array
}

async function readBatch(file: SafetensorsFile, name: string): Promise<BatchTensor | undefined> {
  const info = file.tensors.get(name)
  if (info === undefined) return undefined
  const [texts, length, ...others] = info.shape
  if (texts === undefined || length === undefined || others.length > 0) {
    throw new FileError(file.path, `${name} is not [texts, length]`, {
      hint: 'write it as the tokenizer gives it',
    })
  }
  return { shape: [texts, length], values: numbersOf(await file.read(name)) }
}

function checkBatch(path: string, ids?: BatchTensor, mask?: BatchTensor): void {
  if (ids === undefined || mask === undefined || sameShape(ids.shape, mask.shape)) return
  throw new FileError(path, `${inputIdsName} and ${attentionMaskName} differ in shape`, {
    hint: 'write both as the tokenizer gives them',
  })
}
