/** The embedded model with NaN for the bias of its first label. */
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const weights = fileURLToPath(new URL('../../weights/roberta-tiny-go_emotions', import.meta.url))

/** Returns the directory of a copy, which is the caller's to remove. */
export async function modelWithNaN(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
  await cp(weights, directory, { recursive: true })
  const file = join(directory, 'model.safetensors')
  const bytes = await readFile(file)
  // Safetensors: eight bytes for the size of the header, the header in JSON, the data.
  const headerEnd = 8 + Number(bytes.readBigUInt64LE())
  const header = JSON.parse(bytes.toString('utf8', 8, headerEnd)) as Record<
    string,
    { data_offsets: [number, number] }
  >
  const [begin] = header['classifier.out_proj.bias']!.data_offsets
  const float16NaN = 0x7e00
  bytes.writeUInt16LE(float16NaN, headerEnd + begin)
  await writeFile(file, bytes)
  return directory
}
