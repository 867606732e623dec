/**
 * .npy files, as numpy.save writes them: one dense array. The format is that of numpy.lib.format; read
 * are its versions 1 to 3, written is version 1.
 */
import { open, readFile } from 'node:fs/promises'
import { convertTo, rawTensor } from '../../checkpoint/convert.ts'
import { itemSizes } from '../../checkpoint/safetensors/format.ts'
import { fileOperation, writeFully } from '../../checkpoint/safetensors/io.ts'
import type { RawTensor, SafetensorsDType } from '../../checkpoint/safetensors/reader.ts'
import { FileError } from '../../errors.ts'
import { numel } from '../../tensor/shape.ts'

/** numpy's type codes without their byte order. ml_dtypes writes bfloat16 as two opaque bytes. */
const dtypes: Readonly<Record<string, SafetensorsDType>> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  V2: 'BF16',
  i8: 'I64',
  i4: 'I32',
  i2: 'I16',
  i1: 'I8',
  u1: 'U8',
  b1: 'BOOL',
}

/** The array in a file. Throws `FileError` for what is no such file, or holds what has no dtype here. */
export async function readNpy(path: string): Promise<RawTensor> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const isMissing = cause.code === 'ENOENT'
    throw new FileError(
      path,
      isMissing ? 'there is no such file' : `cannot be read (${cause.message})`,
      {
        cause,
      },
    )
  })
  const { header, dataOffset } = splitHeader(path, bytes)
  const { dtype, shape } = parseHeader(path, header)
  const byteLength = numel(shape) * itemSizes[dtype]
  const found = bytes.length - dataOffset
  if (found !== byteLength) {
    throw new FileError(path, `holds ${found} bytes of elements, its header says ${byteLength}`, {
      hint: 'save it again with numpy.save',
    })
  }
  // Memory of its own, so that typed arrays find it aligned.
  return { dtype, shape, bytes: new Uint8Array(bytes.subarray(dataOffset)) }
}

/** Six bytes of magic, two of version, the length of the header in two or four, and the header. */
function splitHeader(path: string, bytes: Buffer): { header: string; dataOffset: number } {
  const isNpy = bytes.length >= 12 && bytes.toString('latin1', 0, 6) === '\x93NUMPY'
  if (!isNpy) throw new FileError(path, 'is no .npy file', { hint: 'write it with numpy.save' })
  const isShort = bytes[6] === 1
  const begin = isShort ? 10 : 12
  const dataOffset = begin + (isShort ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8))
  return { header: bytes.toString('utf8', begin, dataOffset), dataOffset }
}

/** The header is a Python dictionary: `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`. */
function parseHeader(path: string, header: string): { dtype: SafetensorsDType; shape: number[] } {
  const type = /'descr': '([<>|=])(\w+)'/.exec(header)
  const order = /'fortran_order': (True|False)/.exec(header)?.[1]
  const sizes = /'shape': \(([\d, ]*)\)/.exec(header)?.[1]
  if (order === undefined || sizes === undefined) throw new FileError(path, 'its header is damaged')
  const dtype = dtypes[type?.[2] ?? '']
  if (dtype === undefined || type?.[1] === '>') {
    throw new FileError(
      path,
      `holds elements of a type that is not known here (${header.trim()})`,
      {
        hint: 'save it as little-endian float64, float32, float16, integers or bool',
      },
    )
  }
  if (order === 'True') {
    throw new FileError(path, 'lies in column-major order', {
      hint: 'save numpy.ascontiguousarray of it',
    })
  }
  return { dtype, shape: sizes.split(',').flatMap((size) => (size.trim() ? [Number(size)] : [])) }
}

/** The beginning of the elements is a multiple of this. */
const alignment = 64

/**
 * Writes an array to a new file. NumPy has no bfloat16: such elements are written as float32, which
 * holds them exactly. Throws `SafetensorsError`, as all writing of tensors does.
 */
export async function writeNpy(path: string, raw: RawTensor): Promise<void> {
  if (raw.dtype === 'BF16') {
    return writeNpy(path, rawTensor('float32', raw.shape, convertTo(raw, 'float32')))
  }
  const handle = await fileOperation(path, open(path, 'wx'))
  try {
    await writeFully(path, handle, headerOf(raw))
    await writeFully(path, handle, raw.bytes)
    await fileOperation(path, handle.sync())
  } finally {
    await handle.close()
  }
}

function headerOf({ dtype, shape }: RawTensor): Buffer {
  const code = Object.keys(dtypes).find((name) => dtypes[name] === dtype)!
  const order = itemSizes[dtype] === 1 ? '|' : '<'
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const dictionary = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': (${sizes}), }`
  // A line that ends the header; spaces before it fill up to the alignment.
  const begin = Math.ceil((10 + dictionary.length + 1) / alignment) * alignment
  const header = Buffer.alloc(begin, ' ')
  header.write('\x93NUMPY\x01\x00', 'latin1')
  header.writeUInt16LE(begin - 10, 8)
  header.write(dictionary, 10, 'latin1')
  header.write('\n', begin - 1)
  return header
}
