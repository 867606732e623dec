/**
 * ONNX Runtime, as a process that compare.mjs forks: `onnx-runtime.mjs JOB.json`. The way its users run it:
 * all graph optimisations, batches padded to their longest text.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { firstResult, readJob, serve } from './measure.mjs'

const job = await readJob()
const name = `onnxruntime-${job.peer}`
const { default: ort } = await import(name)
const { version } = createRequire(import.meta.url)('./package-lock.json').packages[
  `node_modules/${name}`
]
const begin = performance.now()
const session = await createSession()
const loadSeconds = (performance.now() - begin) / 1000

function createSession() {
  if (job.peer === 'node') {
    const options = { intraOpNumThreads: job.threads, graphOptimizationLevel: 'all' }
    return ort.InferenceSession.create(job.onnx, options)
  }
  ort.env.wasm.numThreads = job.threads
  const options = { executionProviders: ['wasm'], graphOptimizationLevel: 'all' }
  return readFile(job.onnx).then((bytes) => ort.InferenceSession.create(bytes, options))
}

async function forward(batch) {
  const length = Math.max(...batch.map((ids) => ids.length))
  const ids = new BigInt64Array(batch.length * length).fill(BigInt(job.padTokenId))
  const mask = new BigInt64Array(batch.length * length)
  for (const [row, sequence] of batch.entries()) {
    ids.set(sequence.map(BigInt), row * length)
    mask.fill(1n, row * length, row * length + sequence.length)
  }
  const tensor = (data) => new ort.Tensor('int64', data, [batch.length, length])
  const outputs = await session.run({ input_ids: tensor(ids), attention_mask: tensor(mask) })
  const { data, dims } = outputs.logits
  return batch.map((_, row) => data.subarray(row * dims[1], (row + 1) * dims[1]))
}

const firstResultSeconds = await firstResult(job, forward)
// A run blocks this thread, and so the start of another one.
const concurrency = 1
await serve(job, forward, concurrency, {
  engine: `${name} ${version}`,
  loadSeconds,
  firstResultSeconds,
})
// The threads of the WebAssembly build would keep the process alive.
process.exit(0)
