/** Where a model's files are: a directory, a downloaded Hugging Face model, or the embedded one. */
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { localModelDirectory, parseHubId, readManifest } from '../checkpoint/hub/download.ts'
import { FileError } from '../errors.ts'

/** The model that comes with the package; see its MODEL_CARD.md. */
export const embeddedModelDirectory = fileURLToPath(
  new URL('../../weights/roberta-tiny-go_emotions', import.meta.url),
)

/**
 * The directory of `model`: a path, or `OWNER/NAME` of a model downloaded before. Throws `FileError`
 * that says how to get the model if it is not there.
 */
export async function locateModel(model: string | undefined): Promise<string> {
  if (model === undefined) return embeddedModelDirectory
  const found = await stat(model).catch(() => undefined)
  if (found?.isDirectory() === true) return model
  if (found !== undefined) {
    throw new FileError(model, 'is a file', {
      hint: 'give the directory that holds config.json and model.safetensors',
    })
  }
  if (!isHubId(model)) throw noModel(model)
  const directory = localModelDirectory(model)
  const manifest = await readManifest(directory)
  if (manifest?.id === model) return directory
  if (manifest !== undefined) {
    throw new FileError(directory, `holds ${manifest.id}, not ${model}`, {
      hint: 'give the directory of the model instead of its id',
    })
  }
  if (!model.includes('/')) throw noModel(model)
  throw new FileError(model, `is neither a directory nor downloaded to ${directory}`, {
    hint: `run: roberta-ascend download ${model}`,
  })
}

function noModel(model: string): FileError {
  return new FileError(model, 'there is no such directory', {
    hint: 'give a directory with config.json and model.safetensors, or the id of a downloaded model',
  })
}

/** What may be an id, as opposed to a path. */
function isHubId(model: string): boolean {
  try {
    return parseHubId(model) !== undefined
  } catch {
    return false
  }
}
