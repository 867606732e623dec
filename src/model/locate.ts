/** Where a model's files are: a directory, a downloaded Hugging Face model, or the embedded one. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
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
  if (!isHubId(model)) throw new FileError(model, 'there is no such directory')
  const directory = localModelDirectory(model)
  const manifest = await readManifest(directory)
  if (manifest !== undefined && manifest.id !== model) {
    throw new FileError(directory, `holds ${manifest.id}, not ${model}`, {
      hint: 'give the directory of the model instead of its id',
    })
  }
  // Without a manifest it may have been put there by hand; config.json shows that it is whole.
  if (manifest === undefined && !(await exists(join(directory, 'config.json')))) {
    throw new FileError(model, `is neither a directory nor downloaded to ${directory}`, {
      hint: `run: roberta-ascend download ${model}`,
    })
  }
  return directory
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

/** `OWNER/NAME`, as opposed to a path. */
function isHubId(model: string): boolean {
  try {
    return model.split('/').length === 2 && parseHubId(model) !== undefined
  } catch {
    return false
  }
}
