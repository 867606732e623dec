/** `op` as a process: one operator, sweeps, the catalogue, the support matrix, bad usage. */
import { existsSync, writeFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeSafetensors } from '../../src/checkpoint/safetensors/writer.ts'
import { catalogue, operatorNames } from '../../src/ops/index.ts'
import { runProgram } from '../support/program.ts'

const emulator = fileURLToPath(new URL('../../kernels/emulator/build/root', import.meta.url))
const notBuilt = existsSync(emulator) ? undefined : 'npm run build:emulator has not been run'
const npy = (name: string) => fileURLToPath(new URL(`../golden/npy/${name}.npy`, import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
})
afterAll(() => rm(folder, { recursive: true }))

const run = (...args: string[]) => runProgram(['op', ...args], { cwd: folder })
/** With an emulator where CANN would be. */
const runInstalled = (...args: string[]) =>
  runProgram(['op', ...args], { cwd: folder, env: { ASCEND_HOME_PATH: emulator } })

async function json(...args: string[]) {
  const { code, stdout, stderr } = await run(...args, '--format', 'json')
  expect(stderr).toBe('')
  return { code, ...JSON.parse(stdout) }
}

interface SweptCase {
  readonly settings: Readonly<Record<string, string>>
  readonly verdict: { readonly status: string }
  readonly device: { readonly label: string }
}

describe('one operator', () => {
  test('as a table: verdict with its formula, accuracy, speed, error by input, the command', async () => {
    const { code, stdout } = await run(
      ...['gelu', '--shape', '16x64', '--fill', 'range:-4:4', '--device', 'cpu'],
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/^pass by three-way: RMSE: \S+ \/ \S+ = \S+ ≤ 2 and mean/)
    expect(stdout).toMatch(
      /^Accuracy over 1024 elements\n +N from B +N from exact +B from exact\n/m,
    )
    expect(stdout).toMatch(/^ULP max +\S+ +\S+ +0\.\d+\n/m)
    expect(stdout).toMatch(/^N +\d+\.\d+ +\S+ +\S+\nB +\d+\.\d+ +\S+ +\S+$/m)
    expect(stdout).toMatch(/^Worst element, \[\d+, \d+\]\n {2}input {2}\S+\n {2}N /m)
    expect(stdout).toMatch(/needed \S+, allowed \S+ by strict$/m)
    expect(stdout).toMatch(/^ *-4 … -3\.5 +64 /m)
    expect(stdout.trimEnd()).toMatch(/--device cpu --shape 16x64 --fill range:-4:4$/)
  })

  test('of the reference against itself nothing differs', async () => {
    const found = await json(
      'tanh',
      '--device',
      'reference',
      '--dtype',
      'bfloat16',
      '--rounds',
      '2',
    )
    expect(found.code).toBe(0)
    const [one] = found.cases
    expect(one.metrics).toMatchObject({ count: 128, maxAbs: 0, cosine: 1, ulp: { max: 0 } })
    // Rounding once: half a unit at most.
    expect(one.exact.device.ulp.max).toBeGreaterThan(0.4)
    expect(one.exact.device.ulp.max).toBeLessThanOrEqual(0.5)
    expect(one.device).toMatchObject({ device: 'reference', time: { rounds: 2 } })
    expect(one.device).not.toHaveProperty('label')
  })

  test('the tanh form of GELU instead of the erf form fails in every dtype, and so does its command', async () => {
    for (const dtype of ['float32', 'float16', 'bfloat16']) {
      const found = await json(
        ...['gelu', '--dtype', dtype, '--shape', '64x128', '--device', 'reference'],
        ...['--approximate', 'tanh', '--against', 'approximate=none', '--rounds', '0'],
      )
      expect([found.code, found.verdict.status]).toEqual([1, 'error'])
      const [one] = found.cases
      expect(one.against).toEqual({ approximate: 'none' })
      // The two forms differ most between 2 and 3, by 4.7e-4.
      expect(Math.abs(one.worst.input)).toBeGreaterThan(1)
      const again = one.command.split(' ').slice(2)
      expect(await json(...again, '--rounds', '0')).toEqual(found)
    }
  })

  test('inputs from .npy and .safetensors', async () => {
    await writeSafetensors(join(folder, 'two.safetensors'), [
      { name: 'a', dtype: 'F16', shape: [3], bytes: new Uint8Array(6) },
      { name: 'b', dtype: 'F32', shape: [2, 3], bytes: new Uint8Array(24) },
    ])
    const found = await json(
      ...['add', '--device', 'cpu', '--input', `input=${npy('float32')}`],
      ...['--input', 'other=two.safetensors#b'],
    )
    expect(found.code).toBe(0)
    expect(found.cases[0]).toMatchObject({
      shape: [2, 3],
      dtype: 'float32',
      inputs: [{ source: npy('float32') }, { source: 'two.safetensors#b', dtype: 'float32' }],
      metrics: { count: 6, nonFinite: { actualInf: 1, expectedInf: 1, disagreements: 0 } },
    })
    const half = await json(
      ...['add', '--device', 'cpu', '--dtype', 'float16', '--input', `input=${npy('float32')}`],
      ...['--input', 'other=two.safetensors#a'],
    )
    expect(half.cases[0].dtype).toBe('float16')
    const ambiguous = await run('gelu', '--input', 'input=two.safetensors')
    expect(ambiguous.stderr).toContain('has 2 tensors; say which: two.safetensors#')
  })

  test('an input from a .npy file of a trace, whose path has a #', async () => {
    await mkdir(join(folder, 'softmax#0'))
    await copyFile(npy('float32'), join(folder, 'softmax#0', 'input.npy'))
    const given = ['--device', 'reference', '--input', 'input=softmax#0/input.npy']
    const found = await json('gelu', ...given)
    expect([found.code, found.cases[0].inputs[0].source]).toEqual([0, 'softmax#0/input.npy'])
  })

  test('nothing to compare is a failure', async () => {
    const found = await json('gelu', '--shape', '0x4', '--device', 'reference')
    expect([found.code, found.verdict.status]).toEqual([1, 'error'])
    expect(found.cases[0].metrics.maxAbs).toBe('NaN')
  })

  test('rules of the user decide', async () => {
    const rules = (limit: number) =>
      writeFileSync(
        join(folder, 'rules.json'),
        JSON.stringify({ rules: [{ metric: 'ulp.max', atMost: limit }] }),
      )
    const args = ['softmax', '--shape', '8x32', '--device', 'cpu', '--standard', 'rules.json']
    rules(1e6)
    expect(await json(...args)).toMatchObject({ code: 0, verdict: { standard: 'rules.json' } })
    rules(0)
    const failed = await json(...args)
    expect([failed.code, failed.verdict.allowed]).toEqual([1, 0])
  })
})

describe('on the emulator', () => {
  test('it is labelled, and a sweep finds HF32 in float32 alone', async (context) => {
    context.skip(notBuilt !== undefined, notBuilt)
    const args = [
      ...['linear', '--shape', '8x256,32x256,32', '--device', 'emulator', '--rounds', '1'],
      ...[
        '--sweep',
        'dtype=float32',
        'dtype=float16',
        'cube-math-type=keep',
        'cube-math-type=hf32',
      ],
    ]
    const found = await json(...args)
    expect(found.code).toBe(1)
    const rows = (found.cases as SweptCase[]).map(({ settings, verdict, device }) => [
      settings.dtype,
      settings['cube-math-type'],
      verdict.status,
      device.label,
    ])
    const label = 'emulator, not an NPU'
    expect(rows).toEqual([
      ['float32', 'keep', 'pass', label],
      ['float32', 'hf32', 'error', label],
      ['float16', 'keep', 'pass', label],
      ['float16', 'hf32', 'pass', label],
    ])
    const { stdout } = await run(...args)
    expect(stdout).toMatch(/^dtype +cube-math-type +verdict +max/m)
    expect(stdout).toMatch(/^float32 +hf32 +error +/m)
    expect(stdout).toContain('linear on emulator (emulator, not an NPU), N, against reference, B')
    expect(stdout).toMatch(/^error: RMSE.*\n {2}roberta-ascend op linear .*--cube-math-type hf32$/m)
  })
})

describe('--all', () => {
  test('every sample of one operator, each with its verdict', async () => {
    const found = await json('gelu', '--all', '--device', 'cpu')
    expect([found.code, found.verdict.status]).toEqual([0, 'pass'])
    const { dtypes, samples } = catalogue.gelu
    expect(found.samples).toHaveLength(dtypes.flatMap((dtype) => samples(dtype)).length)
    const empty = found.samples.filter((one: { skipped?: string }) => one.skipped !== undefined)
    expect(empty.map(({ name }: { name: string }) => name)).toEqual(Array(9).fill('empty: no rows'))
  })

  test('the whole catalogue on the emulator', async (context) => {
    context.skip(notBuilt !== undefined, notBuilt)
    const { code, stdout } = await run('--all', '--device', 'emulator')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^pass by three-way: \d+ pass, 0 warning, 0 error, \d+ skipped\n/)
    expect(stdout).toContain('on emulator (emulator, not an NPU) against reference')
    for (const name of operatorNames) expect(stdout).toMatch(new RegExp(`^${name} +`, 'm'))
  })

  test('an emulator in the place of CANN is no NPU', async (context) => {
    context.skip(notBuilt !== undefined, notBuilt)
    const { stdout } = await runInstalled('tanh', '--all', '--device', 'npu')
    expect(stdout).toContain('on emulator (emulator, not an NPU) against reference')
    const list = await runInstalled('--list', '--format', 'json')
    const { devices, operators } = JSON.parse(list.stdout)
    expect(devices[2]).toEqual({
      device: 'npu',
      reason: 'what is installed in its place is the emulator',
    })
    expect(operators[0].support[2].kind).toBe('unknown')
  })

  test('a sample that fails is shown with the command that repeats it', async () => {
    const rules = { rules: [{ metric: 'ulp.max', atMost: 0 }] }
    writeFileSync(join(folder, 'identical.json'), JSON.stringify(rules))
    const args = ['--device', 'cpu', '--standard', 'identical.json']
    const { code, stdout } = await run('tanh', '--all', '--dtype', 'float32', ...args)
    expect(code).toBe(1)
    const [, command] = /^error tanh float32, .*\n {2}(roberta-ascend op .*)$/m.exec(stdout)!
    const again = await run(...command!.split(' ').slice(2), '--rounds', '0')
    expect(again.code).toBe(1)
    expect(again.stdout).toMatch(/^error by identical.json: ulp.max = \S+ > 0\n/)
  })
})

test('--list: devices, and why where not', async () => {
  const { operators, devices } = await json('--list')
  expect(devices.map(({ device }: { device: string }) => device)).toEqual([
    'reference',
    'cpu',
    'npu',
    'emulator',
  ])
  const rowOf = (name: string, of: string) =>
    operators.find((one: Record<string, string>) => one.operator === name && one.dtype === of)
      .support
  expect(rowOf('gelu', 'float16').slice(0, 2)).toEqual([{ kind: 'kernel' }, { kind: 'kernel' }])
  expect(rowOf('attention', 'float32')[0]).toEqual({
    kind: 'parts',
    reason: 'it has no kernel of its own',
  })
  expect(rowOf('slice', 'bool')[0]).toEqual({ kind: 'view' })
  expect(rowOf('add', 'int32')[0].kind).toBe('refused')
  const { stdout } = await run('--list')
  expect(stdout).toMatch(/^gelu +float32, float16, bfloat16 +yes +yes /m)
  expect(stdout).toMatch(/^attention +float32, float16, bfloat16 +parts +yes /m)
})

test.each([
  ['no operator', [], 'operator: is missing'],
  ['an operator there is not', ['relu'], "no operator 'relu'"],
  ['a missing attribute', ['scale', '--shape', '4'], 'scale: factor: is missing'],
  ['shapes that do not fit', ['matmul', '--shape', '2x3,4x5'], 'matmul'],
  ['an unknown standard', ['gelu', '--standard', 'nice'], "no standard 'nice'"],
  ['a sweep over nothing known', ['gelu', '--sweep', 'colour=red'], "'colour=red' is not NAME"],
  [
    'a choice that is none in a sweep',
    ['gelu', '--sweep', 'cube-math-type=x'],
    "'cube-math-type=x' is invalid",
  ],
  ['a choice no device has', ['gelu', '--device', 'reference', '--threads', '2'], 'means nothing'],
  ['an attribute for --all', ['--all', '--axis', '1'], '--axis: means nothing to --all'],
  ['an operator for --list', ['gelu', '--list'], 'operator: means nothing to --list'],
  ['a dtype for --list', ['--list', '--dtype', 'bool'], '--dtype: means nothing to --list'],
  ['a shape beyond memory', ['gelu', '--shape', '99999x99999'], 'has more than 268435456'],
  ['rules there are not', ['gelu', '--standard', 'no.json'], 'no.json: there is no such file'],
  ['a shape for --all', ['--all', '--shape', '4'], '--shape: means nothing to --all'],
  ['indices beyond the table', ['embedding', '--shape', '7,2x4'], 'outside of 0…1'],
])('bad usage: %s', async (_, args, words) => {
  const { code, stdout, stderr } = await run(...args)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(words)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})
