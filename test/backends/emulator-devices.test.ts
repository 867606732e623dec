/** Several devices of the emulator share batches: order, bits, failures, and nothing left behind. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LoadOptions, Logits, SequenceClassifier } from '../../src/index.ts'
import { logitsInOrder } from '../../src/model/logits-in-order.ts'
import { controls, forEachBinding, isBuilt } from '../support/emulator.ts'
import { runProgram } from '../support/program.ts'

const built = new URL('../../dist/index.js', import.meta.url).href
const library = (await import(built)) as typeof import('../../src/index.ts')
const benchmarkBuilt = new URL('../../dist/bench/benchmark.js', import.meta.url).href
const { benchmark } = (await import(
  benchmarkBuilt
)) as typeof import('../../src/bench/benchmark.ts')

/** 40 texts of 1 to 30 words, lengths in no order: 20 batches of two. */
const texts = Array.from({ length: 40 }, (_, at) => `${'so '.repeat((at * 7) % 30)}happy ${at}`)
const batchSize = 2

async function on<T>(
  options: LoadOptions,
  body: (classifier: SequenceClassifier) => Promise<T>,
): Promise<T> {
  const classifier = await library.SequenceClassifier.load(options)
  try {
    return await body(classifier)
  } finally {
    await classifier.close()
  }
}

const runAll = (classifier: SequenceClassifier) => logitsInOrder(classifier, texts, { batchSize })

/** Waits for each device, of which every forward has one. */
const shares = (devices: number) =>
  Array.from({ length: devices }, (_, id) =>
    Number(controls.callCount(`aclrtSynchronizeStream@${id}`)),
  )

forEachBinding((binding) => {
  let alone: Logits[]
  beforeAll(async () => {
    alone = await on({ device: 'emulator' }, runAll)
  })
  beforeEach(() => controls.reset())
  afterEach(() => {
    const { violations, live } = controls.report()
    expect(violations).toEqual([])
    expect(Object.entries(live).filter(([, count]) => count > 0)).toEqual([])
    controls.setDeviceCount(1)
  })

  const several: [number, string][] = [
    [2, 'emulator:0,1'],
    [4, 'emulator:all'],
    [8, 'emulator:7,6,5,4,3,2,1,0'],
  ]
  it.each(binding === 'koffi' ? several : several.slice(0, 1))(
    '%i devices give the bits that one gives, and each has its share',
    async (count, device) => {
      controls.setDeviceCount(count)
      await on({ device, onWarning: (message) => expect.fail(message) }, async (classifier) => {
        expect(classifier.device).toBe(device.replace('all', '0,1,2,3'))
        expect(classifier.concurrency).toBe(2 * count)
        expect(await runAll(classifier)).toEqual(alone)
        for (const share of shares(count)) expect(share).toBeGreaterThan(0)
      })
    },
  )

  it('what a warning throws is the error of its batch, and everything can be closed', async () => {
    controls.setDeviceCount(2)
    const onWarning = (message: string) => {
      throw new Error(`told: ${message}`)
    }
    await on({ device: 'emulator:all', onWarning }, async (classifier) => {
      controls.failCall('aclnnAddmm@1', 20n, 507015)
      await expect(runAll(classifier)).rejects.toThrow("told: device 'emulator:1' is used no more")
      await Promise.all([classifier.close(), classifier.close()])
    })
  })

  it.each([
    ['a call that fails', controls?.failCall, 'aclnnAddmm@1'],
    ['a fault of the device', controls?.faultCall, 'aclnnAddmm@1'],
    ['a wait that fails', controls?.failCall, 'aclrtSynchronizeStream@1'],
  ])('%s takes its device out, and the others do its work', async (_, make, name) => {
    controls.setDeviceCount(3)
    const warnings: string[] = []
    const onWarning = (message: string) => warnings.push(message)
    await on({ device: 'emulator:all', onWarning }, async (classifier) => {
      // In the second of its forwards, which every device has; the first one has 14 products.
      make(name, name.includes('Addmm') ? 20n : 2n, 507015)
      expect(await runAll(classifier)).toEqual(alone)
      expect(warnings).toHaveLength(1)
      expect(warnings[0]).toMatch(/^device 'emulator:1' is used no more, .*failed.* 507015/)
      expect(classifier.concurrency).toBe(4)
      const before = shares(3)
      expect(await runAll(classifier)).toEqual(alone)
      const after = shares(3)
      expect(after[1]).toBe(before[1])
      expect(after[0]).toBeGreaterThan(before[0]!)
      expect(after[2]).toBeGreaterThan(before[2]!)
      expect(warnings).toHaveLength(1)
    })
  })

  it('where all fail, the error of the last one is thrown', async () => {
    controls.setDeviceCount(2)
    const warnings: string[] = []
    const onWarning = (message: string) => warnings.push(message)
    await on({ device: 'emulator:0,1', onWarning }, async (classifier) => {
      controls.faultCall('aclnnAddmm@0', 3n, 507015)
      controls.faultCall('aclnnAddmm@1', 3n, 507015)
      const attempt = runAll(classifier)
      await expect(attempt).rejects.toThrow(library.RobertaAscendError)
      await expect(attempt).rejects.toMatchObject({ kind: 'device', code: 507015 })
      expect(warnings).toHaveLength(1)
    })
  })

  it('an error of the input takes no device out', async () => {
    controls.setDeviceCount(2)
    await on({ device: 'emulator:0,1' }, async (classifier) => {
      const bad = { inputIds: [0, 1e6, 2], truncated: false, untruncatedLength: 3 }
      await expect(classifier.forward([bad])).rejects.toThrow('token id')
      expect(classifier.concurrency).toBe(4)
    })
  })

  it('a device that is not there, and one that fails while loading, leave nothing behind', async () => {
    controls.setDeviceCount(2)
    const load = (device: string) => library.SequenceClassifier.load({ device })
    await expect(load('emulator:0,2')).rejects.toThrow(library.DeviceUnavailableError)
    controls.failCall('aclrtMemcpy@1', 5n, 507899)
    await expect(load('emulator:all')).rejects.toMatchObject({ code: 507899 })
  })

  it('a benchmark closes every device, also after one that fails to', async () => {
    controls.setDeviceCount(2)
    const failing = benchmark({
      devices: ['emulator:0', 'emulator:1'],
      texts: ['x'],
      warmUp: 0,
      rounds: 1,
      onProgress: (done, total) => {
        // The next wait is that of closing.
        if (done === total) controls.failCall('aclrtSynchronizeStream@0', 1n, 507010)
      },
    })
    await expect(failing).rejects.toMatchObject({ functionName: 'aclrtSynchronizeStream' })
  })

  it('closing waits for what is under way, and refuses what waits', async () => {
    controls.setDeviceCount(2)
    const classifier = await library.SequenceClassifier.load({ device: 'emulator:all' })
    const batches = texts.slice(0, 7).map((text) => classifier.logits([text]))
    const outcomes = Promise.allSettled(batches)
    await classifier.close()
    const states = (await outcomes).map(({ status }) => status)
    expect(states).toEqual([...Array(4).fill('fulfilled'), ...Array(3).fill('rejected')])
    await expect(batches[6]).rejects.toThrow('this classifier is closed')
  })
})

describe.skipIf(!isBuilt)('the program on devices of the emulator', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'roberta-ascend-'))
    writeFileSync(join(folder, 'texts'), `${texts.join('\n')}\n`)
    const rows = texts.map((text, at) => `${text}\t${at % 28}\tid${at}`)
    writeFileSync(join(folder, 'labelled.tsv'), `${rows.join('\n')}\n`)
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}, input = '') =>
    runProgram(args, { cwd: folder, env: { ASCEND_EMULATOR_DEVICES: '2', ...env }, input })
  const classify = ['--batch-file', 'texts', '--batch-size', '2', '--format', 'jsonl', '--all']

  it('classify gives the same on two, and on one of them that goes on alone', async () => {
    const one = await run([...classify, '--device', 'emulator:1'])
    const two = await run([...classify, '--device', 'emulator:0,1'])
    const env = { ASCEND_EMULATOR_FAIL: 'aclrtSynchronizeStream@1:2:507010' }
    const left = await run([...classify, '--device', 'emulator:all'], env)
    expect([one.code, two.code, left.code], two.stderr + left.stderr).toEqual([0, 0, 0])
    expect(two.stdout).toBe(one.stdout)
    expect(left.stdout).toBe(one.stdout)
    expect(two.stderr).toMatch(/ on emulator:0,1 \(cubeMathType keep, .*\)\.$/m)
    expect(two.stderr).not.toContain('warning')
    const warnings = left.stderr.split('\n').filter((line) => line.startsWith('warning: '))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(
      /device 'emulator:1' .*aclrtSynchronizeStream failed with code 507010/,
    )
  })

  it('where all fail, it ends with 4', async () => {
    const failures = [0, 1].map((id) => `aclrtSynchronizeStream@${id}:2:507010`)
    const env = { ASCEND_EMULATOR_FAIL: failures.join() }
    const { code, stderr } = await run([...classify, '--device', 'emulator:0,1'], env)
    expect(code).toBe(4)
    expect(stderr).toMatch(/^roberta-ascend: aclrtSynchronizeStream failed with code 507010/m)
  })

  it('evaluate and bench share batches too', async () => {
    const devices = ['--device', 'emulator:0,1', '--format', 'json']
    const evaluated = await run(['evaluate', '--dataset', 'labelled.tsv', ...devices])
    expect(evaluated.code, evaluated.stderr).toBe(0)
    const label = 'emulator, not an NPU'
    const [side] = JSON.parse(evaluated.stdout).devices
    expect(side).toMatchObject({ device: 'emulator:0,1', label })
    const rounds = ['--rounds', '1', '--warm-up', '0', '--batch-size', '2']
    const measured = await run(['bench', ...rounds, ...devices, '--compare', 'cpu'])
    expect(measured.code, measured.stderr).toBe(0)
    const report = JSON.parse(measured.stdout)
    expect(report.devices[0]).toMatchObject({ device: 'emulator:0,1', label })
    expect(report.speedUp).toMatchObject({ label, emulator: 'emulator:0,1' })
  })

  it.each([
    [['trace', '--stats']],
    [['compare']],
    [['compare', '--device', 'emulator', '--reference']],
    [['op', 'gelu']],
    [['bench', '--ops']],
    [['verify', '--model', '.']],
  ])('%j takes one device', async (args) => {
    const options = args.at(-1) === '--reference' ? args : [...args, '--device']
    const { code, stderr } = await run([...options, 'emulator:0,1'])
    expect(code).toBe(2)
    expect(stderr).toContain(`'emulator:0,1' is several devices, and one is wanted; name one of`)
  })
})
