/** The embedded model with something changed on disk. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Checkpoint } from '../../src/checkpoint/checkpoint.ts'
import { convertTo } from '../../src/checkpoint/convert.ts'
import { type NamedRawTensor, writeSafetensors } from '../../src/checkpoint/safetensors/writer.ts'
import { embeddedModelDirectory } from '../../src/model/locate.ts'

export interface Changes {
  /** Fields of config.json. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Changes the elements of a weight in place. */
  readonly weights?: Readonly<
    Record<string, (data: Float32Array, shape: readonly number[]) => void>
  >
}

/** Makes the directory `to` and returns it. */
export async function changedModel(
  to: string,
  { config = {}, weights = {} }: Changes,
): Promise<string> {
  mkdirSync(to)
  for (const name of readdirSync(embeddedModelDirectory)) {
    if (/^(?!metrics|config).*\.(json|txt)$/.test(name)) {
      cpSync(join(embeddedModelDirectory, name), join(to, name))
    }
  }
  const given = JSON.parse(readFileSync(join(embeddedModelDirectory, 'config.json'), 'utf8'))
  writeFileSync(join(to, 'config.json'), JSON.stringify({ ...given, ...config }))
  await using checkpoint = await Checkpoint.open(embeddedModelDirectory)
  const tensors: NamedRawTensor[] = []
  for (const name of checkpoint.tensors.keys()) {
    const raw = await checkpoint.read(name)
    const data = convertTo(raw, 'float32').slice()
    weights[name]?.(data, raw.shape)
    const bytes = new Uint8Array(data.buffer)
    tensors.push({ name, dtype: 'F32', shape: raw.shape, bytes })
  }
  await writeSafetensors(join(to, 'model.safetensors'), tensors)
  return to
}
