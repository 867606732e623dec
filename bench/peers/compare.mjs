/**
 * This library and ONNX Runtime on the same weights, token ids, threads and machine: bench/README.md.
 *
 *     node bench/peers/compare.mjs [--device cpu] [--peer node] [--peer web] [--rounds 5] [--passes 3]
 *                                  [--variant plain|outlier] [--model DIR] [--dtype float32]
 *
 * Each round runs one engine and then the other, each in a fresh process that loads the model, warms
 * up and takes the median of its passes. What is printed are medians over the rounds, and the median
 * of the ratios of rounds.
 */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { median } from '../../dist/bench/statistics.js'
import { grid } from '../../dist/cli/output/grid.js'
import { exportOnnx } from './export-onnx.mjs'
import { buildFolder, readConfig, seededModel, workloadsOf } from './workloads.mjs'

const { values: options } = parseArgs({
  options: {
    device: { type: 'string', default: 'cpu' },
    peer: { type: 'string', multiple: true, default: ['node', 'web'] },
    rounds: { type: 'string', default: '5' },
    passes: { type: 'string', default: '3' },
    variant: { type: 'string', default: 'plain' },
    model: { type: 'string' },
    dtype: { type: 'string', default: 'float32' },
  },
})
const rounds = countOf('rounds')
const passes = countOf('passes')
const threads = availableParallelism()

/** What each peer is compared with: WebAssembly with WebAssembly, native code with native code. */
const environments = { node: {}, web: { ROBERTA_ASCEND_BLAS: 'off' } }

function countOf(name) {
  const count = Number(options[name])
  if (Number.isInteger(count) && count > 0) return count
  throw new Error(`--${name} is a whole number from 1 on, not ${options[name]}`)
}

async function run(engine, job, environment = {}) {
  const script = fileURLToPath(new URL(engine, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script, job], {
    env: { ...process.env, ...environment },
    maxBuffer: 2 ** 30,
  }).catch(({ stderr }) => {
    throw new Error(`${engine} failed: ${stderr}`)
  })
  return JSON.parse(stdout)
}

function largestDifference(a, b) {
  return Math.max(...a.flatMap((row, text) => row.map((logit, i) => Math.abs(logit - b[text][i]))))
}

/** One line of the table, of the figure of each engine in each round. */
function line(name, answers, digits, figure) {
  const theirs = answers.map((round) => figure(round.theirs))
  const ours = answers.map((round) => figure(round.ours))
  const ratios = ours.map((value, round) => value / theirs[round])
  return [
    name,
    median(theirs).toFixed(digits),
    median(ours).toFixed(digits),
    median(ratios).toFixed(2),
    `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`,
  ]
}

function print(answers, workloads) {
  const [{ theirs, ours }] = answers
  console.log(`\n${theirs.engine} and ${ours.engine}`)
  const speeds = workloads.map(({ name, sequences }, at) => {
    const cells = line(`${name}, texts/s`, answers, 1, ({ results }) => {
      return sequences.length / median(results[at].seconds)
    })
    const difference = largestDifference(theirs.results[at].logits, ours.results[at].logits)
    return [...cells, difference.toExponential(1)]
  })
  const rows = [
    ['', 'peer', 'ours', 'ours / peer', 'of rounds', 'logits differ by'],
    ...speeds,
    [...line('load, s', answers, 2, ({ loadSeconds }) => loadSeconds), ''],
    [...line('start to first result, s', answers, 2, (one) => one.firstResultSeconds), ''],
    [...line('peak memory, MiB', answers, 0, (one) => one.peakResidentBytes / 2 ** 20), ''],
  ]
  for (const row of grid(rows, 1)) console.log(row)
}

const model = options.model === undefined ? seededModel(options.variant) : resolve(options.model)
const workloads = await workloadsOf(model, options.model === undefined)
await mkdir(buildFolder, { recursive: true })
const onnx = join(buildFolder, `${basename(model)}.onnx`)
await exportOnnx(model, onnx)
console.log(
  `${basename(model)}, ours in ${options.dtype}, ${threads} threads, ${rounds} rounds of ${passes} passes; ` +
    `load average ${loadavg()[0].toFixed(1)} before`,
)
for (const peer of options.peer) {
  if (!Object.hasOwn(environments, peer)) throw new Error(`--peer is node or web, not ${peer}`)
  const job = join(buildFolder, 'job.json')
  const padTokenId = readConfig(model).pad_token_id
  const { device, dtype } = options
  await writeFile(
    job,
    JSON.stringify({ model, onnx, device, dtype, peer, padTokenId, threads, passes, workloads }),
  )
  const answers = []
  for (let round = 0; round < rounds; round++) {
    const theirs = await run('onnx-runtime.mjs', job)
    const ours = await run('ours.mjs', job, environments[peer])
    answers.push({ theirs, ours })
  }
  print(answers, workloads)
}
