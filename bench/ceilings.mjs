/**
 * How many texts a second a 910B3 could do at most, computed: by the host's time for a forward, by the
 * arithmetic and memory of the device. Nothing here was measured on an NPU.
 *
 *     npm run build && npm run build:emulator && node bench/ceilings.mjs [--write]
 *
 * - The host's time is what bench/npu-host.mjs wrote into docs/npu.md: the least, koffi; run that first.
 * - Operations and bytes are those of the operators that the NPU backend executes for a base model in
 *   float16, by the formulas of the catalogue; they are counted on the emulator with its arithmetic off.
 * - The device's figures come from Ascend910B3.ini of the CANN 8.1 toolkit: 20 cube cores at 1800 MHz, each
 *   16 × 16 × 16 products a cycle; 32 bytes a cycle and core between the cores and memory.
 *
 * `--write` puts the table into docs/performance.md.
 */
import { readFileSync } from 'node:fs'
import { openEmulator } from '../dist/backends/npu/open-npu.js'
import { forwardLogits } from '../dist/model/forward.js'
import { catalogue } from '../dist/ops/index.js'
import { bytesMoved } from '../dist/ops/operator.js'
import { dtypes } from '../dist/tensor/dtype.js'
import { writeIfAsked, zeroModel } from './emulated-base-model.mjs'

const [cores, hertz] = [20, 1.8e9]
const flopsPerSecond = cores * hertz * 16 ** 3 * 2
const bytesPerSecond = cores * hertz * 32

const dtype = 'float16'
/** As many tokens as each of the 23 texts has with RoBERTa's vocabulary. */
const golden = new URL('../test/golden/random-base/golden.json', import.meta.url)
const everyday = JSON.parse(readFileSync(golden, 'utf8')).input_ids.map(({ length }) => length)
const workloads = {
  'the 23 texts': everyday,
  '16 texts of 16 tokens': new Array(16).fill(16),
  '64 texts of 128 tokens': new Array(64).fill(128),
}

/** What the operators of each workload compute and move. */
async function costs() {
  const backend = openEmulator({ plans: false })
  const model = zeroModel(backend, dtype)
  let weights = 0
  for (const { name, shape } of model.parameters) {
    // Of the tables only some rows are read.
    if (/embeddings\.weight$/.test(name)) continue
    weights += shape.reduce((a, b) => a * b, 1) * dtypes[dtype].itemsize
  }
  let [flops, bytes] = [0, 0]
  const { execute } = backend
  backend.execute = (call) => {
    const { operator, inputs, attributes, output } = call
    const definition = catalogue[operator]
    flops += definition.flops(inputs, attributes, output)
    // Of a table as many rows are read as written.
    const moved = operator === 'embedding' ? [output] : inputs
    bytes += bytesMoved(definition, moved, output)
    execute.call(backend, call)
  }
  const all = []
  for (const lengths of Object.values(workloads)) {
    ;[flops, bytes] = [0, 0]
    const ids = lengths.map((length) => Array.from({ length }, (_, at) => at + 2))
    await forwardLogits(model, backend, ids)
    all.push({ flops, bytes, weights })
  }
  for (const parameter of model.parameters) parameter.dispose()
  await backend.close()
  return all
}

/** Seconds that the host takes for a forward, by the way it is run; from the table of docs/npu.md. */
function hostSeconds() {
  const text = readFileSync(new URL('../docs/npu.md', import.meta.url), 'utf8')
  const lines = text.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  const heading = lines.findIndex(([, first]) => first === 'binding')
  const column = lines[heading].indexOf('µs until enqueued: least')
  const end = lines.findIndex((cells, at) => at > heading && cells.length === 1)
  return lines
    .slice(heading, end)
    .filter(([, binding]) => binding === 'koffi')
    .map((cells) => [cells[2], Number(cells[column]) / 1e6])
}

const counted = await costs()
const texts = Object.values(workloads).map(({ length }) => length)

const round = (value) => Number(value.toPrecision(3)).toLocaleString('en')
const peak = `${(flopsPerSecond / 1e12).toFixed(1)} TFLOPS`
const bandwidth = `${(bytesPerSecond / 1e12).toFixed(2)} TB/s`
const rows = [
  [
    'GFLOP for a text',
    'the catalogue',
    counted.map(({ flops }, at) => (flops / texts[at] / 1e9).toPrecision(3)),
  ],
  [
    'arithmetic of the device',
    `the catalogue, ${peak}`,
    counted.map(({ flops }, at) => round((texts[at] * flopsPerSecond) / flops)),
  ],
  [
    'memory of the device: each weight once a forward',
    `the shapes, ${bandwidth}`,
    counted.map(({ weights }, at) => round((texts[at] * bytesPerSecond) / weights)),
  ],
  [
    'memory of the device: every operand of every operator once',
    `the catalogue, ${bandwidth}`,
    counted.map(({ bytes }, at) => round((texts[at] * bytesPerSecond) / bytes)),
  ],
  ...hostSeconds().map(([way, seconds]) => [
    `time of the host, ${way}`,
    'docs/npu.md, a CPU with the emulator',
    texts.map((count) => round(count / seconds)),
  ]),
]
const text = [
  ['texts/s at most', 'computed from', ...Object.keys(workloads)],
  ['---', '---', ...texts.map(() => '---:')],
  ...rows.map(([name, from, values]) => [name, from, ...values]),
]
  .map((cells) => `| ${cells.join(' | ')} |`)
  .join('\n')
console.log(text)
writeIfAsked('performance.md', 'ceilings.mjs', text)
