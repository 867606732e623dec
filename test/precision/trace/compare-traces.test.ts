/**
 * Traces read again and compared: among themselves, and with one that transformers made
 * (test/golden/pytorch-trace.py).
 */
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  compareTraces,
  FileError,
  InvalidArgumentError,
  openTrace,
  SequenceClassifier,
  type Trace,
  type TraceOptions,
  traceForward,
  writeSafetensors,
} from '../../../src/index.ts'
import { editedModel } from '../../support/edited-model.ts'
import { runProgram } from '../../support/program.ts'

const pytorch = fileURLToPath(new URL('../../golden/pytorch-trace.safetensors', import.meta.url))
const emulator = fileURLToPath(new URL('../../../kernels/emulator/build/root', import.meta.url))
const notBuilt = existsSync(emulator) ? undefined : 'npm run build:emulator has not been run'
/** Those of pytorch-trace.py. */
const texts = ['a', '']

let folder: string
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
})
afterAll(() => rm(folder, { recursive: true }))

const fresh = (): string => join(folder, `trace-${count++}`)

async function open(path: string): Promise<Trace> {
  const trace = await openTrace(path)
  onTestFinished(() => trace.close())
  return trace
}

async function traced(
  device: string,
  options: TraceOptions & { readonly modelPath?: string; readonly texts?: readonly string[] } = {},
): Promise<Trace> {
  const { modelPath, texts: given = texts, ...rest } = options
  const output = fresh()
  await using classifier = await SequenceClassifier.load({ device, modelPath })
  await traceForward(classifier, given, { output, ...rest })
  return open(output)
}

/** By the built program: the emulator's thread cannot run from TypeScript on Node 20. */
async function tracedByProgram(texts: readonly string[], ...args: string[]): Promise<Trace> {
  const output = fresh()
  const given = texts.flatMap((text) => ['--text', text])
  const { code, stderr } = await runProgram(['trace', '--output', output, ...given, ...args], {
    cwd: folder,
  })
  expect([code, stderr]).toEqual([0, expect.stringContaining('Wrote')])
  return open(output)
}

describe('a trace of PyTorch', () => {
  it('has the names, texts and shapes of transformers', async () => {
    const trace = await open(pytorch)
    expect(trace.manifest).toBeUndefined()
    expect(trace.inputIds).toEqual([
      [0, 68, 2],
      [0, 2],
    ])
    expect(trace.tensors.size).toBe(40)
    expect(trace.tensors.get('roberta.encoder.layer.1.intermediate')).toEqual({
      name: 'roberta.encoder.layer.1.intermediate',
      dtype: 'float32',
      shape: [2, 3, 1024],
      isParameter: false,
      statistics: undefined,
    })
  })

  it.for(['reference', 'cpu', 'emulator'])(
    'agrees with %s in every module',
    async (device, { skip }) => {
      skip(device === 'emulator' && notBuilt !== undefined, notBuilt)
      const ours = await tracedByProgram(texts, '--device', device)
      const comparison = await compareTraces(ours, await open(pytorch))
      expect(comparison).toMatchObject({ onlyDevice: [], onlyReference: [], misshaped: [] })
      expect(comparison.verdict.status).toBe('pass')
      expect(comparison.firstDivergent).toBeUndefined()
      expect(comparison.tensors.map(({ name }) => name)).toEqual([...ours.tensors.keys()])
      const layer = comparison.tensors.find(({ name }) => name === 'roberta.encoder.layer.0')!
      // Three tokens of the one text, two of the other.
      expect(layer).toMatchObject({ shape: [5, 320], layer: 0, scope: layer.name })
      expect(layer.metrics.count).toBe(5 * 320)
      for (const { metrics } of comparison.tensors) expect(metrics.relativeL2).toBeLessThan(1e-5)
    },
  )

  it('may be the device, too', async () => {
    const comparison = await compareTraces(await open(pytorch), await traced('cpu'))
    expect(comparison.verdict.status).toBe('pass')
    expect(comparison.tensors[0]!.name).toBe('roberta.embeddings.word_embeddings')
  })

  it('opens as the one file of a directory', async () => {
    const directory = fresh()
    await mkdir(directory)
    await cp(pytorch, join(directory, 'any.safetensors'))
    expect((await open(directory)).tensors.size).toBe(40)
    await cp(pytorch, join(directory, 'other.safetensors'))
    await expect(openTrace(directory)).rejects.toThrow('2 .safetensors files')
  })

  it('names the first module that is wrong', async () => {
    const modelPath = fresh()
    const wrong = 'roberta.encoder.layer.1.attention.self.key'
    await editedModel(modelPath, { [`${wrong}.bias`]: (value) => value + 0.01 })
    const comparison = await compareTraces(await traced('cpu', { modelPath }), await open(pytorch))
    expect(comparison.firstDivergent).toBe(wrong)
    expect(comparison.verdict.status).toBe('error')
    const worst = comparison.tensors.find(({ verdict }) => verdict.status === 'error')!
    expect(comparison.verdict.rule).toBe(`${worst.name}: ${worst.verdict.rule}`)
  })
})

describe('two traces of ours', () => {
  it('packed and padded hold the same tokens', async ({ skip }) => {
    skip(notBuilt !== undefined, notBuilt)
    const [texts, args] = [
      ['I love you', 'ok', ''],
      ['--ops', 'all', '--modules'],
    ]
    const padded = await tracedByProgram(texts, '--device', 'emulator', ...args)
    const packed = await tracedByProgram(texts, '--device', 'cpu', ...args)
    expect([padded.manifest!.layout, packed.manifest!.layout]).toEqual(['padded', 'packed'])
    expect(padded.manifest!.device.label).toBe('emulator, not an NPU')
    const comparison = await compareTraces(padded, packed)
    // Ids, positions, first rows and the padding mask say where the tokens are.
    const mask = 'roberta.encoder.layer.0.attention.self/attention#0/mask'
    const embeddings = ['word', 'token_type', 'position'].map(
      (name) => `roberta.embeddings.${name}_embeddings/embedding#0/indices`,
    )
    expect(comparison.leftOut.toSorted()).toEqual(
      [...embeddings, mask, 'classifier/index_select#0/indices'].toSorted(),
    )
    expect(comparison).toMatchObject({ onlyDevice: [], onlyReference: [], misshaped: [] })
    expect(comparison.verdict.status).toBe('pass')
    const gelu = comparison.tensors.find(({ name }) => name.endsWith('gelu#0/output'))!
    expect(gelu).toMatchObject({ layer: 0, operator: 'gelu', shape: [10, 1024] })
  })

  it('of one device are identical', async () => {
    const [one, other] = [await traced('reference'), await traced('reference', { format: 'npy' })]
    const { verdict, tensors } = await compareTraces(one, other, { standard: 'strict' })
    expect(verdict).toMatchObject({ status: 'pass', standard: 'strict' })
    expect(tensors).toHaveLength(40)
    for (const { metrics } of tensors) expect(metrics.maxAbs).toBe(0)
  })

  it('of one layout agree in indices, too', async () => {
    const options = { operators: ['embedding', 'index_select'] } as const
    const [one, other] = [await traced('cpu', options), await traced('reference', options)]
    const { tensors, leftOut, verdict } = await compareTraces(one, other)
    expect([leftOut, verdict.status]).toEqual([[], 'pass'])
    const indices = tensors.filter(({ name }) => name.endsWith('/indices'))
    expect(indices.map(({ dtype }) => dtype)).toEqual(['int32', 'int32', 'int32', 'int32'])
    expect(indices.every(({ verdict }) => verdict.rule.includes('identical'))).toBe(true)
  })

  it('of which one has less do not pass, whichever it is', async () => {
    const [all, some] = [await traced('reference'), await traced('reference', { layers: [0] })]
    const [missing] = await Promise.all([compareTraces(some, all)])
    expect(missing.onlyDevice).toEqual([])
    expect(missing.onlyReference).toHaveLength(25)
    expect(missing.tensors.every(({ verdict }) => verdict.status === 'pass')).toBe(true)
    expect(missing.verdict).toMatchObject({ status: 'error', needed: 25 })
    const surplus = await compareTraces(all, some)
    expect(surplus.onlyDevice).toEqual(missing.onlyReference)
    expect(surplus.verdict.status).toBe('error')
  })

  it('of which nothing agrees by name do not pass', async () => {
    const first = await traced('reference', { layers: [0] })
    const second = await traced('reference', { layers: [1] })
    const { tensors, verdict } = await compareTraces(first, second)
    expect([tensors, verdict.status]).toEqual([[], 'error'])
  })

  it('that are empty do not pass', async () => {
    const path = join(folder, 'empty.safetensors')
    await writeSafetensors(path, [])
    const { verdict } = await compareTraces(await open(path), await open(path))
    expect(verdict.status).toBe('error')
  })

  it('of other shapes do not pass', async () => {
    const path = join(folder, 'shape.safetensors')
    const bytes = new Uint8Array(40)
    await writeSafetensors(path, [{ name: 'classifier', dtype: 'F32', shape: [10], bytes }])
    const ours = await traced('reference', { scope: /^classifier$/ })
    const { misshaped, verdict, tensors } = await compareTraces(ours, await open(path))
    expect(misshaped).toEqual([{ name: 'classifier', device: [2, 28], reference: [10] }])
    expect([tensors, verdict.status]).toEqual([[], 'error'])
  })

  it('of other texts are refused', async () => {
    const [one, other] = [await traced('cpu'), await traced('cpu', { texts: ['a', 'b'] })]
    await expect(compareTraces(one, other)).rejects.toThrow(InvalidArgumentError)
    await expect(compareTraces(one, other)).rejects.toThrow('is of other texts')
  })

  it('of statistics only are refused', async () => {
    const [one, other] = [await traced('cpu', { format: 'statistics' }), await traced('cpu')]
    await expect(compareTraces(one, other)).rejects.toThrow('device-trace: ')
    await expect(compareTraces(other, one)).rejects.toThrow('reference-trace: ')
    await expect(one.read('classifier')).rejects.toThrow('holds statistics only')
    expect(one.tensors.get('classifier')!.statistics!.count).toBe(56)
  })

  it('cannot be judged by a standard there is not', async () => {
    const one = await traced('cpu')
    await expect(compareTraces(one, one, { standard: 'exact' })).rejects.toThrow("'exact'")
  })
})

describe('what is no trace', () => {
  it.each<[string, (directory: string) => Promise<void>, string]>([
    ['nothing', (directory) => rm(directory, { recursive: true }), 'no such file'],
    [
      'a manifest that is cut',
      (directory) => cut(join(directory, 'manifest.json')),
      'not valid JSON',
    ],
    [
      'a file that is cut',
      (directory) => cut(join(directory, 'tensors.safetensors')),
      'tensors.safeten',
    ],
    [
      'another version',
      (directory) => edit(join(directory, 'manifest.json'), '"version": 1', '"version": 2'),
      'version: ',
    ],
    [
      'a tensor that the file does not have',
      (directory) =>
        edit(join(directory, 'manifest.json'), '"name": "roberta.embeddings"', '"name": "x"'),
      'do not agree on "x"',
    ],
    [
      'a tensor of another shape',
      (directory) => edit(join(directory, 'manifest.json'), '320', '319'),
      'do not agree on',
    ],
  ])('%s is refused', async (_, damage, words) => {
    const { path } = await traced('cpu')
    await damage(path)
    const attempt = openTrace(path)
    await expect(attempt).rejects.toThrow(FileError)
    await expect(attempt).rejects.toThrow(words)
  })

  it('without its manifest, is a file as PyTorch writes it', async () => {
    const { path } = await traced('cpu')
    await rm(join(path, 'manifest.json'))
    const trace = await open(path)
    expect([trace.manifest, trace.tensors.size]).toEqual([undefined, 40])
  })

  it('a mask of another shape than the ids', async () => {
    const path = join(folder, 'mask.safetensors')
    const tensor = (name: string, shape: number[]) => ({
      name,
      dtype: 'I64' as const,
      shape,
      bytes: new Uint8Array(8 * shape.reduce((product, size) => product * size, 1)),
    })
    await writeSafetensors(path, [tensor('input_ids', [2, 3]), tensor('attention_mask', [3, 2])])
    await expect(openTrace(path)).rejects.toThrow('differ in shape')
    await writeSafetensors(path, [tensor('input_ids', [6])])
    await expect(openTrace(path)).rejects.toThrow('input_ids is not [texts, length]')
  })

  it('a tensor there is not, and an .npy file that is gone', async () => {
    const trace = await traced('cpu', { format: 'npy' })
    await expect(trace.read('roberta.pooler')).rejects.toThrow(
      'there is no tensor "roberta.pooler"',
    )
    await rm(join(trace.path, 'classifier.npy'))
    await expect(trace.read('classifier')).rejects.toThrow(join(trace.path, 'classifier.npy'))
  })
})

async function cut(path: string): Promise<void> {
  await writeFile(path, (await readFile(path)).subarray(0, -20))
}

async function edit(path: string, from: string, to: string): Promise<void> {
  await writeFile(path, (await readFile(path, 'utf8')).replace(from, to))
}
