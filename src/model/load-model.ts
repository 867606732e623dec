/** A model from a directory: config.json, then the weights it asks for. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Checkpoint } from '../checkpoint/checkpoint.ts'
import { FileError } from '../errors.ts'
import { parseConfig, type RobertaConfig } from './config.ts'
import { type LoadParametersOptions, loadParameters } from './load-parameters.ts'
import { RobertaForSequenceClassification } from './roberta.ts'

/** Reads config.json and the safetensors of a directory onto a device. */
export async function loadModel(
  directory: string,
  options: LoadParametersOptions,
): Promise<RobertaForSequenceClassification> {
  const model = new RobertaForSequenceClassification(await readConfig(directory))
  await using checkpoint = await Checkpoint.open(directory)
  await loadParameters(model.parameters, checkpoint, options)
  return model
}

/** The config.json of a directory, checked. Throws `FileError`, of which `ConfigError` is one. */
export async function readConfig(directory: string): Promise<RobertaConfig> {
  const path = join(directory, 'config.json')
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new FileError(
      path,
      cause.code === 'ENOENT' ? 'is missing' : `cannot be read (${cause.code})`,
      {
        hint: 'a model directory holds config.json, a tokenizer and model.safetensors',
        cause,
      },
    )
  })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new FileError(path, `is not valid JSON: ${(cause as Error).message}`, {
      hint: 'fetch the file again',
      cause,
    })
  }
  return parseConfig(json, path)
}
