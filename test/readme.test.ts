/** What the READMEs show is what the program prints: each example is run and compared. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { program } from './support/program.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const execute = promisify(execFile)

function blocks(markdown: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm')
  return [...markdown.matchAll(fence)].map(([, body]) => body!)
}

describe.each(['README.md', 'README.zh-CN.md'])('%s', async (name) => {
  const markdown = await readFile(join(root, name), 'utf8')

  // A terminal's table cannot be compared through a pipe; examples that hide the notes are piped.
  const examples = blocks(markdown, '')
    .filter((block) => block.startsWith('$ '))
    .flatMap((block) => block.trimEnd().split(/\n(?:\n(?=\$ ))?(?=\$ )/))
    .map((example) => example.split('\n'))
    .filter(([command]) => command!.includes('2>/dev/null'))

  test('has examples to run', () => {
    expect(examples.length).toBeGreaterThan(1)
    expect(blocks(markdown, 'js')).toHaveLength(1)
  })

  test.each(examples)('%s', async (command, ...expected) => {
    const script = command.replace('$ ', '').replace('roberta-ascend', '"$NODE" "$PROGRAM"')
    const env = { ...process.env, NODE: process.execPath, PROGRAM: program }
    const { stdout } = await execute('sh', ['-c', script], { env })
    expect(stdout.trimEnd().split('\n')).toEqual(expected.filter((line) => line !== ''))
  })

  test('the library example prints what its comments say', async () => {
    const [code] = blocks(markdown, 'js')
    // Inside the package, so that it can import itself by name.
    const folder = await mkdtemp(join(root, 'dist', 'readme-'))
    try {
      const file = join(folder, 'example.mjs')
      await writeFile(file, code!)
      const { stdout } = await execute(process.execPath, [file])
      const said = [...code!.matchAll(/^\/\/ (.*)$/gm)].map(([, line]) => line)
      expect(stdout.replace(/\s+/g, ' ').trim()).toBe(said.join(' ').replace(/\s+/g, ' '))
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
