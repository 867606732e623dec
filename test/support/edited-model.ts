/** A copy of the embedded model with some of its weights changed. */
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { convertTo, rawTensor } from '../../src/checkpoint/convert.ts'
import { SafetensorsFile } from '../../src/checkpoint/safetensors/reader.ts'
import { type NamedRawTensor, writeSafetensors } from '../../src/checkpoint/safetensors/writer.ts'

const embedded = fileURLToPath(new URL('../../weights/roberta-tiny-go_emotions', import.meta.url))

/** `edits` give new elements for those of parameters, by their keys. */
export async function editedModel(
  directory: string,
  edits: Readonly<Record<string, (value: number, index: number) => number>>,
): Promise<void> {
  await cp(embedded, directory, { recursive: true })
  const path = join(directory, 'model.safetensors')
  const tensors: NamedRawTensor[] = []
  {
    await using file = await SafetensorsFile.open(path)
    for (const name of file.tensors.keys()) {
      const raw = await file.read(name)
      const edit = edits[name]
      if (edit === undefined) {
        tensors.push({ name, ...raw })
        continue
      }
      const values = convertTo(raw, 'float32').map(edit)
      tensors.push({ name, ...rawTensor('float32', raw.shape, values) })
    }
  }
  await writeSafetensors(path, tensors)
}
