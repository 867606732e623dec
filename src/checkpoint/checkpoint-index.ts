/** Reads model.safetensors.index.json, which says in which shard each tensor of a checkpoint is. */
import { quote } from './quote.ts'
import { SafetensorsError } from './safetensors/error.ts'
import { fileOperation, openRegularFile, readFully } from './safetensors/io.ts'
import { StrictJsonError, StrictJsonReader } from './strict-json.ts'

/** Bytes. As much as a safetensors header may have, which holds the same names. */
const longest = 100_000_000

/** Files of the directory itself: no separators or drives, nothing hidden, no way out. */
const plainName = /^[^./\\:\0][^/\\:\0]*\.safetensors$/

/**
 * The file name of the shard by the name of each tensor.
 *
 * @throws SafetensorsError
 */
export async function readCheckpointIndex(path: string): Promise<ReadonlyMap<string, string>> {
  const weightMap = parse(path, await readBytes(path))
  if (weightMap === undefined || weightMap.size === 0) {
    const problem = weightMap === undefined ? "has no 'weight_map'" : "its 'weight_map' is empty"
    throw new SafetensorsError(path, 'invalid-index', problem, { hint })
  }
  for (const [name, file] of weightMap) {
    if (plainName.test(file)) continue
    const problem = `places the tensor ${quote(name)} in ${quote(file)}, which is not the plain name of a safetensors file in the same directory`
    throw new SafetensorsError(path, 'unsafe-file-name', problem, {
      hint: 'do not trust this checkpoint; get it from its source',
      tensors: [name],
    })
  }
  return weightMap
}

const hint = 'fetch the file again, or save the model anew with transformers'

async function readBytes(path: string): Promise<Uint8Array> {
  const handle = await openRegularFile(path)
  try {
    const { size } = await fileOperation(path, handle.stat())
    if (size > longest) {
      const problem = `has ${size} bytes, more than ${longest}`
      throw new SafetensorsError(path, 'invalid-index', problem, { hint })
    }
    const bytes = new Uint8Array(size)
    return bytes.subarray(0, await readFully(path, handle, bytes, 0))
  } finally {
    await handle.close()
  }
}

function parse(path: string, bytes: Uint8Array): Map<string, string> | undefined {
  let weightMap: Map<string, string> | undefined
  try {
    const json = new StrictJsonReader(bytes)
    json.object((field) => {
      // Others are for people: 'metadata' has the total size.
      if (field !== 'weight_map') return json.skip()
      const map = new Map<string, string>()
      json.object((name) => {
        map.set(name, json.string())
      })
      weightMap = map
    })
    json.end()
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error
    throw new SafetensorsError(path, error.reason, error.message, { hint, cause: error })
  }
  return weightMap
}
