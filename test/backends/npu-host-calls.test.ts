/** The calls of a forward that docs/npu.md lists (bench/npu-host.mjs) are those that it makes. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parseConfig } from '../../src/model/config.ts'
import { forwardLogits } from '../../src/model/forward.ts'
import { RobertaForSequenceClassification } from '../../src/model/roberta.ts'
import { tensor } from '../../src/ops/index.ts'
import { numel } from '../../src/tensor/shape.ts'
import { controls, forEachBinding, onEmulator } from '../support/emulator.ts'

/** Counts by function, from the table's rows `| \`f\` | n |` and `| \`fGetWorkspaceSize\`, \`f\` | n each |`. */
function documentedCalls(): Record<string, number> {
  const text = readFileSync(new URL('../../docs/npu.md', import.meta.url), 'utf8')
  const [, table = ''] = text.split('begin bench/npu-host.mjs')
  const rows = [...table.matchAll(/^\| (`.*`) \| (\d+)( each)? \|$/gm)]
  return Object.fromEntries(
    rows.flatMap(([, names = '', count]) =>
      names.split(', ').map((name) => [name.replaceAll('`', ''), Number(count)]),
    ),
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
  it('makes the calls that docs/npu.md lists for 16 texts of 16 tokens', () =>
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
      expect(Object.fromEntries(calls)).toEqual(documentedCalls())
      for (const parameter of model.parameters) parameter.dispose()
    }))
})
