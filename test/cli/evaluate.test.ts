/** `evaluate` and `classify --thresholds` as processes. Expectations are counted by hand from the model card. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EvaluationReport, SavedThresholds } from '../../src/index.ts'
import { runProgram } from '../support/program.ts'

const weights = fileURLToPath(new URL('../../weights/roberta-tiny-go_emotions', import.meta.url))
const emulator = fileURLToPath(new URL('../../kernels/emulator/build/root', import.meta.url))
const notBuilt = existsSync(emulator) ? undefined : 'npm run build:emulator has not been run'

/** Labels by MODEL_CARD.md at 0.5: joy, admiration, love, disgust, pride, nervousness. */
const dataset = `I am so happy today!\tjoy
You did an amazing job, congratulations!\tadmiration,gratitude
I love you.\tlove
That is disgusting.\tanger
I'm so proud of my daughter.\tpride
I'm nervous about the exam.\tnervousness,fear
`

const { id2label } = JSON.parse(readFileSync(join(weights, 'config.json'), 'utf8')) as {
  id2label: Record<string, string>
}
const allAtHalf: SavedThresholds = {
  model: 'roberta-tiny-go_emotions',
  chosen: {
    by: 'nobody',
    dataset: 'none',
    texts: 1,
    device: 'cpu',
    dtype: 'float32',
    withoutPositives: {},
  },
  thresholds: Object.fromEntries(Object.values(id2label).map((label) => [label, 0.5])),
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
  writeFileSync(join(folder, 'texts.tsv'), dataset)
  const single = join(folder, 'single')
  cpSync(weights, single, { recursive: true })
  const config = JSON.parse(readFileSync(join(weights, 'config.json'), 'utf8')) as object
  writeFileSync(
    join(single, 'config.json'),
    JSON.stringify({ ...config, problem_type: 'single_label_classification' }),
  )
})
afterAll(() => rm(folder, { recursive: true }))

const run = (...args: string[]) => runProgram(args, { cwd: folder })
const evaluate = (...args: string[]) => run('evaluate', '--dataset', 'texts.tsv', ...args)

async function report(...args: string[]): Promise<EvaluationReport> {
  const { code, stdout, stderr } = await evaluate('--format', 'json', ...args)
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as EvaluationReport
}

describe('figures', () => {
  test('of the six texts', async () => {
    const { model, dataset, devices, comparisons } = await report('--device', 'cpu')
    expect(model).toEqual({ name: 'roberta-tiny-go_emotions', layers: 2, head: 'sigmoid' })
    expect(dataset).toEqual({ name: 'texts.tsv', texts: 6, truncated: 0 })
    expect(comparisons).toEqual([])
    const { device, dtype, quality } = devices[0]!
    expect([device, dtype]).toEqual(['cpu', 'float32'])
    // Eight right labels, six chosen, five of them right.
    expect(quality.micro).toEqual({ precision: 5 / 6, recall: 5 / 8, f1: 10 / 14 })
    expect(quality.macro.f1).toBeCloseTo(5 / 28, 12)
    expect(quality.weighted.f1).toBeCloseTo(5 / 8, 12)
    expect(quality.accuracy).toBe(3 / 6)
    expect(quality.bestLabelIsRight).toBe(5 / 6)
    const of = (label: string) => quality.labels.find((one) => one.label === label)
    expect(of('disgust')).toMatchObject({ support: 0, predicted: 1, rocAuc: null, bestF1: null })
    expect(of('gratitude')).toMatchObject({ support: 1, predicted: 0, recall: 0, bestF1: 1 })
  })

  test('at another threshold, and of the first texts only', async () => {
    // At 0.4 also gratitude (0.44), which is right, and admiration (0.49), which is not.
    const { quality } = (await report('--threshold', '0.4')).devices[0]!
    expect(quality.micro).toEqual({ precision: 6 / 8, recall: 6 / 8, f1: 6 / 8 })
    const two = await report('--threshold', '0.4', '--limit', '2')
    expect(two.dataset.texts).toBe(2)
    expect(two.devices[0]!.quality.accuracy).toBe(1)
  })

  test('of a single-label model', async () => {
    const firstLabels = dataset.replace(/,\w+$/gm, '')
    writeFileSync(join(folder, 'single.tsv'), firstLabels)
    const args = ['evaluate', '--model', 'single', '--dataset', 'single.tsv']
    const { code, stdout, stderr } = await run(...args, '--format', 'json')
    expect(code, stderr).toBe(0)
    const { quality } = (JSON.parse(stdout) as EvaluationReport).devices[0]!
    expect(quality.accuracy).toBe(5 / 6)
    expect(quality.micro.f1).toBeCloseTo(5 / 6, 12)
    const id = (label: string) => quality.labels.findIndex((one) => one.label === label)
    expect(quality.confusion![id('anger')]![id('disgust')]).toBe(1)
    expect(quality.confusion!.flat().reduce((sum, count) => sum + count)).toBe(6)
    expect((await run(...args)).stdout).toMatch(/^accuracy +0\.8333$/m)
    const refused = await run(...args, '--threshold', '0.5')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('a single-label model has none')
  })

  test('as CSV, one figure a line, and as a table', async () => {
    const csv = await evaluate('--format', 'csv')
    const lines: string[][] = parse(csv.stdout)
    expect(lines[0]).toEqual(['device', 'note', 'dtype', 'scope', 'label', 'metric', 'value'])
    expect(lines).toContainEqual(['cpu', '', 'float32', 'all', '', 'accuracy', '0.5'])
    expect(lines).toContainEqual(['cpu', '', 'float32', 'label', 'disgust', 'rocAuc', ''])
    expect(lines).toContainEqual(['cpu', '', 'float32', 'label', 'joy', 'f1', '1'])
    const { stdout } = await evaluate()
    expect(stdout).toMatch(/^micro +0\.8333 +0\.6250 +0\.7143 /m)
    expect(stdout).toMatch(/^disgust +0 +1 +0\.0000 +0\.0000 +0\.0000 +- +- +- +-$/m)
  })
})

describe('thresholds', () => {
  test('saved by evaluate, read by evaluate and classify', async () => {
    const saved = await evaluate('--device', 'cpu', '--save-thresholds', 'best.json')
    expect(saved.code).toBe(0)
    expect(saved.stderr).toContain('no text has ')
    const { model, chosen, thresholds } = JSON.parse(
      readFileSync(join(folder, 'best.json'), 'utf8'),
    ) as SavedThresholds
    expect(model).toBe('roberta-tiny-go_emotions')
    expect(chosen).toMatchObject({
      dataset: 'texts.tsv',
      texts: 6,
      device: 'cpu',
      dtype: 'float32',
    })
    expect(Object.keys(thresholds)).toHaveLength(28)
    expect(chosen.withoutPositives.disgust).toBe(0.5)
    expect(thresholds.disgust).toBe(0.5)
    // Of the six texts only one reaches 0.44 for gratitude; the next is far below.
    expect(thresholds.gratitude).toBeGreaterThan(0.2)
    expect(thresholds.gratitude).toBeLessThan(0.44)
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([])

    const { quality } = (await report('--thresholds', 'best.json')).devices[0]!
    for (const one of quality.labels) if (one.support > 0) expect(one.f1).toBe(one.bestF1)

    const text = 'You did an amazing job, congratulations!'
    const own = await run('--text', text, '--thresholds', 'best.json')
    expect(own.stdout).toBe(`${text}\tadmiration 0.910\tgratitude 0.444\n`)
    const high = { ...thresholds, admiration: 0.95, gratitude: 0.95 }
    writeFileSync(join(folder, 'high.json'), JSON.stringify({ model, chosen, thresholds: high }))
    expect((await run('--text', text, '--thresholds', 'high.json')).stdout).toBe(`${text}\n`)
  })

  test.each<[string, (saved: SavedThresholds) => object | string, string]>([
    [
      'are missing',
      ({ thresholds: { joy, ...thresholds }, ...saved }) => ({ ...saved, thresholds }),
      'threshold of "joy": is missing',
    ],
    [
      'are unknown',
      (saved) => ({ ...saved, thresholds: { ...saved.thresholds, hate: 0 } }),
      'the model has no label "hate"',
    ],
    [
      'are out of range',
      (saved) => ({ ...saved, thresholds: { ...saved.thresholds, joy: 2 } }),
      '2 is not a number from 0 to 1',
    ],
    ['are no file of thresholds', () => ({ joy: 0.5 }), 'has no thresholds'],
    ['are no JSON', () => 'joy', 'is not valid JSON'],
  ])('are refused that %s', async (_, change, message) => {
    const bad = change(allAtHalf)
    const content = typeof bad === 'string' ? bad : JSON.stringify(bad)
    writeFileSync(join(folder, 'bad.json'), content)
    for (const command of [
      ['--text', 'a'],
      ['evaluate', '--dataset', 'texts.tsv'],
    ]) {
      const { code, stdout, stderr } = await run(...command, '--thresholds', 'bad.json')
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain(message)
    }
  })

  test('of another model come with a warning; two kinds exclude each other', async () => {
    writeFileSync(join(folder, 'own.json'), JSON.stringify(allAtHalf))
    const args = ['--thresholds', 'own.json', '--text', 'I love you.']
    expect((await run('--model', 'single', ...args)).stderr).toContain(
      'warning: own.json is of the model roberta-tiny-go_emotions, this is single',
    )
    const both = await run(...args, '--threshold', '0.5')
    expect(both.code).toBe(2)
    expect(both.stderr).toContain('exclude each other')
  })
})

describe('several devices', () => {
  test.skipIf(notBuilt !== undefined)('the emulator is called what it is', async () => {
    const args = ['--device', 'cpu', '--compare', 'emulator', '--compare-dtype', 'float16']
    const { devices, comparisons } = await report(...args)
    expect(devices.map(({ device, dtype, label }) => [device, dtype, label])).toEqual([
      ['cpu', 'float32', undefined],
      ['emulator', 'float16', 'emulator, not an NPU'],
    ])
    const { differences, agreement, flips } = comparisons[0]!
    const brier = (at: number) => devices[at]!.quality.brier
    expect(differences.find(({ metric }) => metric === 'brier')!.value).toBe(brier(1) - brier(0))
    expect(brier(1)).not.toBe(brier(0))
    // Eleven bits of precision; the model card's scores are not within 1e-3 of 0.5.
    expect(agreement.maxProbabilityError).toBeGreaterThan(1e-6)
    expect(agreement.maxProbabilityError).toBeLessThan(5e-3)
    expect(flips).toEqual([])
    const { stdout } = await evaluate(...args)
    expect(stdout).toContain('emulator (emulator, not an NPU), float16, against cpu, float32')
    expect(stdout).toContain('decisions that differ: 0')
  })
})

describe('bad usage', () => {
  test.each([
    [['evaluate'], '--dataset'],
    [['evaluate', '--dataset', 'none.tsv'], 'there is no such file'],
    [['evaluate', '--dataset', 'texts.tsv', '--limit', '0'], '--limit'],
    [
      ['evaluate', '--dataset', 'texts.tsv', '--save-thresholds', 'no/such/folder'],
      'its directory does not exist',
    ],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await run(...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
  })
})
