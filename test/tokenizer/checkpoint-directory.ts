/** Temporary directories that hold tokenizer files, made from the embedded model's where wanted. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export const embeddedModel = fileURLToPath(
  new URL('../../weights/roberta-tiny-go_emotions', import.meta.url),
)

/** A file of the embedded model. */
export function embedded(name: string): Promise<string> {
  return readFile(join(embeddedModel, name), 'utf8')
}

/** The embedded model's tokenizer.json, parsed anew each time so that tests can change it. */
export async function embeddedTokenizerJson() {
  return JSON.parse(await embedded('tokenizer.json'))
}

/** A directory with these files: text as it is, `null` for a directory, all else as JSON. */
export async function checkpointDirectory(
  files: Readonly<Record<string, unknown>>,
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tokenizer-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name)
    if (content === null) await mkdir(path)
    else if (typeof content === 'string' || Buffer.isBuffer(content)) await writeFile(path, content)
    else await writeFile(path, JSON.stringify(content))
  }
  return directory
}
