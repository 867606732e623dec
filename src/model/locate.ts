/** Where a model's files are: a directory, a downloaded Hugging Face model, or the embedded one. */
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { localModelDirectory, parseHubId } from '../checkpoint/hub.ts'
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
  if (!isHubId(model)) throw new FileError(model, 'there is no such directory')
  const directory = localModelDirectory(model)
  const isThere = (await stat(directory).catch(() => undefined))?.isDirectory() === true
  if (!isThere) {
    throw new FileError(model, `is neither a directory nor downloaded to ${directory}`, {
      hint: `run: roberta-ascend download ${model}`,
    })
  }
  return directory
}

/** `OWNER/NAME`, as opposed to a path. */
function isHubId(model: string): boolean {
  try {
    return model.split('/').length === 2 && parseHubId(model) !== undefined
  } catch {
    return false
  }
}
