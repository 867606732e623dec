/** The program as a user runs it: a process, its output, its exit code. */
import { execFile, spawn } from 'node:child_process'
import { cpSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { program, runProgram } from '../support/program.ts'

const weights = fileURLToPath(new URL('../../weights/roberta-tiny-go_emotions', import.meta.url))
const golden = JSON.parse(
  readFileSync(new URL('../fixtures/roberta-tiny-golden.json', import.meta.url), 'utf8'),
) as { cases: { text: string; truncated: boolean; logits64: number[] }[] }

const execute = promisify(execFile)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
})
afterAll(() => rm(folder, { recursive: true }))

const run = (args: readonly string[], input: string | Buffer = '') =>
  runProgram(args, { cwd: folder, input })

interface Record {
  index: number
  text: string
  truncated?: true
  labels: { label: string; score: number }[]
  probabilities?: number[]
  logits?: number[]
}

async function records(args: readonly string[], input?: string | Buffer): Promise<Record[]> {
  const { code, stdout, stderr } = await run([...args, '--format', 'jsonl'], input)
  expect(code, stderr).toBe(0)
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record)
}

describe('results', () => {
  test('one text, plain where it is piped; the note goes to standard error', async () => {
    const { code, stdout, stderr } = await run(['--text', 'I am so happy today!'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^I am so happy today!\tjoy 0\.843\n$/)
    expect(stderr).toMatch(/roberta-tiny-go_emotions.*on cpu/)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  test('all golden texts that have no line break, from a file, in order', async () => {
    const cases = golden.cases.filter(({ text }) => !/[\r\n]/.test(text))
    const file = join(folder, 'texts')
    await writeFile(file, `\ufeff${cases.map(({ text }) => text).join('\r\n')}\r\n`)
    const rows = await records(['classify', '--batch_file', file, '--all', '--batch-size', '7'])
    expect(rows.map(({ text }) => text)).toEqual(cases.map(({ text }) => text))
    rows.forEach(({ index, logits, probabilities, truncated }, i) => {
      expect(index).toBe(i)
      expect(truncated ?? false).toBe(cases[i]!.truncated)
      cases[i]!.logits64.forEach((logit, label) => {
        expect(Math.abs(logits![label]! - logit)).toBeLessThan(1e-5)
        expect(Math.abs(probabilities![label]! - 1 / (1 + Math.exp(-logit)))).toBeLessThan(3e-6)
      })
    })
  })

  test('texts with line breaks come through --text verbatim', async () => {
    const cases = golden.cases.filter(({ text }) => /[\r\n]/.test(text))
    expect(cases.length).toBeGreaterThan(0)
    const rows = await records(['--all', ...cases.flatMap(({ text }) => ['--text', text])])
    rows.forEach(({ text, logits }, i) => {
      expect(text).toBe(cases[i]!.text)
      expect(Math.abs(logits![0]! - cases[i]!.logits64[0]!)).toBeLessThan(1e-5)
    })
  })

  test('a single-label model: one softmax over all labels, and the best label of each text', async () => {
    const directory = join(folder, 'single-label')
    cpSync(weights, directory, { recursive: true })
    const config = JSON.parse(readFileSync(join(weights, 'config.json'), 'utf8'))
    const single = { ...config, problem_type: 'single_label_classification' }
    writeFileSync(join(directory, 'config.json'), JSON.stringify(single))
    const cases = golden.cases.filter(({ text }) => text.length < 40).slice(0, 12)
    const args = ['--model', directory, ...cases.flatMap(({ text }) => ['--text', text])]
    const best = await records(args)
    const all = await records([...args, '--all'])
    cases.forEach(({ logits64 }, i) => {
      const expected = logits64.map(
        (x) => 1 / logits64.reduce((sum, y) => sum + Math.exp(y - x), 0),
      )
      expected.forEach((probability, label) => {
        expect(Math.abs(all[i]!.probabilities![label]! - probability)).toBeLessThan(5e-6)
      })
      const largest = Math.max(...expected)
      const label: string = config.id2label[expected.indexOf(largest)]
      expect(best[i]!.labels).toEqual([{ label, score: expect.closeTo(largest, 5) }])
    })
  })

  const emulator = fileURLToPath(new URL('../../kernels/emulator/build/root', import.meta.url))
  // An emulator in CANN's place is not passed off as an NPU.
  test.skipIf(!existsSync(emulator)).each([
    ['emulator', {}],
    ['npu', { ASCEND_HOME_PATH: emulator }],
    ['npu:0', { ASCEND_HOME_PATH: emulator }],
  ])('--device %s with %j runs on the emulator and says so', async (device, env) => {
    const args = ['--device', device, '--text', 'I am so happy today!']
    const { code, stdout, stderr } = await runProgram(args, { cwd: folder, env })
    expect(code, stderr).toBe(0)
    expect(stdout).toBe('I am so happy today!\tjoy 0.843\n')
    expect(stderr).toMatch(
      /on emulator(:0)? \(cubeMathType keep, CANN 8\.5\.0\.emulator, FFI (koffi|ffi-napi), plans on, graphs on, overlap on\)\.$/m,
    )
  })

  test.skipIf(!existsSync(emulator))(
    'plans, graphs and overlap can be switched off, with the same results',
    async () => {
      const texts = ['a b', 'c d', 'e f', 'g h'].flatMap((text) => ['--text', text])
      const args = [
        ...texts,
        '--batch-size',
        '1',
        '--device',
        'emulator',
        '--format',
        'jsonl',
        '--all',
      ]
      const run = (...more: string[]) => runProgram([...args, ...more], { cwd: folder })
      const on = await run()
      expect(on.stderr).toContain('plans on, graphs on, overlap on)')
      const ways = [
        [['--no-graphs'], 'plans on, graphs off, overlap on)'],
        [['--no_plans', '--no-overlap'], 'plans off, graphs off, overlap off)'],
      ] as const
      for (const [options, settings] of ways) {
        const { code, stdout, stderr } = await run(...options)
        expect(code, stderr).toBe(0)
        expect(stderr).toContain(settings)
        expect(stdout).toBe(on.stdout)
      }
    },
  )

  test('batches run two at a time on the CPU, or one, with the same results', async () => {
    const texts = ['a b', 'c d', 'e f', 'g h'].flatMap((text) => ['--text', text])
    const args = [...texts, '--batch-size', '1', '--device', 'cpu', '--format', 'jsonl', '--all']
    const [two, one] = [
      await runProgram(args, { cwd: folder }),
      await runProgram([...args, '--no-overlap'], { cwd: folder }),
    ]
    expect([two.code, one.code]).toEqual([0, 0])
    expect(two.stderr).toContain('overlap on)')
    expect(one.stderr).toContain('overlap off)')
    expect(one.stdout).toBe(two.stdout)
  })

  test.each(['plans', 'graphs'])('--no-%s means nothing to the CPU', async (name) => {
    const args = ['--text', 'x', '--device', 'cpu', `--no-${name}`]
    const { code, stderr } = await runProgram(args, { cwd: folder })
    expect(code).toBe(2)
    expect(stderr).toContain(
      `${name}: means nothing to the device 'cpu'; leave it out, or use the device npu or emulator`,
    )
  })

  test('--no-overlap means nothing to the reference', async () => {
    const args = ['--text', 'x', '--device', 'reference', '--no-overlap']
    const { code, stderr } = await runProgram(args, { cwd: folder })
    expect(code).toBe(2)
    expect(stderr).toContain("overlap: means nothing to the device 'reference'")
  })

  test.skipIf(!existsSync(emulator))('a device that is lost fails at every call', async () => {
    const env = {
      ASCEND_EMULATOR_FAIL: 'aclrtSynchronizeStream:1:507010,aclrtSynchronizeStream:2:507010',
      ASCEND_EMULATOR_REPORT: undefined, // It has to give up what still runs.
    }
    const args = ['--device', 'emulator', '--text', 'x']
    const { code, stdout, stderr } = await runProgram(args, { cwd: folder, env })
    expect(code).toBe(4)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^roberta-ascend: aclrtSynchronizeStream failed with code 507010 \(/m)
  })

  test.skipIf(!existsSync(emulator))(
    'what stops the loading is named, not what fails after it',
    async () => {
      const env = {
        ASCEND_EMULATOR_FAIL: 'aclrtMemcpy:5:507899,aclFinalize:1:507899',
        ASCEND_EMULATOR_REPORT: undefined, // What could not be finalised is left.
      }
      const args = ['--device', 'emulator', '--text', 'x']
      const { code, stderr } = await runProgram(args, { cwd: folder, env })
      expect(code).toBe(4)
      expect(stderr).toMatch(/^roberta-ascend: aclrtMemcpy failed/)
    },
  )

  test.skipIf(!existsSync(emulator))('choices of an NPU are in the note', async () => {
    const choices = ['--cube-math-type', 'hf32', '--aclnn', 'aclnnGelu', '--aclnn=aclnnPermute']
    const args = ['--device', 'emulator', ...choices, '--text', 'I am so happy today!']
    const { code, stdout, stderr } = await runProgram(args, { cwd: folder })
    expect(code, stderr).toBe(0)
    expect(stdout).toContain('joy')
    expect(stderr).toContain('(cubeMathType hf32, aclnn aclnnGelu aclnnPermute, CANN ')
  })

  test.each<readonly [args: readonly string[], message: string]>([
    [['--device', 'reference', '--cube-math-type', 'hf32'], 'cubeMathType: means nothing to'],
    [['--device', 'reference', '--aclnn', 'aclnnGelu'], 'aclnn: means nothing to'],
    [['--cube-math-type', 'fp8'], 'Allowed choices are keep, allow-hf32, float16, hf32'],
    ...(existsSync(emulator)
      ? ([[['--device', 'emulator', '--aclnn', 'aclnnAdd'], "'aclnnAdd' replaces no"]] as const)
      : []),
  ])('%j is refused', async (args, message) => {
    const { code, stdout, stderr } = await runProgram([...args, '--text', 'x'], { cwd: folder })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  test('auto is never the emulator', async () => {
    const env = existsSync(emulator) ? { ASCEND_HOME_PATH: emulator } : {}
    const args = ['--device', 'auto', '--text', 'I am so happy today!']
    const { code, stderr } = await runProgram(args, { cwd: folder, env })
    expect(code, stderr).toBe(0)
    expect(stderr).not.toContain('emulator')
  })

  test('standard input; a blank line is an empty text', async () => {
    const rows = await records([], 'I love you.\n\nThis is sad.')
    expect(rows.map(({ text }) => text)).toEqual(['I love you.', '', 'This is sad.'])
    expect(rows[0]!.labels[0]!.label).toBe('love')
    expect(rows[2]!.labels[0]!.label).toBe('sadness')
  })

  test('threshold and top-k', async () => {
    const text = ['--text', 'You did an amazing job, congratulations!']
    // The model card: admiration 0.91, gratitude 0.44, excitement 0.10.
    const labels = async (...args: string[]) =>
      (await records([...text, ...args]))[0]!.labels.map(({ label }) => label)
    expect(await labels()).toEqual(['admiration', 'gratitude'])
    expect(await labels('--threshold', '0.5')).toEqual(['admiration'])
    expect(await labels('--top-k', '3')).toEqual(['admiration', 'gratitude', 'excitement'])
    expect(await labels('--threshold', '0.05', '--top-k', '2')).toHaveLength(2)
    expect(await labels('--threshold', '1')).toEqual([])
  })

  test('values that look like options stay as they are', async () => {
    const values = ['--foo_bar baz_q', '--help', '-V', '--', '--batch_file']
    const rows = await records(values.flatMap((value) => ['--text', value]))
    expect(rows.map(({ text }) => text)).toEqual(values)
    const [row] = await records(['--text=--foo_bar', '--top_k=1', '--max_length', '16'])
    expect(row!.text).toBe('--foo_bar')
    expect(row!.labels).toHaveLength(1)
  })

  test('a closed standard error takes no result away', async () => {
    const script = 'for i in 1 2 3; do echo I am happy; done | "$0" "$1" --format jsonl 2>&-'
    const { stdout } = await execute('sh', ['-c', script, process.execPath, program])
    expect(stdout.trim().split('\n')).toHaveLength(3)
  })

  test('a cut text is marked and reported', async () => {
    const { stdout, stderr, code } = await run([
      '--format=json',
      '--max_length=8',
      '--text',
      'one two three four five six seven eight nine',
      '--text',
      'short',
    ])
    expect(code).toBe(0)
    const [cut, whole] = JSON.parse(stdout) as Record[]
    expect(cut!.truncated).toBe(true)
    expect(whole).not.toHaveProperty('truncated')
    expect(stderr).toContain('more than 8 tokens, which were cut: 1 of 2')
  })

  test('a text of 100,000 characters is classified like any other', async () => {
    const [row] = await records([], 'so happy '.repeat(11_112))
    expect(row!.truncated).toBe(true)
    expect(row!.labels[0]!.label).toBe('joy')
  })

  test('16-bit dtypes', async () => {
    for (const dtype of ['float16', 'bfloat16']) {
      const [row] = await records(['--text', 'I am so happy today!', '--dtype', dtype])
      expect(row!.labels[0]!.label).toBe('joy')
      expect(Math.abs(row!.labels[0]!.score - 0.84)).toBeLessThan(0.02)
    }
  })

  test('a reader that closes the pipe early is no error', async () => {
    const child = spawn(
      'sh',
      [
        '-c',
        `yes 'I am happy' | "$0" "$1" --format jsonl 2>err | head -n 1; cat err`,
        process.execPath,
        program,
      ],
      { cwd: folder },
    )
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    await new Promise((resolve) => child.on('close', resolve))
    expect(output.split('\n')[0]).toContain('"index":0')
    expect(output).not.toMatch(/EPIPE|Error|roberta-ascend:/)
  })
})

describe('bad input gets one line on standard error, its exit code, and no output', () => {
  beforeAll(async () => {
    await writeFile(join(folder, 'empty'), '')
    await writeFile(join(folder, 'binary'), Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 1]))
    await writeFile(join(folder, 'latin1'), Buffer.from('fine\ncaf\xe9\n', 'latin1'))
    await mkdir(join(folder, 'directory'))
  })

  test.each<[name: string, args: string[], code: number, mentions: string[]]>([
    ['missing file', ['--batch-file', 'no-such-file'], 2, ['no-such-file']],
    ['directory', ['--batch-file', 'directory'], 2, ['directory']],
    ['empty file', ['--batch-file', 'empty'], 2, ['empty']],
    ['binary file', ['--batch-file', 'binary'], 2, ['binary']],
    ['invalid UTF-8', ['--batch-file', 'latin1'], 2, ['latin1', 'UTF-8', '2']],
    ['unknown option', ['--txt', 'x'], 2, ['--txt']],
    ['unknown command', ['clasify', '--text', 'x'], 2, ['clasify']],
    ['option without value', ['--text'], 2, ['--text']],
    ['threshold', ['--text', 'x', '--threshold', '1.5'], 2, ['--threshold', '1.5']],
    ['threshold of words', ['--text', 'x', '--threshold', 'high'], 2, ['--threshold', 'high']],
    ['top-k', ['--text', 'x', '--top-k', '0'], 2, ['--top-k']],
    ['batch size', ['--text', 'x', '--batch-size', '-3'], 2, ['--batch-size']],
    ['max length', ['--text', 'x', '--max-length', '1000'], 2, ['max-length', '1000', '128']],
    ['unknown device', ['--text', 'x', '--device', 'gpu'], 2, ['gpu', 'reference']],
    ['unknown dtype', ['--text', 'x', '--dtype', 'int8'], 2, ['int8', 'float16']],
    ['unknown format', ['--text', 'x', '--format', 'xml'], 2, ['xml', 'jsonl']],
    ['an unknown command to help with', ['help', 'foo'], 2, ['classify', 'download']],
    ['an empty file name', ['--batch-file', ''], 2, ["''"]],
    ['two sources', ['--text', 'x', '--batch-file', 'empty'], 2, ['--text', '--batch-file']],
    ['no NPU', ['--text', 'x', '--device', 'npu:0'], 3, ['npu:0']],
    ['missing model', ['--text', 'x', '--model', './nowhere'], 2, ['nowhere']],
    ['a file for a model', ['--text', 'x', '--model', 'empty'], 2, ['empty', 'directory']],
    ['a directory that is no model', ['--text', 'x', '--model', 'directory'], 2, ['directory']],
    [
      'a model that was not downloaded',
      ['--text', 'x', '--model', 'SamLowe/roberta-base-go_emotions'],
      2,
      ['roberta-ascend download SamLowe/roberta-base-go_emotions'],
    ],
  ])('%s', async (_name, args, code, mentions) => {
    const outcome = await run(args)
    expect(outcome.code, outcome.stderr).toBe(code)
    expect(outcome.stdout).toBe('')
    // Help is the one answer of several lines.
    if (args[0] !== 'help') expect(outcome.stderr.trim().split('\n')).toHaveLength(1)
    for (const word of mentions) expect(outcome.stderr).toContain(word)
    expect(outcome.stderr).not.toMatch(/\n\s+at /)
  })

  test('standard input that turns bad keeps what came before it well-formed', async () => {
    const input = Buffer.concat([Buffer.from('I love you.\n'), Buffer.from([0xff, 0xfe, 0x0a])])
    const outcome = await run(['--format', 'json', '--batch-size', '1'], input)
    expect(outcome.code).toBe(2)
    expect(outcome.stderr).toContain('UTF-8')
    expect(JSON.parse(outcome.stdout)).toHaveLength(1)
  })

  test('DEBUG shows the stack', async () => {
    const { stderr } = await runProgram(['--batch-file', 'no-such-file'], {
      cwd: folder,
      env: { DEBUG: '1' },
    })
    expect(stderr).toMatch(/\n\s+at /)
  })
})

describe('damaged models', () => {
  let count = 0
  /** A copy of the embedded model with some files replaced. */
  async function damaged(files: { [name: string]: string | Buffer | undefined }): Promise<string> {
    const directory = join(folder, `model-${count++}`)
    cpSync(weights, directory, { recursive: true })
    for (const [name, content] of Object.entries(files)) {
      if (content === undefined) await rm(join(directory, name))
      else writeFileSync(join(directory, name), content)
    }
    return directory
  }

  const config = JSON.parse(readFileSync(join(weights, 'config.json'), 'utf8')) as object

  test.each<[name: string, files: { [name: string]: string | undefined }, mentions: string[]]>([
    ['no config.json', { 'config.json': undefined }, ['config.json', 'missing']],
    ['broken JSON', { 'config.json': '{"model_type": ' }, ['config.json', 'JSON']],
    ['hostile JSON', { 'config.json': '\x1b[31m\x07\n{' }, ['config.json', '\\x1b[31m\\x07\\n']],
    [
      'a billion layers',
      { 'config.json': JSON.stringify({ ...config, num_hidden_layers: 1e9 }) },
      ['config.json', 'num_hidden_layers'],
    ],
    ['empty JSON', { 'config.json': '' }, ['config.json']],
    [
      'an activation there is not',
      { 'config.json': JSON.stringify({ ...config, hidden_act: 'relu' }) },
      ['config.json', 'hidden_act', 'relu'],
    ],
    [
      'another width',
      { 'config.json': JSON.stringify({ ...config, intermediate_size: 1000 }) },
      ['roberta.encoder.layer.0.intermediate.dense.weight [1024, 320] instead of [1000, 320]'],
    ],
    [
      'more layers than there are',
      { 'config.json': JSON.stringify({ ...config, num_hidden_layers: 3 }) },
      ['missing', 'roberta.encoder.layer.2.attention.self.query.weight'],
    ],
    ['no weights', { 'model.safetensors': undefined }, ['model.safetensors']],
    ['empty weights', { 'model.safetensors': '' }, ['model.safetensors']],
    ['weights of text', { 'model.safetensors': 'version https://git-lfs' }, ['model.safetensors']],
    [
      'no tokenizer',
      { 'tokenizer.json': undefined, 'vocab.json': undefined, 'merges.txt': undefined },
      ['tokenizer.json'],
    ],
    [
      'a tokenizer of another model',
      { 'config.json': JSON.stringify({ ...config, pad_token_id: 3 }) },
      ['tokenizer', 'padding id 1', 'pad_token_id 3'],
    ],
    ['a broken tokenizer', { 'tokenizer.json': '{' }, ['tokenizer.json']],
  ])('%s', async (_name, files, mentions) => {
    const model = await damaged(files)
    const outcome = await run(['--text', 'x', '--model', model])
    expect(outcome.code, outcome.stderr).toBe(2)
    expect(outcome.stdout).toBe('')
    expect(outcome.stderr.trim().split('\n')).toHaveLength(1)
    for (const word of mentions) expect(outcome.stderr).toContain(word)
  })

  test('NaN in the weights is a warning that names the tensor', async () => {
    const model = await damaged({})
    const file = join(model, 'model.safetensors')
    const bytes = readFileSync(file)
    const headerLength = Number(bytes.readBigUInt64LE(0))
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as {
      [name: string]: { data_offsets: [number, number] }
    }
    const [begin] = header['classifier.dense.bias']!.data_offsets
    // 0x7e00 is a float16 NaN.
    writeSync(openSync(file, 'r+'), Buffer.from([0, 0x7e]), 0, 2, 8 + headerLength + begin)
    const outcome = await run(['--text', 'x', '--model', model, '--format', 'jsonl', '--all'])
    expect(outcome.code).toBe(0)
    expect(outcome.stderr).toMatch(/warning: .*classifier\.dense\.bias holds 1 NaN/)
    expect(outcome.stderr).toContain('NaN or infinite logits: 1 of 1')
    expect((JSON.parse(outcome.stdout) as Record).logits![0]).toBeNull()
  })

  test('vocab.json and merges.txt do where there is no tokenizer.json', async () => {
    const model = await damaged({ 'tokenizer.json': undefined })
    const [row] = await records(['--text', 'I am so happy today!', '--model', model])
    expect(row!.labels[0]!.label).toBe('joy')
  })
})
