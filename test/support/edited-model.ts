/** A copy of the embedded model with some of its weights, or fields of its config.json, changed. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { convertTo, rawTensor } from '../../src/checkpoint/convert.ts'
import { SafetensorsFile } from '../../src/checkpoint/safetensors/reader.ts'
import { type NamedRawTensor, writeSafetensors } from '../../src/checkpoint/safetensors/writer.ts'

const embedded = fileURLToPath(new URL('../../weights/roberta-tiny-go_emotions', import.meta.url))

/** A new element for `value`, which is `all[index]`. */
export type Edit = (value: number, index: number, all: Float32Array) => number

/** `edits` give new elements for those of parameters, by their keys; `config` has new fields. */
export async function editedModel(
  directory: string,
  edits: Readonly<Record<string, Edit>>,
  config: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await cp(embedded, directory, { recursive: true })
  const configPath = join(directory, 'config.json')
  const fields = JSON.parse(await readFile(configPath, 'utf8')) as object
  await writeFile(configPath, JSON.stringify({ ...fields, ...config }))
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
