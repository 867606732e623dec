/** The model that is run, and the token ids that it is run on. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtInTexts } from '../../dist/bench/workload.js'
import { maxTokens, parseConfig } from '../../dist/model/config.js'
import { RobertaTokenizer } from '../../dist/tokenizer/tokenizer.js'

/** Seeded checkpoints and ONNX files; ignored by git. */
export const buildFolder = fileURLToPath(new URL('build/', import.meta.url))
const randomBase = new URL('../../test/golden/random-base/', import.meta.url)

/** The folder of a full-size checkpoint with seeded weights, made if it is not there. */
export function seededModel(variant) {
  const directory = join(buildFolder, variant)
  if (existsSync(join(directory, 'config.json'))) return directory
  mkdirSync(directory, { recursive: true })
  const script = fileURLToPath(new URL('make_random_base.py', randomBase))
  // An isolated python3 may lack numpy where the system's has it.
  for (const python of ['python3', '/usr/bin/python3']) {
    const { status } = spawnSync(python, [script, directory, '--variant', variant])
    if (status === 0) return directory
  }
  throw new Error(`making a checkpoint needs python3 with numpy (Debian: python3-numpy): ${script}`)
}

export function readConfig(directory) {
  const path = join(directory, 'config.json')
  return parseConfig(JSON.parse(readFileSync(path, 'utf8')), path)
}

/** The 23 texts as token ids: of the model's tokenizer or, for a seeded model, RoBERTa's. */
async function everydayTexts(directory, isSeeded) {
  if (isSeeded)
    return JSON.parse(readFileSync(new URL('golden.json', randomBase), 'utf8')).input_ids
  const tokenizer = await RobertaTokenizer.load(directory)
  return builtInTexts().map((text) => tokenizer.encode(text).inputIds)
}

/** 64 texts of 128 tokens, or of as many as the model takes, with ids from a seeded generator. */
function longTexts({ vocab_size }, length) {
  let state = 1
  // Numerical Recipes' linear congruential generator; its high bits are the better ones.
  const next = (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
  // 0 is <s>, 2 is </s>, 1 and 3 are <pad> and <unk>.
  const text = () => [0, ...Array.from({ length: length - 2 }, () => 4 + next(vocab_size - 5)), 2]
  return Array.from({ length: 64 }, text)
}

export async function workloadsOf(directory, isSeeded) {
  const config = readConfig(directory)
  const everyday = await everydayTexts(directory, isSeeded)
  const length = Math.min(128, maxTokens(config))
  const of23 = (batchSize) => ({
    name: `23 texts, ${batchSize === 1 ? 'one at a time' : `batch ${batchSize}`}`,
    sequences: everyday,
    batchSize,
  })
  const long = {
    name: `64 texts of ${length} tokens, batch 16`,
    sequences: longTexts(config, length),
    batchSize: 16,
  }
  return [of23(1), of23(16), of23(23), long]
}
