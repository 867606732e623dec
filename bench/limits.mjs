/**
 * What share of the machine's limit a forward reaches: `npm run build && node bench/limits.mjs MODEL_DIR
 * [--threads N] [--rounds 7]`.
 *
 * The limit is the time that native libraries, called on their own, take for the same products with the
 * same weights: all that RoBERTa has, in their order, each thread a share of the panels of columns, with
 * nothing between them but that threads wait for each other, and for each product the faster library. A forward
 * that spent no time on anything else would reach 100 %, and more where it waits less: two batches run at a time,
 * as `classify` runs them.
 * Limit and forward take turns, and the medians of the rounds are printed, with the arithmetic peak beside them:
 * the fastest large product of the library. MODEL_DIR is a base model, for example one that
 * test/golden/random-base/make_random_base.py makes.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { CpuBackend } from '../dist/backends/cpu/cpu-backend.js'
import { bindBlas, blasNames, installedBlas, panelWidth } from '../dist/backends/cpu/native-blas.js'
import { median } from '../dist/bench/statistics.js'
import { grid } from '../dist/cli/output/grid.js'
import { parseConfig } from '../dist/model/config.js'
import { loadModel } from '../dist/model/load-model.js'
import { ModelOnDevice } from '../dist/model/model-on-device.js'

/** The products of a forward: [rows, columns, inner]. The last layer goes on with first tokens only. */
function productsOf({ num_hidden_layers, hidden_size: h, intermediate_size: i }, rows, texts) {
  const layer = (r) => [
    [r, h, h],
    [r, i, h],
    [r, h, i],
  ]
  return Array.from({ length: num_hidden_layers }, (_, at) => [
    ...[1, 2, 3].map(() => [rows, h, h]),
    ...layer(at === num_hidden_layers - 1 ? texts : rows),
  ]).flat()
}

const flopsOf = (products) => products.reduce((sum, [m, n, k]) => sum + 2 * m * n * k, 0)

/** A thread's part: runs its share of every product when it is told to. */
function work({ library, share, threads, weights, elementsOfWeights, state }) {
  const { multiply } = bindBlas(library)
  const buffers = new Map()
  const floats = (name, length) => {
    if ((buffers.get(name)?.length ?? 0) < length) {
      buffers.set(name, new Float32Array(length).fill(0.5))
    }
    return buffers.get(name).subarray(0, length)
  }
  const all = new Float32Array(weights)
  const flags = new Int32Array(state)
  let turn = 0
  /** All threads meet after each product, as the operators of a forward do. */
  const meet = () => {
    turn += 1
    Atomics.add(flags, 0, 1)
    while (Atomics.load(flags, 0) < turn * threads);
  }
  parentPort.on('message', (products) => {
    let start = 0
    meet()
    const seconds = []
    for (const [m, columns, k] of products) {
      const begin = performance.now()
      if (start + columns * k > elementsOfWeights) start = 0
      const [a, c] = [floats('a', m * k), floats('c', m * columns)]
      const widthOfShare = Math.ceil(columns / panelWidth / threads) * panelWidth
      const last = Math.min((share + 1) * widthOfShare, columns)
      for (let column = share * widthOfShare; column < last; column += panelWidth) {
        const n = Math.min(panelWidth, last - column)
        const b = all.subarray(start + column * k, start + (column + n) * k)
        multiply({ m, n, k, a, lda: k, b, ldb: n, c: c.subarray(column), ldc: columns })
      }
      start += columns * k
      meet()
      seconds.push((performance.now() - begin) / 1000)
    }
    parentPort.postMessage(seconds)
  })
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { threads: { type: 'string' }, rounds: { type: 'string', default: '7' } },
    allowPositionals: true,
  })
  const [directory] = positionals
  if (directory === undefined) throw new Error('give the directory of a base model')
  const threads = values.threads === undefined ? undefined : Number(values.threads)
  const rounds = Number(values.rounds)
  const path = join(directory, 'config.json')
  const config = parseConfig(JSON.parse(readFileSync(path, 'utf8')), path)
  const backend = new CpuBackend({ threads })
  const model = await loadModel(directory, { backend, dtype: 'float32', warn: console.error })
  const device = new ModelOnDevice({ backend, model }, console.warn)
  const libraries = blasNames.flatMap((name) => installedBlas(name) ?? [])
  if (libraries.length === 0) throw new Error('there is no native library to take the limit of')
  const pools = new Map(
    libraries.map((blas) => [blas.description, pool(blas, backend.threads, config)]),
  )

  const file = new URL('../test/golden/random-base/golden.json', import.meta.url)
  const everyday = JSON.parse(readFileSync(file, 'utf8')).input_ids
  const long = Array.from({ length: 16 }, (_, text) =>
    Array.from({ length: 128 }, (_, at) =>
      at === 0 ? 0 : 4 + ((text * 7919 + at * 104729) % 5000),
    ),
  )
  const average = everyday.find(({ length }) => length === 11) ?? everyday[0]
  const works = [
    [`1 text of ${average.length} tokens`, [[average]]],
    ['16 of the 23 texts', [everyday.slice(0, 16)]],
    ['23 texts', [everyday]],
    ['23 texts, as batches of 16 and 7', [everyday.slice(0, 16), everyday.slice(16)]],
    ['16 texts of 128 tokens', [long]],
  ]
  console.log(
    `${backend.threads} threads, ${backend.settings['products by']}, Node ${process.version}`,
  )
  const table = [['', 'library alone, ms', 'forward, ms', 'share of it', 'forward, GFLOP/s']]
  for (const [name, batches] of works) {
    const products = batches.flatMap((batch) => {
      const rows = batch.reduce((sum, { length }) => sum + length, 0)
      return productsOf(config, rows, batch.length)
    })
    const limits = []
    const times = []
    for (let round = -2; round < rounds; round++) {
      const perLibrary = []
      for (const run of pools.values()) perLibrary.push(await run(products))
      const best = products.map((_, at) => Math.min(...perLibrary.map((seconds) => seconds[at])))
      const begin = performance.now()
      await Promise.all(batches.map((batch) => device.forward(batch)))
      if (round < 0) continue
      limits.push(best.reduce((sum, seconds) => sum + seconds, 0))
      times.push((performance.now() - begin) / 1000)
    }
    const [limit, time] = [median(limits), median(times)]
    table.push([
      name,
      (1000 * limit).toFixed(1),
      (1000 * time).toFixed(1),
      `${((100 * limit) / time).toFixed(0)} %`,
      (flopsOf(products) / time / 1e9).toFixed(0),
    ])
  }
  for (const row of grid(table, 1)) console.log(row)
  for (const [name, run] of pools) {
    const large = [[2048, 3072, 768]]
    let best = Infinity
    for (let round = 0; round < rounds; round++) best = Math.min(best, (await run(large))[0])
    console.log(`${name}, 2048×3072×768: ${(flopsOf(large) / best / 1e9).toFixed(0)} GFLOP/s`)
  }
  await device.close()
  for (const run of pools.values()) run.close()
}

/** Threads that multiply with weights as large as a model's; gives the seconds of each product. */
function pool({ name }, threads, { num_hidden_layers, hidden_size, intermediate_size }) {
  const elementsOfWeights =
    num_hidden_layers * (4 * hidden_size ** 2 + 2 * hidden_size * intermediate_size)
  const weights = new SharedArrayBuffer(4 * elementsOfWeights)
  new Float32Array(weights).fill(0.01)
  const state = new SharedArrayBuffer(4)
  const workers = Array.from({ length: threads }, (_, share) => {
    const data = { library: name, share, threads, weights, elementsOfWeights, state }
    return new Worker(new URL(import.meta.url), { workerData: data })
  })
  const run = async (products) => {
    const answers = workers.map((worker) => new Promise((done) => worker.once('message', done)))
    for (const worker of workers) worker.postMessage(products)
    const [seconds] = await Promise.all(answers)
    return seconds
  }
  run.close = () => {
    for (const worker of workers) worker.terminate()
  }
  return run
}

if (isMainThread) await main()
else work(workerData)
