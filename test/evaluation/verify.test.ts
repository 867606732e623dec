/**
 * `verify`. The published model cannot be had here, so other models stand in for it: as they are they
 * must be refused, and with expectations of their own (PyTorch's logits) they must pass.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { robertaBaseGoEmotions } from '../../src/evaluation/verify/roberta-base-go-emotions.ts'
import { type PublishedFigures, verifyModel } from '../../src/index.ts'
import { modelWithNaN } from '../support/model-with-nan.ts'
import { pythonWithNumpy } from '../support/numpy.ts'
import { runProgram } from '../support/program.ts'

const weights = fileURLToPath(new URL('../../weights/roberta-tiny-go_emotions', import.meta.url))
const emulator = fileURLToPath(new URL('../../kernels/emulator/build/root', import.meta.url))
const notBuilt = existsSync(emulator) ? undefined : 'npm run build:emulator has not been run'

/** From `dist`, as Node 20 cannot run from TypeScript the thread that waits for the emulator. */
const built = new URL('../../dist/index.js', import.meta.url).href
const { verifyModel: verifyBuilt } = (await import(built)) as typeof import('../../src/index.ts')

const golden = JSON.parse(
  readFileSync(new URL('../fixtures/roberta-tiny-golden.json', import.meta.url), 'utf8'),
) as { cases: { text: string; input_ids: number[]; logits64: number[] }[] }

/** Long enough for lower precision to show in the logits. */
const ordinary = golden.cases.filter(({ text }) => text.length > 30 && text.length < 80)

/** Three texts with one right label each: love, disgust, joy by MODEL_CARD.md. */
const dataset = 'I love you.\t18\nThat is disgusting.\t11\nI am so happy today!\t17\n'
const supportOf: Readonly<Record<string, number>> = { love: 1, disgust: 1, joy: 1 }

/** What would be published of the embedded model. */
const embedded: PublishedFigures = {
  model: 'someone/tiny',
  config: { hidden_size: 320, num_hidden_layers: 2, head: 'sigmoid' },
  outputs: ordinary.slice(0, 3).map(({ text, input_ids, logits64 }, at) => ({
    text,
    tokenIds: input_ids,
    ...(at < 2
      ? { logits: logits64 }
      : { probabilities: logits64.map((logit) => 1 / (1 + Math.exp(-logit))) }),
    tolerance: 1e-5,
    source: 'PyTorch in float64',
  })),
  testSplit: {
    texts: 3,
    labels: robertaBaseGoEmotions.testSplit.labels.map(({ label }) => ({
      label,
      support: supportOf[label] ?? 0,
      threshold: 0.5,
    })),
    atHalf: [
      { figure: 'accuracy', value: 1 },
      { figure: 'micro f1', value: 1 },
      { figure: 'macro f1', value: 3 / 28 },
    ],
    atThresholds: [{ figure: 'macro recall', value: 3 / 28 }],
    tolerance: 0.001,
    source: 'MODEL_CARD.md',
  },
}
const otherLogits = embedded.outputs.map(({ logits, ...output }) => ({
  ...output,
  ...(logits && { logits: logits.map((logit) => logit + 0.1) }),
}))

let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
  file = join(folder, 'test.tsv')
  writeFileSync(file, dataset)
})
afterAll(() => rm(folder, { recursive: true }))

const run = (...args: string[]) => runProgram(['verify', ...args], { cwd: folder })

test('the published figures are whole', () => {
  const { outputs, testSplit } = robertaBaseGoEmotions
  const { labels } = testSplit
  expect(labels).toHaveLength(28)
  expect(outputs.map(({ logits, probabilities }) => (logits ?? probabilities)!.length)).toEqual([
    28, 28, 28,
  ])
  // 5,427 comments with 6,329 labels.
  expect(labels.reduce((sum, { support }) => sum + support, 0)).toBe(6329)
  for (const { threshold } of labels) expect((threshold * 20) % 1).toBeCloseTo(0, 9)
})

describe('passes', () => {
  test.each(['cpu', 'reference'])(
    'with the expectations of the model itself, on %s',
    async (device) => {
      const report = await verifyModel({
        modelPath: weights,
        device,
        published: embedded,
        dataset: file,
      })
      expect(report.verdict, JSON.stringify(report.checks)).toBe('verified')
      expect(report.summary).toBe(
        `roberta-tiny-go_emotions is someone/tiny, and ${device} computes it as published.`,
      )
      expect(report.checks.map(({ status }) => status)).toEqual(Array(11).fill('pass'))
    },
  )

  test('without a dataset, and says that it looked at no metrics', async () => {
    const { verdict, checks } = await verifyModel({ modelPath: weights, published: embedded })
    expect(verdict).toBe('verified')
    expect(checks.at(-1)).toEqual({
      subject: 'metrics',
      status: 'skipped',
      finding: 'no dataset was given',
    })
  })

  test.skipIf(notBuilt !== undefined)('on the emulator, which is called what it is', async () => {
    const options = { modelPath: weights, device: 'emulator', published: embedded }
    const { verdict, label, summary } = await verifyBuilt(options)
    expect([verdict, label]).toEqual(['verified', 'emulator, not an NPU'])
    expect(summary).toContain('emulator (emulator, not an NPU)')
  })
})

describe('refuses', () => {
  test('the embedded model, by what its config.json says', async () => {
    const { code, stdout, stderr } = await run('--model', weights)
    expect(code, stderr).toBe(1)
    expect(stdout).toMatch(/^other-model$/m)
    expect(stdout).toContain(
      'roberta-tiny-go_emotions is not SamLowe/roberta-base-go_emotions: config.json is not as published. No device was tried.',
    )
    expect(stdout).toContain('num_hidden_layers is 2, not 12; hidden_size is 320, not 768')
    expect(stdout).toMatch(/^skipped {2}outputs {2}/m)
  })

  test('other labels, or the same in another order', async () => {
    const [first, second, ...rest] = embedded.testSplit.labels
    const testSplit = { ...embedded.testSplit, labels: [second!, first!, ...rest] }
    const report = await verifyModel({ modelPath: weights, published: { ...embedded, testSplit } })
    expect(report.verdict).toBe('other-model')
    expect(report.checks).toContainEqual({
      subject: 'labels',
      status: 'fail',
      finding: 'label 0 is admiration, not amusement',
    })
  })

  test('another tokenizer', async () => {
    const outputs = embedded.outputs.map((output) => ({ ...output, tokenIds: [0, 5, 2] }))
    const report = await verifyModel({ modelPath: weights, published: { ...embedded, outputs } })
    expect(report.verdict).toBe('other-model')
    expect(report.summary).toContain('tokenizer is not as published')
  })

  test.each(['cpu', 'reference'])('other weights, without blaming %s', async (device) => {
    const published = { ...embedded, outputs: otherLogits }
    const report = await verifyModel({ modelPath: weights, device, published, dataset: file })
    const other = device === 'cpu' ? 'reference' : 'cpu'
    expect(report.verdict).toBe('other-weights')
    expect(report.summary).toContain(`${other} does not give the published outputs either`)
    expect(report.summary).toContain(`says nothing against ${device}`)
    const outputs = report.checks.filter(({ subject }) => subject.includes(' on '))
    expect(outputs.map(({ status }) => status)).toEqual([
      'fail',
      'fail',
      'pass',
      'fail',
      'fail',
      'pass',
    ])
    expect(report.checks.at(-1)).toMatchObject({ subject: 'metrics', status: 'skipped' })
  })

  test.skipIf(notBuilt !== undefined)(
    'a device that multiplies float32 matrices in float16',
    async () => {
      const options = { modelPath: weights, device: 'emulator', published: embedded }
      const report = await verifyBuilt({ ...options, cubeMathType: 'float16' })
      expect(report.verdict).toBe('device')
      expect(report.summary).toContain('reference gives the published outputs')
      expect(report.summary).toContain('emulator (emulator, not an NPU) does not')
    },
  )

  test('NaN', async () => {
    const modelPath = await modelWithNaN()
    try {
      const { verdict, checks } = await verifyModel({
        modelPath,
        device: 'cpu',
        published: embedded,
      })
      expect(verdict).toBe('other-weights')
      expect(checks.find(({ status }) => status === 'fail')!.finding).toContain('NaN')
    } finally {
      await rm(modelPath, { recursive: true })
    }
  })

  test('outputs that are nowhere published: nothing compared is not a pass', async () => {
    const published = { ...embedded, outputs: [] }
    expect((await verifyModel({ modelPath: weights, published })).verdict).not.toBe('verified')
  })

  test('a dataset that is not the test split', async () => {
    const short = join(folder, 'short.tsv')
    writeFileSync(short, 'I love you.\t18\n')
    const swapped = join(folder, 'swapped.tsv')
    writeFileSync(swapped, dataset.replace('\t18', '\t17'))
    for (const [dataset, finding] of [
      [short, '1 texts, not 3'],
      [swapped, '2 texts are labelled joy, not 1'],
    ] as const) {
      const report = await verifyModel({ modelPath: weights, published: embedded, dataset })
      expect(report.verdict).toBe('other-dataset')
      expect(report.checks.at(-1)).toMatchObject({ status: 'fail', finding })
    }
  })

  test('metrics that differ, with the way to tell why', async () => {
    const testSplit = {
      ...embedded.testSplit,
      atHalf: [{ figure: 'accuracy', value: 0.99 }] as const,
    }
    const published = { ...embedded, testSplit }
    const report = await verifyModel({
      modelPath: weights,
      device: 'cpu',
      published,
      dataset: file,
    })
    expect(report.verdict).toBe('metrics')
    expect(report.summary).toContain('--device cpu --compare reference')
    expect(report.checks).toContainEqual({
      subject: 'accuracy at 0.5',
      status: 'fail',
      finding: '1.0000, published 0.99, allowed ± 0.001',
    })
  })

  test('a model that has not been downloaded, with the way to get it', async () => {
    const { code, stderr } = await run()
    expect(code).toBe(2)
    expect(stderr).toContain('roberta-ascend download SamLowe/roberta-base-go_emotions')
  })
})

describe('a base model with seeded weights', () => {
  const script = fileURLToPath(
    new URL('../golden/random-base/make_random_base.py', import.meta.url),
  )
  let directory: string
  beforeAll(() => {
    directory = join(folder, 'seeded')
    if (pythonWithNumpy === undefined) return
    const made = spawnSync(pythonWithNumpy, [script, directory])
    expect(made.stderr.toString()).toBe('')
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      cpSync(join(weights, name), join(directory, name))
    }
  }, 120_000)

  test('is refused by its tokenizer, in the right words', async (context) => {
    context.skip(pythonWithNumpy === undefined, 'needs python3 with numpy to make the checkpoint')
    const { code, stdout, stderr } = await run('--model', directory, '--format', 'json')
    expect(code, stderr).toBe(1)
    const { verdict, summary, checks } = JSON.parse(stdout)
    expect(verdict).toBe('other-model')
    expect(summary).toContain('tokenizer is not as published')
    expect(checks.map(({ status }: { status: string }) => status)).toEqual([
      'pass',
      'pass',
      'fail',
      'skipped',
      'skipped',
    ])
  })

  test('is refused by its weights where the tokenizer is as expected', async (context) => {
    context.skip(pythonWithNumpy === undefined, 'needs python3 with numpy to make the checkpoint')
    // One text with the ids that the embedded tokenizer gives, and the published logits.
    const [output] = robertaBaseGoEmotions.outputs
    const { text, input_ids } = golden.cases.find(({ input_ids }) => input_ids.length < 8)!
    const published = {
      ...robertaBaseGoEmotions,
      outputs: [{ ...output!, text, tokenIds: input_ids }],
    }
    const { verdict, summary } = await verifyModel({
      modelPath: directory,
      device: 'cpu',
      published,
    })
    expect(verdict).toBe('other-weights')
    expect(summary).toContain('The weights are not those of SamLowe/roberta-base-go_emotions')
  }, 120_000)
})
