/**
 * This library and ONNX Runtime on the same weights, token ids, threads and machine: bench/README.md.
 *
 *     node bench/peers/compare.mjs [--device cpu] [--peer node] [--peer web] [--rounds 3] [--passes 5]
 *                                  [--variant plain|outlier] [--model DIR] [--dtype float32]
 *
 * Each round starts both engines in fresh processes, which load the model one after the other, and then take turns, pass
 * by pass, so that whatever slows the machine down meets both. What is printed are medians over all passes, and
 * the median of the ratios of one pass to the other's next to it.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median } from '../../dist/bench/statistics.js'
import { grid } from '../../dist/cli/output/grid.js'
import { exportOnnx } from './export-onnx.mjs'
import { buildFolder, readConfig, seededModel, workloadsOf } from './workloads.mjs'

const { values: options } = parseArgs({
  options: {
    device: { type: 'string', default: 'cpu' },
    peer: { type: 'string', multiple: true, default: ['node', 'web'] },
    rounds: { type: 'string', default: '3' },
    passes: { type: 'string', default: '5' },
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

/** Passes over a workload that do not count. */
const warmUp = 2
/** Milliseconds before a pass: threads of the other engine look for work for a while after theirs. */
const rest = 20

/** An engine in a process of its own, once it has had its first result. */
async function start(engine, job, environment = {}) {
  const script = fileURLToPath(new URL(engine, import.meta.url))
  const process_ = fork(script, [job], { env: { ...process.env, ...environment } })
  const next = async () => {
    const either = new AbortController()
    const { signal } = either
    const ended = once(process_, 'exit', { signal }).then(([code]) => {
      throw new Error(`${engine} ended with ${code}`)
    })
    try {
      const [message] = await Promise.race([once(process_, 'message', { signal }), ended])
      return message
    } finally {
      either.abort()
      ended.catch(() => {})
    }
  }
  const about = await next()
  const pass = (number) => {
    process_.send(number)
    return next()
  }
  const end = () => {
    process_.disconnect()
    return once(process_, 'exit')
  }
  return { about, pass, end }
}

/** What both engines say of themselves, and their passes over each workload, in turn. */
async function round(job, workloads, environment) {
  const theirs = await start('onnx-runtime.mjs', job)
  const ours = await start('ours.mjs', job, environment)
  const passesOf = []
  for (const number of workloads.keys()) {
    const pairs = []
    for (let pass = -warmUp; pass < passes; pass++) {
      await setTimeout(rest)
      const their = await theirs.pass(number)
      await setTimeout(rest)
      const our = await ours.pass(number)
      if (pass >= 0) pairs.push({ theirs: their, ours: our })
    }
    passesOf.push(pairs)
  }
  await Promise.all([theirs.end(), ours.end()])
  return { theirs: theirs.about, ours: ours.about, passesOf }
}

function largestDifference(a, b) {
  return Math.max(...a.flatMap((row, text) => row.map((logit, i) => Math.abs(logit - b[text][i]))))
}

/** One line of the table: the figure of each engine in each of the pairs. */
function line(name, pairs, digits, figure) {
  const theirs = pairs.map((pair) => figure(pair.theirs))
  const ours = pairs.map((pair) => figure(pair.ours))
  const ratios = ours.map((value, at) => value / theirs[at]).sort((a, b) => a - b)
  const quarter = Math.floor(ratios.length / 4)
  return [
    name,
    median(theirs).toFixed(digits),
    median(ours).toFixed(digits),
    median(ratios).toFixed(2),
    `${ratios[quarter].toFixed(2)}–${ratios.at(-1 - quarter).toFixed(2)}`,
  ]
}

function print(rounds, workloads) {
  const [first] = rounds
  console.log(`\n${first.theirs.engine} and ${first.ours.engine}`)
  const speeds = workloads.map(({ name, sequences }, at) => {
    const pairs = rounds.flatMap(({ passesOf }) => passesOf[at])
    const cells = line(`${name}, texts/s`, pairs, 1, ({ seconds }) => sequences.length / seconds)
    const difference = largestDifference(pairs[0].theirs.logits, pairs[0].ours.logits)
    return [...cells, difference.toExponential(1)]
  })
  const last = rounds.map(({ passesOf }) => passesOf.at(-1).at(-1))
  const rows = [
    ['', 'peer', 'ours', 'ours / peer', 'middle half', 'logits differ by'],
    ...speeds,
    [...line('load, s', rounds, 2, ({ loadSeconds }) => loadSeconds), ''],
    [...line('start to first result, s', rounds, 2, (one) => one.firstResultSeconds), ''],
    [...line('peak memory, MiB', last, 0, (one) => one.peakResidentBytes / 2 ** 20), ''],
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
    JSON.stringify({ model, onnx, device, dtype, peer, padTokenId, threads, workloads }),
  )
  const answers = []
  for (let at = 0; at < rounds; at++) {
    answers.push(await round(job, workloads, environments[peer]))
  }
  print(answers, workloads)
}
