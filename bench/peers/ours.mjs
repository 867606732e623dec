/** This library on a device, as a process of its own: `node ours.mjs JOB.json`. */
import { openBackend } from '../../dist/backends/open.js'
import { labelOf } from '../../dist/bench/report.js'
import { forwardLogits } from '../../dist/model/forward.js'
import { loadModel } from '../../dist/model/load-model.js'
import { answer, firstResult, measure, readJob } from './measure.mjs'

const job = await readJob()
const begin = performance.now()
const backend = await openBackend(job.device)
const model = await loadModel(job.model, { backend, dtype: job.dtype, warn: console.warn })
await backend.synchronize()
const loadSeconds = (performance.now() - begin) / 1000
const forward = (batch) => forwardLogits(model, backend, batch)
const firstResultSeconds = await firstResult(job, forward)
const results = await measure(job, forward)
const details = [
  ...Object.values(labelOf(backend.device)),
  ...Object.entries(backend.settings).map(([name, value]) => `${name} ${value}`),
]
answer(
  details.length === 0 ? backend.device : `${backend.device} (${details.join(', ')})`,
  { loadSeconds, firstResultSeconds },
  results,
)
for (const parameter of model.parameters) parameter.dispose()
await backend.close()
