/** The program of docs/emulator.md is compiled and run, and prints what the page says. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { functions } from '../src/ffi/functions.ts'
import { loadBinding } from '../src/ffi/load-binding.ts'
import { noCompiler, temporaryFolder } from './ffi/compile.ts'

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const root = at('kernels/emulator/build/root')
const reason = existsSync(root) ? noCompiler : 'the emulator is not built: npm run build:emulator'

const page = readFileSync(at('docs/emulator.md'), 'utf8')
const fences = [...page.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)]
const blocks = (language: string) =>
  fences.filter(([, name]) => name === language).map(([, , text]) => text!)
const [source] = blocks('c')
const [report, faulty] = blocks('json').map((text) => JSON.parse(text))

/** Runs the page's commands on a program, and gives what it prints and its report. */
function run(program: string): {
  output: string
  report: { violations: { kind: string }[] }
} {
  using folder = temporaryFolder()
  writeFileSync(join(folder.path, 'tanh.c'), program)
  const commands = blocks('').flatMap((block) =>
    [...block.matchAll(/^\$ (.*)$/gm)].map(([, line]) => line),
  )
  const env = { ...process.env, ASCEND_HOME_PATH: root, LD_LIBRARY_PATH: join(root, 'lib64') }
  const output = execFileSync('sh', ['-ec', commands.join('\n')], {
    cwd: folder.path,
    env,
    encoding: 'utf8',
  })
  return { output, report: JSON.parse(readFileSync(join(folder.path, 'report.json'), 'utf8')) }
}

describe.skipIf(reason !== undefined)(`docs/emulator.md${reason ? ` (${reason})` : ''}`, () => {
  it('shows what its program prints and reports', () => {
    const { output, report: found } = run(source!)
    const shown = blocks('')[0]!
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('$ '))
    expect(output.trimEnd().split('\n')).toEqual(shown)
    expect(found).toEqual(report)
  })

  it('shows what is reported without the synchronise', () => {
    const line = '  CHECK(aclrtSynchronizeStream(stream));\n'
    expect(source).toContain(line)
    const { violations } = run(source!.replace(line, '')).report
    // Whether the work still finds its memory is a matter of time.
    expect(violations.filter(({ kind }) => kind !== 'use-after-free')).toEqual(faulty)
  })
})

describe.skipIf(!existsSync(root))('the emulator (npm run build:emulator)', () => {
  it.each(Object.entries(functions))('has every function of %s that is called', (name, table) => {
    const library = loadBinding('koffi').open(join(root, `lib64/lib${name}.so`))
    const missing = Object.entries(table).filter(
      ([symbol, signature]) => library.find(symbol, signature) === undefined,
    )
    expect(missing).toEqual([])
  })
})
