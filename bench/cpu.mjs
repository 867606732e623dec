/**
 * The CPU backend's kernels, and whole forwards: `npm run build && node bench/cpu.mjs [MODEL_DIR] [--threads N]`.
 *
 * Prints GFLOP/s of `linear` and GB/s of the operators that are bound by memory, for the shapes of
 * RoBERTa-base, with relaxed SIMD (fused multiply-add) and without, and `linear` also with each native
 * library there is, in turn, and the fastest round of each: other work on the machine can only slow a round down. With a directory of a base model, as
 * test/golden/random-base/make_random_base.py makes one, also texts per second of the 23 texts whose
 * token ids are in test/golden/random-base/golden.json, the distance of the logits from those of
 * float64, and memory.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { CpuBackend } from '../dist/backends/cpu/cpu-backend.js'
import { blasNames, installedBlas } from '../dist/backends/cpu/native-blas.js'
import { addLayerNorm, arena, attention, gelu, linear, softmax, tensor } from '../dist/index.js'
import { forwardLogits } from '../dist/model/forward.js'
import { loadModel } from '../dist/model/load-model.js'

const { values, positionals } = parseArgs({
  options: { threads: { type: 'string' } },
  allowPositionals: true,
})
const threads = values.threads === undefined ? undefined : Number(values.threads)
const rounds = 15

const own = [
  ['relaxed SIMD', { relaxedSimd: true, blas: 'off' }],
  ['plain SIMD', { relaxedSimd: false, blas: 'off' }],
]
const native = blasNames.filter(installedBlas).map((blas) => [blas, { blas }])
const open = ([name, options]) => [name, new CpuBackend({ threads, ...options })]
const ownBackends = new Map(own.map(open))
const backends = new Map([...ownBackends, ...native.map(open)])

function random(backend, ...shape) {
  const length = shape.reduce((product, size) => product * size, 1)
  return tensor(
    backend,
    'float32',
    shape,
    Float32Array.from({ length }, () => Math.random() - 0.5),
  )
}

/** Seconds of one call, the fastest of several rounds of `calls` calls. */
async function fastest(backend, calls, call) {
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    arena(() => {
      for (let i = 0; i < calls; i++) call().dispose()
    })
    await backend.synchronize()
    best = Math.min(best, (performance.now() - start) / calls / 1000)
  }
  return best
}

async function report(name, unit, amount, calls, prepare, among = ownBackends) {
  const columns = []
  for (const [kind, backend] of among) {
    const { call, inputs } = prepare(backend)
    const seconds = await fastest(backend, calls, call)
    columns.push(`${kind} ${(amount / seconds / 1e9).toFixed(1).padStart(6)} ${unit}`)
    for (const input of inputs) input.dispose()
  }
  console.log(name.padEnd(34), columns.join('   '))
}

const [first] = backends.values()
console.log(`${first.threads} threads, Node ${process.version}`)

for (const [rows, columns, inner] of [
  [1, 768, 768],
  [11, 3072, 768],
  [11, 768, 3072],
  [257, 768, 768],
  [257, 3072, 768],
  [257, 768, 3072],
  [2048, 3072, 768],
]) {
  const flops = 2 * rows * columns * inner
  const calls = Math.ceil(2e9 / flops)
  await report(
    `linear ${rows}×${columns}×${inner}`,
    'GFLOP/s',
    flops,
    Math.min(calls, 200),
    (backend) => {
      // Weights enough that small products read them from memory, as in a model.
      const count = rows < 32 ? 24 : 1
      const weights = Array.from({ length: count }, () => random(backend, columns, inner))
      const [input, bias] = [random(backend, rows, inner), random(backend, columns)]
      let next = 0
      return {
        call: () => linear(input, weights[next++ % count], bias),
        inputs: [...weights, input, bias],
      }
    },
    backends,
  )
}

/** Bytes: every operand once. */
const memoryBound = [
  ['gelu 257×3072', 2 * 257 * 3072, (b) => [random(b, 257, 3072)], ([x]) => gelu(x)],
  [
    'add_layer_norm 257×768',
    3 * 257 * 768,
    (b) => [random(b, 257, 768), random(b, 257, 768), random(b, 768), random(b, 768)],
    ([x, y, w, v]) => addLayerNorm(x, y, w, v),
  ],
  ['softmax 1536×128', 2 * 1536 * 128, (b) => [random(b, 1536, 128)], ([x]) => softmax(x)],
]
for (const [name, elements, make, run] of memoryBound) {
  await report(name, 'GB/s', 4 * elements, 50, (backend) => {
    const inputs = make(backend)
    return { call: () => run(inputs), inputs }
  })
}
for (const [texts, length] of [
  [23, 11],
  [16, 128],
  [1, 512],
]) {
  const lengths = new Array(texts).fill(length)
  const flops = 4 * texts * length * length * 768
  await report(`attention ${texts} texts of ${length}`, 'GFLOP/s', flops, 5, (backend) => {
    const inputs = [1, 2, 3].map(() => random(backend, texts * length, 768))
    const call = () => attention(...inputs, undefined, { numHeads: 12, lengths })
    return { call, inputs }
  })
}
for (const backend of backends.values()) await backend.close()

const [directory] = positionals
if (directory !== undefined) {
  const file = new URL('../test/golden/random-base/golden.json', import.meta.url)
  const golden = JSON.parse(readFileSync(file, 'utf8'))
  const ids = golden.input_ids
  const options = { dtype: 'float32', warn: console.error }
  for (const choice of [...own, ...native]) {
    const [name, backend] = open(choice)
    const start = performance.now()
    const model = await loadModel(directory, { backend, ...options })
    const loaded = performance.now()
    const logits = await forwardLogits(model, backend, ids)
    const now = performance.now()
    console.log(name)
    console.log(
      `  load ${(loaded - start).toFixed(0)} ms, first forward ${(now - loaded).toFixed(0)} ms,`,
      `peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`,
    )
    for (const [variant, { logits64 }] of Object.entries(golden.variants)) {
      const distance = Math.max(
        ...logits.flatMap((row, i) => Array.from(row, (x, j) => Math.abs(x - logits64[i][j]))),
      )
      if (distance < 0.1) console.log(`  ${variant}: off by ${distance.toExponential(1)} at most`)
    }
    for (const size of [1, 16, 23]) {
      let best = Infinity
      for (let round = 0; round < rounds; round++) {
        const begin = performance.now()
        for (let at = 0; at < ids.length; at += size) {
          await forwardLogits(model, backend, ids.slice(at, at + size))
        }
        best = Math.min(best, performance.now() - begin)
      }
      console.log(`  batch ${size}: ${((1000 * ids.length) / best).toFixed(1)} texts/s`)
    }
    for (const parameter of model.parameters) parameter.dispose()
    await backend.close()
  }
}
