/** Where a comparison was made: versions by name, for who reads it later. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))

export function environment(): Record<string, string> {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }
  const commit = commitOf(root)
  return {
    'roberta-ascend': version,
    ...(commit === undefined ? {} : { commit }),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model ?? 'unknown',
  }
}

/** In a checkout that git can read; an installed package has none. */
function commitOf(folder: string): string | undefined {
  if (!existsSync(`${folder}.git`)) return undefined
  try {
    const output = execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return output.trim()
  } catch {
    return undefined
  }
}
