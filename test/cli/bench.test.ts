/** `bench` as a process: what it reports, what an emulator is called, bad usage. No figure is asserted. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { TraceFile } from '../../src/bench/timeline.ts'
import { builtInTexts } from '../../src/bench/workload.ts'
import { runProgram } from '../support/program.ts'

const emulator = fileURLToPath(new URL('../../kernels/emulator/build/root', import.meta.url))
const notBuilt = existsSync(emulator) ? undefined : 'npm run build:emulator has not been run'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
  // 3, 5 and 4 tokens with <s> and </s>, as the golden file of the embedded model has them for "a".
  writeFileSync(join(folder, 'texts'), 'a\na a a\na a\n')
})
afterAll(() => rm(folder, { recursive: true }))

const run = (...args: string[]) => runProgram(['bench', ...args], { cwd: folder })
const quick = ['--texts', 'texts', '--rounds', '2', '--warm-up', '1']

const positive = z.number().positive()
const count = z.int().nonnegative()
const speed = z.strictObject({
  textsPerSecond: positive,
  tokensPerSecond: positive,
  latency: z.strictObject({ batches: count, p50: positive, p95: positive, p99: positive }),
})
const label = z.literal('emulator, not an NPU').optional()
const sum = { operator: z.string(), calls: count, seconds: positive, flops: count, bytes: count }
const schema = z.strictObject({
  version: z.string(),
  model: z.strictObject({ name: z.string(), layers: count, dtype: z.string() }),
  machine: z.strictObject({
    node: z.string(),
    platform: z.string(),
    processor: z.string(),
    parallelism: count,
    loadAverage: z.number(),
  }),
  workload: z.strictObject({
    texts: count,
    tokens: count,
    batchSizes: z.array(count),
    warmUp: count,
    rounds: count,
  }),
  devices: z.array(
    z.strictObject({
      device: z.string(),
      label,
      settings: z.record(z.string(), z.string()),
      loadSeconds: positive,
      heldBytes: positive,
      batches: z.array(
        z.strictObject({
          batchSize: count,
          endToEnd: speed,
          forward: speed,
          operators: z
            .strictObject({
              texts: count,
              tokens: count,
              forwardSeconds: positive,
              operatorSeconds: positive,
              clock: z.enum(['device', 'host']),
              emptySeconds: z.number().nonnegative(),
              byOperator: z.array(z.strictObject(sum)),
              byModule: z.array(z.strictObject({ module: z.string(), ...sum })),
            })
            .optional(),
        }),
      ),
    }),
  ),
  ratios: z.array(
    z.strictObject({
      device: z.string(),
      baseline: z.string(),
      label,
      batchSize: count,
      endToEnd: positive,
      forward: positive,
    }),
  ),
  speedUp: z
    .strictObject({
      label: z.literal('emulator, not an NPU'),
      cpu: z.string(),
      emulator: z.string(),
      rows: z.array(
        z.strictObject({
          batchSize: count,
          cpuTextsPerSecond: positive,
          emulatorTextsPerSecond: positive,
          ratio: positive,
        }),
      ),
    })
    .optional(),
  peakResidentBytes: positive,
})

async function reportOf(...args: string[]) {
  const { code, stdout, stderr } = await run(...quick, ...args, '--format', 'json')
  expect(code, stderr).toBe(0)
  return schema.parse(JSON.parse(stdout))
}

describe('the reference', () => {
  test('as JSON: sizes, counts, and the operators of each batch', async () => {
    const report = await reportOf('--device', 'reference', '--batch-size', '2,all', '--ops')
    expect(report.workload).toEqual({
      texts: 3,
      tokens: 12,
      batchSizes: [2, 3],
      warmUp: 1,
      rounds: 2,
    })
    const [device, ...others] = report.devices
    expect(device).toMatchObject({ device: 'reference', settings: {} })
    expect(device).not.toHaveProperty('label')
    expect([others, report.ratios, report.speedUp]).toEqual([[], [], undefined])
    // One full batch of 2 in each round, and one of 3.
    expect(device!.batches.map(({ endToEnd }) => endToEnd.latency.batches)).toEqual([2, 2])
    const all = device!.batches[1]!.operators!
    expect(all).toMatchObject({ texts: 3, tokens: 12 })
    // 2 layers of 12 rows and 320 columns; 28 labels for the first rows of 3 texts.
    const linear = (rows: number, inputs: number, outputs: number) =>
      rows * outputs * (2 * inputs + 1)
    const found = (name: string) => all.byModule.find(({ module }) => module === name)
    expect(found('roberta.encoder.layer.*.attention.self.key')).toMatchObject({
      operator: 'linear',
      calls: 2,
      flops: 2 * linear(12, 320, 320),
    })
    expect(found('classifier.out_proj')).toMatchObject({ calls: 1, flops: linear(3, 320, 28) })
    expect(all.byOperator.find(({ operator }) => operator === 'linear')?.calls).toBe(14)
  })

  test('as a table, with both times and the note that waiting perturbs', async () => {
    const args = ['--device', 'reference', '--batch-size', '1', '--batch-size', '3', '--ops']
    const { code, stdout, stderr } = await run(...quick, ...args)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^3 texts, 12 tokens; 2 rounds, 1 before to warm up$/m)
    expect(stdout).toMatch(/^1 +end to end( +[\d.]+){6}\n +forward alone( +[\d.]+){6}\n3 +end/m)
    expect(stdout).toContain('That perturbs:')
    expect(stdout).toMatch(/^linear +14 +[\d.]+ +[\d.]+ % +[\d.]+ +[\d.]+$/m)
    expect(stdout).not.toContain('Times as fast')
  })

  test('against itself: a ratio, and no speed-up', async () => {
    const report = await reportOf('--device', 'reference', '--compare', 'reference')
    expect(report.ratios.map(({ device, baseline, batchSize }) => [device, baseline, batchSize]))
      // Of the usual 1, 16 and all, 16 are more than all three.
      .toEqual([
        ['reference', 'reference', 1],
        ['reference', 'reference', 3],
      ])
    expect(report.speedUp).toBeUndefined()
  })
})

describe('the emulator beside the reference', () => {
  test('is labelled, has its settings, and no speed-up', async (context) => {
    context.skip(notBuilt !== undefined, notBuilt)
    const args = ['--device', 'reference', '--compare', 'emulator', '--cube-math-type', 'hf32']
    const report = await reportOf(...args)
    expect(report.devices.map(({ device, label }) => [device, label])).toEqual([
      ['reference', undefined],
      ['emulator', 'emulator, not an NPU'],
    ])
    expect(report.devices[1]!.settings).toMatchObject({ cubeMathType: 'hf32' })
    expect(report.ratios.map((ratio) => ratio.label)).toEqual(Array(2).fill(report.speedUp!.label))
    expect(report.speedUp).toMatchObject({ cpu: 'reference', emulator: 'emulator' })
  })

  test('--ops is by the clock of the emulator, and says whose that is', async (context) => {
    context.skip(notBuilt !== undefined, notBuilt)
    const { stdout } = await run(...quick, '--device', 'emulator', '--ops', '--batch-size', '3')
    expect(stdout).toContain(
      'Operators on emulator (emulator, not an NPU), batch of 3, 12 tokens\nBy the clock of the device',
    )
    expect(stdout).toMatch(/^linear +14 +[\d.]+ +[\d.]+ % +[\d.]+ +[\d.]+$/m)
  })
})

test('--timeline writes a batch of each size, and leaves nothing beside it', async () => {
  const args = ['--device', 'reference', '--batch-size', '1,3', '--timeline', 'timeline.json']
  const { code, stderr } = await run(...quick, ...args)
  expect([code, stderr]).toEqual([0, 'Wrote timeline.json.\n'])
  const text = readFileSync(join(folder, 'timeline.json'), 'utf8')
  const { traceEvents } = JSON.parse(text) as TraceFile
  const batches = traceEvents.filter(({ name }) => name.startsWith('batch of'))
  expect(batches.map(({ name, args }) => [name, args])).toEqual([
    ['batch of 1', { texts: 1, tokens: 3 }],
    ['batch of 3', { texts: 3, tokens: 12 }],
  ])
  expect(readdirSync(folder).sort()).toEqual(['texts', 'timeline.json'])
})

test('23 texts are built in', () => {
  const texts = builtInTexts()
  expect(new Set(texts).size).toBe(23)
  expect(texts[0]).toBe('I am so happy today!')
})

test.each([
  ['no rounds', ['--rounds', '0'], 'a whole number from 1'],
  ['a negative warm-up', ['--warm-up', '-1'], 'a whole number from 0'],
  ['a batch size of nothing', ['--batch-size', '1,,2'], 'numbers from 1 on, or all'],
  ['a batch size of 0', ['--batch-size', '0'], 'numbers from 1 on, or all'],
  ['a device there is not', ['--device', 'reference', '--compare', 'gpu'], "no device 'gpu'"],
  [
    'a choice that no device has',
    ['--device', 'reference', '--cube-math-type', 'hf32'],
    'cubeMathType: means nothing to',
  ],
  ['a file there is not', ['--texts', 'nowhere'], 'nowhere: there is no such file'],
  [
    'a timeline in no folder',
    ['--timeline', 'nowhere/timeline.json'],
    'nowhere/timeline.json: it cannot be written: its directory does not exist',
  ],
  ...[['--ops'], ['--timeline', 'timeline.json'], ['--aclprof', 'profile']].map(
    (looking): [string, string[], string] => [
      `${looking[0]} of several devices`,
      ['--device', 'emulator:0,1', ...looking],
      "'emulator:0,1' is several devices, and one is wanted",
    ],
  ),
  [
    'a profile where there is no NPU',
    ['--device', 'reference', '--aclprof', 'profile'],
    'aclprof: profiles one NPU, and there are none; name one NPU or the emulator',
  ],
  [
    'a profile in a file',
    ['--aclprof', 'texts'],
    'texts: it cannot be written: there is a file of this name',
  ],
  ['a timeline that is a folder', ['--timeline', '.'], '.: it cannot be written: is a directory'],
  ['a format it does not have', ['--format', 'csv'], '--format'],
  ['a stray word', ['fast'], 'too many arguments'],
])('bad usage: %s', async (_, args, words) => {
  const { code, stdout, stderr } = await run(...args)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(words)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})
