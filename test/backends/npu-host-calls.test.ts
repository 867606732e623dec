/** The calls of a forward that docs/npu.md lists (bench/npu-host.mjs) are those that it makes. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { OpenNpuOptions } from '../../src/backends/npu/open-npu.ts'
import { parseConfig } from '../../src/model/config.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { RobertaForSequenceClassification } from '../../src/model/roberta.ts'
import { tensor } from '../../src/ops/index.ts'
import { numel } from '../../src/tensor/shape.ts'
import { controls, forEachBinding, onEmulator } from '../support/emulator.ts'

/** The ways to run a forward, by column of the table. */
const ways: Readonly<Record<string, OpenNpuOptions>> = {
  'without plans': { plans: false },
  'with plans': { graphs: false },
  'with graphs': {},
}

/** Counts by function, from a column of the table's rows `| \`f\` | n | n |`. */
function documentedCalls(way: string): Record<string, number> {
  const text = readFileSync(new URL('../../docs/npu.md', import.meta.url), 'utf8')
  const [, table = ''] = text.split('begin bench/npu-host.mjs')
  const [header = '', , ...rows] = table.trim().split('\n').slice(2)
  const cells = (row: string) => row.split('|').map((cell) => cell.trim())
  const column = cells(header).indexOf(way)
  expect(column, `a column '${way}'`).toBeGreaterThan(1)
  return Object.fromEntries(
    rows
      .map(cells)
      .filter(([, name]) => name?.startsWith('`'))
      .map((row) => [row[1]!.replaceAll('`', ''), Number(row[column])] as const)
      .filter(([, count]) => count > 0),
  )
}

/** How many calls there are does not depend on the width of the model. */
const config = parseConfig(
  {
    model_type: 'roberta',
    vocab_size: 20,
    hidden_size: 24,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    intermediate_size: 32,
    max_position_embeddings: 20,
    type_vocab_size: 1,
    layer_norm_eps: 1e-5,
    num_labels: 28,
    problem_type: 'multi_label_classification',
  },
  'config.json',
)
const sequences = Array.from({ length: 16 }, () => Array.from({ length: 16 }, (_, i) => i + 2))

forEachBinding(() => {
  it.each(Object.entries(ways))(
    'makes the calls that docs/npu.md lists for 16 texts of 16 tokens, %s',
    (way, options) =>
      onEmulator(async (backend) => {
        const model = new RobertaForSequenceClassification(config)
        for (const parameter of model.parameters) {
          const zeros = new Float32Array(numel(parameter.shape))
          parameter.load(tensor(backend, 'float32', parameter.shape, zeros))
        }
        await forwardLogits(model, backend, sequences)
        await forwardLogits(model, backend, sequences)
        controls.reset()
        await forwardLogits(model, backend, sequences)
        const calls = Object.entries(controls.report().calls).filter(([, count]) => count > 0)
        expect(Object.fromEntries(calls)).toEqual(documentedCalls(way))
        for (const parameter of model.parameters) parameter.dispose()
      }, options),
  )
})
