/** `trace` as a process: what it prints and writes, exit codes, bad usage. */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { editedModel } from '../support/edited-model.ts'
import { pythonWithNumpy } from '../support/numpy.ts'
import { runProgram } from '../support/program.ts'

const emulator = fileURLToPath(new URL('../../kernels/emulator/build/root', import.meta.url))
const notBuilt = existsSync(emulator) ? undefined : 'npm run build:emulator has not been run'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
})
afterAll(() => rm(folder, { recursive: true }))

const run = (...args: string[]) => runProgram(['trace', ...args], { cwd: folder })

test('--stats prints a line for each tensor and writes nothing', async () => {
  const before = await readdir(folder)
  const { code, stdout, stderr } = await run('--stats', '--text', 'a', '--layers', '0,1')
  expect([code, stderr]).toEqual([0, ''])
  const [heading, names, ...lines] = stdout.trimEnd().split('\n')
  expect(heading).toBe('1 text on cpu, float32')
  expect(names!.split(/\s+/)).toEqual([
    'tensor',
    'dtype',
    'shape',
    'min',
    'max',
    'mean',
    'std',
    'NaN',
    '±Inf',
  ])
  expect(lines).toHaveLength(30)
  expect(lines.at(-1)).toMatch(/^roberta\.encoder\.layer\.1 +float32 +\[3, 320\].* 0 +0$/)
  expect(await readdir(folder)).toEqual(before)
})

test('--output writes a directory and says so; a second time it is refused', async () => {
  const args = ['--output', 'twice', '--text', 'a', '--ops', 'softmax,gelu', '--inside']
  const first = await run(...args)
  expect(first).toMatchObject({ code: 0, stdout: '' })
  expect(first.stderr).toBe('Wrote twice: 8 tensors of 4 operators and 0 modules.\n')
  expect((await readdir(join(folder, 'twice'))).toSorted()).toEqual([
    'manifest.json',
    'tensors.safetensors',
  ])
  const second = await run(...args)
  expect(second.code).toBe(2)
  expect(second.stderr).toContain('twice: is there already; give a new directory')
})

test('--stats with --output writes the manifest alone', async () => {
  const { code, stdout } = await run('--output', 'figures', '--stats', '--text', 'a')
  expect([code, stdout.split('\n').length]).toEqual([0, 43])
  expect(await readdir(join(folder, 'figures'))).toEqual(['manifest.json'])
})

test('texts come from a file, or are the 23 that are built in', async () => {
  await writeFile(join(folder, 'texts'), 'a\nb c\n')
  await run('--output', 'own', '--batch-file', 'texts', '--scope', '^classifier$')
  await run('--output', 'built-in', '--scope', '^classifier$')
  const shapeOf = async (name: string) =>
    JSON.parse(await readFile(join(folder, name, 'manifest.json'), 'utf8')).tensors[0].shape
  expect(await shapeOf('own')).toEqual([2, 28])
  expect(await shapeOf('built-in')).toEqual([23, 28])
})

test('numpy reads the .npy files', async ({ skip }) => {
  skip(pythonWithNumpy === undefined, 'there is no Python with numpy')
  await run(
    '--output',
    'npy',
    '--format',
    'npy',
    '--text',
    'a',
    '--ops',
    'all',
    '--inside',
    '--modules',
  )
  const script = `
import json, numpy, os
tensors = {t["name"]: t for t in json.load(open("npy/manifest.json"))["tensors"]}
files = [os.path.join(d, f) for d, _, fs in os.walk("npy") for f in fs if f.endswith(".npy")]
assert len(files) == len(tensors) > 60, len(files)
for name, t in tensors.items():
    a = numpy.load("npy/" + name.replace(">", "%3E") + ".npy")
    assert list(a.shape) == t["shape"] and a.dtype == t["dtype"], name
    s, b = t["statistics"], a.astype("float64")
    numpy.testing.assert_allclose([b.min(), b.max(), b.mean(), b.std()], [s[k] for k in ("min", "max", "mean", "std")], atol=1e-12)
    assert (a == 0).sum() == s["zeros"] and a.size == s["count"]
`
  const { status, stderr } = spawnSync(pythonWithNumpy!, ['-c', script], { cwd: folder })
  expect([status, String(stderr)]).toEqual([0, ''])
})

test.for(['reference', 'emulator'])(
  '--watch on %s names what overflows',
  async (device, { skip }) => {
    skip(device === 'emulator' && notBuilt !== undefined, notBuilt)
    const dense = 'roberta.encoder.layer.1.intermediate.dense'
    const model = `overflows-on-${device}`
    await editedModel(join(folder, model), { [`${dense}.weight`]: (value) => value * 2e4 })
    const args = ['--model', model, '--device', device, '--dtype', 'float16', '--text', 'so happy']
    const { code, stdout, stderr } = await run(...args, '--watch')
    expect([code, stderr]).toEqual([1, ''])
    const lines = stdout.split('\n')
    const label = device === 'emulator' ? 'emulator (emulator, not an NPU)' : 'reference'
    expect(lines[0]).toBe(`The first NaN or infinity comes out of linear on ${label}, float16`)
    expect(lines[1]).toBe(`module    ${dense}`)
    expect(stdout).toContain(`weight, ${dense}.weight: every element is finite`)
    expect(stdout).toMatch(
      /output, \S+: the first is -?Infinity at \[0, \d+\]\n {2}elements from \[/,
    )
    expect(stdout).toMatch(/^output +float16 +\[4, 1024\] .* [1-9]\d*$/m)
  },
)

test('--watch finds nothing where nothing is', async () => {
  expect(await run('--watch', '--text', 'a')).toEqual({
    code: 0,
    stdout: '',
    stderr: 'No NaN and no infinity in the output of any operator that was watched.\n',
  })
})

test.each([
  [[], '--output: is missing'],
  [['--stats', '--ops', 'relu'], '--ops'],
  [['--stats', '--ops', ''], '--ops'],
  [['--stats', '--layers', '1,'], '--layers'],
  [['--stats', '--scope', '('], 'regular expression'],
  [['--stats', '--max-held', '0'], '--max-held'],
  [['--stats', '--layers', '2'], 'layers: nothing in layer 2'],
  [['--stats', '--ops', 'softmax'], 'where --inside looks'],
  [['--stats', '--text', 'a', '--batch-file', 'x'], 'exclude each other'],
  [['--output', 'none/trace', '--text', 'a'], 'no such file'],
])('%j is refused', async (args, words) => {
  const { code, stdout, stderr } = await run(...args)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(words)
})
