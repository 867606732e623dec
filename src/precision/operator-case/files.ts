/** Inputs of a case from files. */
import { convertTo } from '../../checkpoint/convert.ts'
import {
  type RawTensor,
  type SafetensorsDType,
  SafetensorsFile,
} from '../../checkpoint/safetensors/reader.ts'
import { FileError } from '../../errors.ts'
import type { HostTensor } from '../../ops/index.ts'
import type { DType } from '../../tensor/dtype.ts'
import { readNpy } from '../trace/npy.ts'

/** The dtype in which stored elements lose nothing, or least. */
const ours: Readonly<Record<SafetensorsDType, DType>> = {
  F64: 'float32',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int32',
  I8: 'int32',
  U8: 'int32',
  BOOL: 'bool',
}

/**
 * The tensor in `FILE.npy`, `FILE.safetensors` (where it is the only one) or `FILE.safetensors#NAME`,
 * in its own dtype or rounded to the one that is asked for. Throws `FileError`.
 */
export async function readInput(source: string, dtype: DType | undefined): Promise<HostTensor> {
  const raw = await readRaw(source)
  const own = dtype ?? ours[raw.dtype]
  return { dtype: own, shape: raw.shape, data: convertTo(raw, own) }
}

async function readRaw(source: string): Promise<RawTensor> {
  // Paths may have a # too: those of a trace's .npy files have one.
  if (source.endsWith('.npy')) return readNpy(source)
  const [, path, asked] = /^(.*?\.safetensors)(?:#(.+))?$/.exec(source) ?? []
  if (path === undefined) {
    throw new FileError(source, 'is neither .npy nor .safetensors by its name')
  }
  await using file = await SafetensorsFile.open(path)
  const names = [...file.tensors.keys()]
  const name = asked ?? (names.length === 1 ? names[0] : undefined)
  if (name !== undefined) return await file.read(name)
  throw new FileError(path, `has ${names.length} tensors`, {
    hint: `say which: ${path}#${names[0] ?? 'NAME'}`,
  })
}
