/** `compare` as a process: what it prints, exit codes, what an emulator is called, bad usage. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embeddedModelDirectory } from '../../src/model/locate.ts'
import type { ComparisonResult } from '../../src/precision/compare/result.ts'
import { editedModel } from '../support/edited-model.ts'
import { runProgram } from '../support/program.ts'

const emulator = fileURLToPath(new URL('../../kernels/emulator/build/root', import.meta.url))
const notBuilt = existsSync(emulator) ? undefined : 'npm run build:emulator has not been run'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
  writeFileSync(join(folder, 'texts'), 'I love you.\nno\n')
})
afterAll(() => rm(folder, { recursive: true }))

const run = (...args: string[]) => runProgram(['compare', ...args], { cwd: folder })

describe('cpu against the reference', () => {
  test('as a table: the verdict first, then what a user would notice, then down to operators', async () => {
    const { code, stdout, stderr } = await run('--device', 'cpu', '--text', 'I love you.')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^pass by three-way: logits: /)
    expect(stdout).toContain(', roberta-tiny-go_emotions, 2 layers, 1 text\nN  cpu, float32, ')
    expect(stdout).toContain('\nB  reference, float32\n')
    const order = [
      'mean cosine similarity  1.000000',
      'MAE',
      'max probability error',
      'error rate',
      'top-1 agreement            100 %',
      'top-3 overlap              100 %',
      'Logits pass',
      'Decisions that flip at 0.3: 0',
      'Inputs are identical: inputIds, positionIds, tokenTypeIds, firstRows.',
      'Weights are identical: 41.',
      'roberta.encoder.layer.1',
      'Operators: ',
      'attention > softmax',
      'attention (fused on N)',
      'No operator diverges.',
      'Operators that add most error',
      '30 were grafted, which is all.',
    ].map((words) => stdout.indexOf(words))
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(order[0]).toBeGreaterThan(0)
    expect(stdout).not.toMatch(/emulator|NPU/)
    expect(stdout).not.toContain('\u001b')
  })

  test('as JSON, from a file, in the modes that were asked for', async () => {
    const args = ['--device', 'cpu', '--batch-file', 'texts', '--modes', 'isolated', '--all']
    const { code, stdout } = await run(...args, '--format', 'json')
    expect(code).toBe(0)
    const result = JSON.parse(stdout) as ComparisonResult
    expect(result).toMatchObject({
      verdict: { status: 'pass', standard: 'three-way' },
      modes: ['isolated'],
      device: { device: 'cpu', isEmulated: false },
      reference: { device: 'reference', isEmulated: false },
      grafts: { done: 0, leftOut: 0 },
    })
    expect(result.environment).toMatchObject({ node: process.version })
    expect(result.texts.map(({ text }) => text)).toEqual(['I love you.', 'no'])
    expect(result.texts[0]!.device[0]!.label).toBe('love')
    expect(new Set(result.operators.map((one) => Object.hasOwn(one, 'grafted')))).toEqual(
      new Set([false]),
    )
    const ids = result.operators.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('on the emulator', () => {
  test('HF32 is found, each operator with its worst element and the command that repeats it', async (context) => {
    context.skip(notBuilt !== undefined, notBuilt)
    const args = ['--device', 'emulator', '--cube-math-type', 'hf32', '--reference', 'cpu']
    const text = ['--text', 'I love you.']
    const { code, stdout, stderr } = await run(...args, ...text, '--cases', 'cases')
    expect([code, stderr]).toEqual([1, ''])
    expect(stdout).toMatch(
      /^error by three-way: roberta\.encoder\.layer\.0\.attention\.self\.query/,
    )
    expect(stdout).toContain('N  emulator (emulator, not an NPU), float32, cubeMathType hf32')
    expect(stdout).toMatch(
      /^First divergent operator: \S+layer\.0\.attention\.self\.query\/linear#0$/m,
    )
    expect(stdout).toMatch(/^ {2}worst \[\d+, \d+\] of batch 0: N [-\d.]+, B [-\d.]+$/m)
    expect(stdout).toMatch(/^ {2}needed [\d.]+, allowed 2$/m)
    // The inputs were saved, so the same element comes out.
    const [, again] = /^ {2}again: roberta-ascend (op linear .*)$/m.exec(stdout)!
    const [, n, b] = /^ {2}worst \S+ \S+ of batch 0: N (\S+), B (\S+)$/m.exec(stdout)!
    const words = again!.replaceAll("'", '').split(' ')
    expect(words).toContain('hf32')
    const repeated = await runProgram(words, { cwd: folder })
    expect(repeated.code).toBe(1)
    expect(repeated.stdout).toContain('emulator, not an NPU')
    expect(repeated.stdout).toContain(`  N      ${n}\n  B      ${b}\n`)
  })
})

test('two models are compared: a form of GELU for the other is found', async () => {
  const directory = join(folder, 'tanh-form')
  await editedModel(directory, {}, { hidden_act: 'gelu_new' })
  const models = ['--model', directory, '--reference-model', embeddedModelDirectory]
  const args = ['--device', 'cpu', '--modes', 'isolated', '--text', 'no']
  const { code, stdout } = await run(...args, ...models)
  expect(code).toBe(1)
  expect(stdout).toContain('\nB  reference, float32, model roberta-tiny-go_emotions\n')
  expect(stdout).toMatch(/^First divergent operator: \S+intermediate_act_fn\/gelu#0$/m)
})

test('two traces are compared offline', async () => {
  const text = ['--text', 'I love you.']
  for (const [device, name] of [
    ['cpu', 'ours'],
    ['reference', 'theirs'],
  ]) {
    const args = ['trace', '--device', device!, '--output', name!, ...text]
    expect(await runProgram(args, { cwd: folder })).toMatchObject({ code: 0 })
  }
  const traces = ['--device-trace', 'ours', '--reference-trace', 'theirs']
  const { code, stdout, stderr } = await run(...traces)
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^pass by three-way: /)
  expect(stdout).toContain('\nN  ours, cpu, float32, threads ')
  expect(stdout).toContain('\nNo tensor diverges.\n')
  expect(stdout).toMatch(/^ {2}roberta\.encoder\.layer\.\S+ +\S+e-\d+ +\S+e-\d+ +2\d\.\d {2}pass$/m)
  const json = await run(...traces, '--standard', 'allclose', '--format', 'json')
  expect(JSON.parse(json.stdout)).toMatchObject({ standard: 'allclose', onlyDevice: [] })
})

test('a report is written beside the table', async () => {
  const args = ['--device', 'reference', '--text', 'no', '--report', 'out.html']
  const { code, stdout, stderr } = await run(...args)
  expect([code, stderr]).toEqual([0, 'Wrote out.html.\n'])
  expect(stdout).toMatch(/^pass by three-way/)
  expect(readFileSync(join(folder, 'out.html'), 'utf8')).toContain('<html')
})

test.each([
  ['one trace alone', ['--device-trace', 'a'], 'cannot be used with'],
  ['a mode there is not', ['--modes', 'isolated,fast'], 'some of cascaded, isolated, grafted'],
  ['a device there is not', ['--reference', 'gpu'], "no device 'gpu'"],
  ['a standard there is not', ['--standard', 'mine'], "no standard 'mine'"],
  ['texts from two places', ['--text', 'a', '--batch-file', 'texts'], 'exclude each other'],
  ['a choice that no device has', ['--cube-math-type', 'hf32'], 'cubeMathType: means nothing to'],
  ['a file there is not', ['--batch-file', 'nowhere'], 'nowhere: there is no such file'],
  ['a report where there is no folder', ['--report', 'no/x.html'], 'its directory does not exist'],
  ['a stray word', ['fast'], 'too many arguments'],
])('bad usage: %s', async (_, args, words) => {
  const { code, stdout, stderr } = await run('--device', 'reference', ...args)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(words)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})

test('no texts are bad usage, and no pass', async () => {
  writeFileSync(join(folder, 'empty'), '')
  const { code, stdout, stderr } = await run('--device', 'reference', '--batch-file', 'empty')
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain('empty: is empty')
})
