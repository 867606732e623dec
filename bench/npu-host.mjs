/**
 * What one forward costs the host on the NPU backend: calls by function, and microseconds, for a
 * padded batch of 16 texts of 16 tokens through a base model of 12 layers, without plans, with plans
 * and with graphs, over both FFI bindings; and what a batch costs in a stream of them, one or two at a time.
 *
 *     npm run build && npm run build:emulator && node bench/npu-host.mjs [--write]
 *
 * It runs on the emulator with its arithmetic off, so that what is left is the host: this package, the
 * binding, and the emulator's own book-keeping in each call, in place of CANN's work there. Nothing
 * here is a measurement of an NPU. `--write` puts the tables into docs/npu.md; a test compares the
 * calls there with those of a forward.
 */
import { join } from 'node:path'
import { emulatorRoot, openEmulator } from '../dist/backends/npu/open-npu.js'
import { bindingNames, loadBinding } from '../dist/ffi/load-binding.js'
import { forwardLogits } from '../dist/model/forward.js'
import { mapInOrder } from '../dist/model/in-order.js'
import { ModelOnDevice } from '../dist/model/model-on-device.js'
import { writeIfAsked, zeroModel } from './emulated-base-model.mjs'

const [texts, tokens, rounds] = [16, 16, 200]
const sequences = Array.from({ length: texts }, () =>
  Array.from({ length: tokens }, (_, i) => i + 2),
)

const library = loadBinding('koffi').open(join(emulatorRoot, 'lib64/libascendcl.so'))
const reset = library.find('ascendEmulatorReset', 'void ()')
const writeReport = library.find('ascendEmulatorReport', 'uint64 (buffer: memory, size: uint64)')
function report() {
  const text = Buffer.alloc(Number(writeReport(null, 0n)) + 1)
  writeReport(text, BigInt(text.length))
  return JSON.parse(text.toString('utf8', 0, text.indexOf(0)))
}

/** The least of some times and their median. */
function summary(samples) {
  const sorted = samples.toSorted((a, b) => a - b)
  return [sorted[0], sorted[sorted.length >> 1]]
}

async function measure(binding, options) {
  process.env.ROBERTA_ASCEND_FFI = binding
  const backend = openEmulator(options)
  const model = zeroModel(backend, 'float32')
  for (let i = 0; i < 5; i++) await forwardLogits(model, backend, sequences)
  reset()
  await forwardLogits(model, backend, sequences)
  const calls = Object.entries(report().calls).filter(([, count]) => count > 0)
  const [enqueued, whole] = [[], []]
  for (let i = 0; i < rounds; i++) {
    const start = performance.now() * 1000
    const logits = forwardLogits(model, backend, sequences)
    enqueued.push(performance.now() * 1000 - start)
    await logits
    whole.push(performance.now() * 1000 - start)
  }
  for (const parameter of model.parameters) parameter.dispose()
  await backend.close()
  return { calls: new Map(calls), times: [...summary(enqueued), ...summary(whole)] }
}

/** Microseconds for each of many batches that come one after the other. */
async function measureStream(binding, options) {
  process.env.ROBERTA_ASCEND_FFI = binding
  const backend = openEmulator(options)
  const device = new ModelOnDevice({ backend, model: zeroModel(backend, 'float32') }, console.warn)
  const batches = Array.from({ length: 40 }, () => sequences)
  const perBatch = []
  for (let i = 0; i < rounds / 5; i++) {
    const start = performance.now() * 1000
    const run = (batch) => device.forward(batch)
    for await (const _ of mapInOrder(batches, device.concurrency, run));
    perBatch.push((performance.now() * 1000 - start) / batches.length)
  }
  await device.close()
  return summary(perBatch)
}

/** The ways to run a forward. */
const ways = {
  'without plans': { plans: false },
  'with plans': { graphs: false },
  'with graphs': {},
}

const results = []
for (const binding of bindingNames) {
  const measured = []
  for (const options of Object.values(ways)) measured.push(await measure(binding, options))
  results.push({ binding, measured })
}

function table(header, rows) {
  const lines = [header, header.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Counts of each way by function, operators first. */
function callTable(counts) {
  const names = [...new Set(counts.flatMap((calls) => [...calls.keys()]))]
  const most = (name) => Math.max(...counts.map((calls) => calls.get(name) ?? 0))
  const isOperator = (name) => name.startsWith('aclnn')
  const rows = names
    .sort((a, b) => Number(isOperator(b)) - Number(isOperator(a)) || most(b) - most(a))
    .map((name) => [`\`${name}\``, ...counts.map((calls) => calls.get(name) ?? 0)])
  const totals = counts.map((calls) => [...calls.values()].reduce((sum, count) => sum + count, 0))
  return table(['function', ...Object.keys(ways)], [...rows, ['all', ...totals]])
}

const timeTable = table(
  [
    'binding',
    '',
    'µs until enqueued: least',
    'median',
    'µs until logits are read: least',
    'median',
  ],
  results.flatMap(({ binding, measured }) =>
    Object.keys(ways).map((way, at) => [
      binding,
      way,
      ...measured[at].times.map((time) => time.toFixed(0)),
    ]),
  ),
)

/** The ways to run a stream of batches, of which one or two are under way. */
const streams = { 'one batch at a time': { overlap: false }, 'two at a time': {} }
const streamRows = []
for (const binding of bindingNames) {
  for (const [way, options] of Object.entries(streams)) {
    const times = await measureStream(binding, options)
    streamRows.push([binding, way, ...times.map((time) => time.toFixed(0))])
  }
}
const streamTable = table(
  ['binding', '', 'µs for a batch of a stream: least', 'median'],
  streamRows,
)

const text = `${callTable(results[0].measured.map(({ calls }) => calls))}\n\n${timeTable}\n\n${streamTable}`
console.log(text)
writeIfAsked('npu.md', 'npu-host.mjs', text)
